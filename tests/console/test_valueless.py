"""Conditions that had no value in a back-test: told by the API, the page and the command, with the first place and the reason."""

from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from tests.console.conftest import COOKIE, ORIGIN, Browser
from tests.console.test_policy_pages import ACTS, YOUNG
from tests.fixtures.console import console_of, kept_app_of, served, token_of
from tests.fixtures.history import TENANT, History
from typer.testing import CliRunner

from vedette.app.cli.main import app
from vedette.app.policy_book import PolicyBook
from vedette.app.settings import Settings
from vedette.console.credential import csrf_token
from vedette.store import Role

NEVER = """    when: 'host.labels["no such label"] == "prod"'\n"""
WHERE_IT_MATTERS = NEVER.replace("when: '", 'when: \'incident.severity == "high" && ')
AT_TIMES = NEVER.replace("when: '", 'when: \'incident.severity == "high" || ')
MISSING = 'NOT_FOUND: Key not found in map : "no such label"'


@pytest.fixture
def book(history: History) -> PolicyBook:
    return PolicyBook(Settings(respond=YOUNG), history.store, history.clock)


@pytest.mark.parametrize(
    ("when", "title", "gate"),
    [
        (NEVER, "A condition never had a value", True),
        (WHERE_IT_MATTERS, "A condition never held, and had no value at times", True),
        (AT_TIMES, "A condition had no value at times", False),
    ],
)
def test_the_api_and_the_page_tell_it(
    history: History, book: PolicyBook, when: str, title: str, gate: bool
) -> None:
    token = token_of(history, Role.ADMIN)
    with TestClient(kept_app_of(console_of(history, policies=book)), base_url=ORIGIN) as client:
        client.headers["authorization"] = f"Bearer {token}"
        body: dict[str, Any] = {"text": ACTS + when, "days": 30}
        found = client.post("/v1/policies/backtest", json=body).json()
        (one,) = found["valueless"]
        assert (one["policy"], one["line"], one["reason"]) == ("cut-off", 3, MISSING)
        assert 0 < one["without"] <= one["asked"]
        assert (one["without"] == one["asked"]) is (when == NEVER)
        assert (one["met"] == 0) is gate
        assert bool(found["lacks"]) is gate
        client.post("/signin", data={"token": token}, headers={"sec-fetch-site": "same-origin"})
        browser = Browser(client=client, csrf=csrf_token(client.cookies[COOKIE]))
        page = browser.send("/policies/backtest", text=ACTS + when, days="30")[1]
        assert (
            f"<b>{title}</b> · The condition of policy cut-off (line 3) had no value for " in page
        )
        assert f"first on {one['hostname']} at " in page


def test_the_command_tells_it(
    history: History, book: PolicyBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(ACTS + NEVER)
    with served(kept_app_of(console_of(history, policies=book)), tmp_path) as url:
        monkeypatch.setenv("VEDETTE_URL", url)
        monkeypatch.setenv("VEDETTE_CA", str(tmp_path / "server.pem"))
        monkeypatch.setenv("VEDETTE_TOKEN", token_of(history, Role.ADMIN, name="eva"))
        words = ["policy", "backtest", str(file), "--server"]
        said = CliRunner().invoke(app, words, catch_exceptions=False)
    assert said.exit_code == 0, said.output
    found = book.check(TENANT, file.read_text()).backtest
    assert found is not None
    assert found.valueless[0].words in said.stdout
    assert f"does not let the text act by itself: {found.lacks}" in said.stderr
