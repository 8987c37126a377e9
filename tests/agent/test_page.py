"""The agent's page names every table and every setting."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from vedette.agent import AgentSettings, Collector, Source
from vedette.core import SystemClock

PAGE = (Path(__file__).parents[2] / "docs" / "agent.md").read_text()


def test_every_setting_is_on_the_page() -> None:
    for name, default in zip(AgentSettings.__struct_fields__, _defaults(), strict=True):
        if not isinstance(default, msgspec.Struct):
            assert f"| `{name}` | `VEDETTE_AGENT_{name.upper()}` |" in PAGE
            continue
        begins = f"| `{name}.*` | `VEDETTE_AGENT_{name.upper()}__*` |"
        (row,) = [line for line in PAGE.splitlines() if line.startswith(begins)]
        assert all(f"`{field}`" in row for field in default.__struct_fields__)


def _defaults() -> Iterator[object]:
    settings = AgentSettings()
    return (getattr(settings, name) for name in settings.__struct_fields__)


def test_every_table_is_on_the_page() -> None:
    names = {"processes", "listening_ports", "process_open_sockets"}
    for name in names | set(Collector(Source(), SystemClock())._tables):
        assert f"\n| `{name}` |" in PAGE
