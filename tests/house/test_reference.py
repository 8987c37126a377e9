"""docs/reference.md and the JSON Schemas beside it are what the code says: nothing in them is old, nothing lacks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from vedette.core import snapshot_schema

ROOT = Path(__file__).parents[2]
FILES = ("reference.md", "snapshot.schema.json", "notification.schema.json")


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tool writes now. It refuses to when a setting, option, route, metric or parameter is not described."""
    folder = tmp_path_factory.mktemp("reference")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "reference.py"), str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", FILES)
def test_the_generated_page_is_up_to_date(generated: Path, name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == (generated / name).read_text(), "run `make docs`"


def test_the_published_schema_is_the_codes_own() -> None:
    published = json.loads((ROOT / "docs" / "snapshot.schema.json").read_text())
    assert published == snapshot_schema()


def test_each_chapter_has_something_of_what_it_is_about(generated: Path) -> None:
    text = (generated / "reference.md").read_text()
    for thing in (
        "`VEDETTE_SERVER__PORT`",
        "`VEDETTE_AGENT_INTERVAL`",
        "### vedette agent enroll",
        "`/v1/hosts/{host_id}/facts`",
        "`vedette_queue_depth`",
        "### quarantine",
        "`VEDETTE_WEBHOOK__NAME__SECRET`",
        "`host.labels`",
        "`host.revoked`",
        "`action.awaiting_approval`",
        "`incident.opened`",
    ):
        assert thing in text
