"""Each operation of the people's API has its command, which asks for just that."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.decide.oncall import HOLIDAYS
from tests.decide.oncall import TEXT as ONCALL
from tests.fixtures.console import console_of, kept_app_of, served, token_of
from tests.fixtures.history import NOW, TENANT, History, history, history_template
from typer.testing import CliRunner, Result

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.main import app
from vedette.console.routes import API_HANDLERS
from vedette.core import InvalidInput, NotFound, digest
from vedette.store import Role

__all__ = ["history", "history_template"]

WHY = ("-m", "why")
POLICY = """
version: 1
policies:
  - {name: tell, then: [{action: mail, with: {to: ["@owner"]}}], mode: auto}
"""
TRIED = {
    "tenant": "default",
    "at": "2026-03-01T12:00:00Z",
    "by": "user:eva",
    "since": "2026-02-01T12:00:00Z",
    "until": "2026-03-01T12:00:00Z",
    "verdicts": 0,
    "incidents": 0,
    "kinds": [],
}
COMMANDS: dict[str, Sequence[str]] = {
    "get_me": ("me",),
    "list_models": ("model", "list"),
    "list_actions": ("actions",),
    "get_action": ("actions", "show", "ID"),
    "list_action_events": ("actions", "steps", "ID"),
    "propose_action": ("actions", "propose", "quarantine", "--host", "ID", *WHY),
    "approve_action": ("actions", "approve", "ID", *WHY),
    "refuse_action": ("actions", "refuse", "ID", *WHY),
    "cancel_action": ("actions", "cancel", "ID", *WHY),
    "release_action": ("actions", "release", "ID", *WHY),
    "list_audit": ("audit",),
    "list_evidence": ("evidence", "list"),
    "get_evidence": ("evidence", "show", "ID"),
    "download_evidence": ("evidence", "fetch", "ID", "--to", "bundle.sealed"),
    "list_dead_letters": ("dead-letters", "list"),
    "get_dead_letter": ("dead-letters", "show", "ID"),
    "replay_dead_letter": ("dead-letters", "replay", "ID"),
    "replay_dead_letters": ("dead-letters", "replay", "--all"),
    "purge_dead_letter": ("dead-letters", "purge", "ID", "--yes", *WHY),
    "purge_dead_letters": ("dead-letters", "purge", "--all", "--yes", *WHY),
    "get_guards": ("guards",),
    "throw_switch": ("guards", "throw", *WHY),
    "lift_switch": ("guards", "lift", *WHY),
    "reset_breaker": ("guards", "reset", "tenant", *WHY),
    "list_hosts": ("hosts",),
    "get_host": ("hosts", "show", "ID"),
    "list_facts": ("hosts", "facts", "ID"),
    "revoke_host": ("hosts", "revoke", "ID", *WHY),
    "list_incidents": ("incidents",),
    "get_incident": ("incidents", "show", "ID"),
    "list_incident_events": ("incidents", "timeline", "ID"),
    "acknowledge_incident": ("incidents", "acknowledge", "ID"),
    "close_incident": ("incidents", "close", "ID", "--resolution", "benign_change"),
    "false_positive_incident": ("incidents", "false-positive", "ID"),
    "comment_incident": ("incidents", "comment", "ID", "seen before"),
    "assign_incident": ("incidents", "assign", "ID", "--to", "ana"),
    "reopen_incident": ("incidents", "reopen", "ID", *WHY),
    "merge_incident": ("incidents", "merge", "ID", "--into", "OTHER", *WHY),
    "split_incident": ("incidents", "split", "ID", "--cause", "a", *WHY),
    "get_oncall": ("oncall", "show"),
    "list_oncall_history": ("oncall", "history"),
    "who_is_on_call": ("oncall", "who"),
    "check_oncall": ("oncall", "check", "oncall.yaml", "--server"),
    "apply_oncall": ("oncall", "apply", "oncall.yaml", *WHY),
    "list_escalations": ("oncall", "escalations"),
    "get_policies": ("policy", "show"),
    "list_policy_history": ("policy", "history"),
    "apply_policies": ("policy", "apply", "policies.yaml", *WHY),
    "check_policies": ("policy", "check", "policies.yaml", "--server"),
    "backtest_policies": ("policy", "backtest", "policies.yaml", "--server"),
    "list_verdicts": ("verdicts",),
    "get_verdict": ("verdicts", "show", "ID"),
    "list_sayings": ("sayings",),
    "list_silences": ("silences",),
    "get_silence": ("silences", "show", "ID"),
    "create_silence": (
        "silences",
        "create",
        "--host",
        "ID",
        "--until",
        "2027-01-01T00:00:00Z",
        *WHY,
    ),
    "end_silence_now": ("silences", "end", "ID"),
}
# `vedette tokens` and `vedette enrolments` do these on the server's own files: without them nobody has a token to begin with.
ON_THE_SERVER = {
    "list_tokens": ("tokens", "list"),
    "create_token": ("tokens", "create"),
    "revoke_token": ("tokens", "revoke"),
    "list_enrolments": ("enrolments", "list"),
    "create_enrolment": ("enrolments", "create"),
    "revoke_enrolment": ("enrolments", "revoke"),
}
Ask = Callable[..., Result]


def _handlers() -> dict[str, Any]:
    return {handler.fn.__name__: handler for handler in API_HANDLERS}  # type: ignore[union-attr]


def _route(handler: Any) -> tuple[str, str]:
    (method,), (path,) = handler.http_methods, handler.paths
    parts = ("ID" if part.startswith("{") else part for part in path.split("/"))
    return method, "/".join(parts)


def test_each_operation_has_its_command() -> None:
    assert {*COMMANDS, *ON_THE_SERVER} == set(_handlers())
    assert not COMMANDS.keys() & ON_THE_SERVER.keys()


@pytest.mark.parametrize("operation", COMMANDS)
def test_the_command_asks_for_its_operation(
    operation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VEDETTE_TOKEN", "vdt_x")
    (tmp_path / "policies.yaml").write_text(POLICY)
    (tmp_path / "oncall.yaml").write_text(ONCALL)
    asked: list[tuple[str, str]] = []

    def send(
        _client: ApiClient, method: str, path: tuple[str, ...], _seconds: float = 0.0, **_rest: Any
    ) -> Any:
        asked.append((method, "/" + "/".join(path)))
        if _rest.get("raw"):
            return b""
        found: dict[str, Any] = {"items": [], "next": None, "breakers": [], "switch": None}
        return found | {
            "id": "ID",
            "count": 0,
            "more": False,
            "text": "",
            "version": "v",
            "warnings": [],
            "digest": digest(b""),
            **TRIED,
        }

    monkeypatch.setattr(ApiClient, "_send", send)
    said = CliRunner().invoke(app, list(COMMANDS[operation]), catch_exceptions=False)
    assert said.exit_code == 0, said.output
    assert asked[-1] == _route(_handlers()[operation])


@pytest.mark.parametrize("command", ON_THE_SERVER.values())
def test_what_is_done_on_the_server_has_its_command(command: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, [*command, "--help"]).exit_code == 0


@pytest.fixture
def ask(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Commands of a responder, to a real server."""
    with served(kept_app_of(console_of(history)), tmp_path) as url:
        monkeypatch.setenv("VEDETTE_URL", url)
        monkeypatch.setenv("VEDETTE_CA", str(tmp_path / "server.pem"))
        monkeypatch.setenv("VEDETTE_TOKEN", token_of(history, Role.RESPONDER, name="eva"))
        monkeypatch.chdir(tmp_path)
        yield lambda *words: CliRunner().invoke(app, list(words), catch_exceptions=False)


def _items(said: Result) -> list[dict[str, Any]]:
    assert said.exit_code == 0, said.output
    found: list[dict[str, Any]] = json.loads(said.stdout)["items"]
    return found


def test_a_comment_stands_in_the_timeline(ask: Ask) -> None:
    incident = _items(ask("incidents", "--json"))[0]["id"]
    assert _items(ask("incidents", "comment", incident, "seen before"))[-1]["text"] == "seen before"
    last = _items(ask("incidents", "timeline", incident, "--json"))[-1]
    assert (last["kind"], last["actor"], last["text"]) == ("comment", "user:eva", "seen before")
    assert "seen before" in ask("incidents", "timeline", incident).stdout
    with pytest.raises(NotFound):
        ask("incidents", "timeline", "none")


def test_what_is_read_by_people_and_by_programs(ask: Ask) -> None:
    assert "responder" in ask("me").stdout
    assert json.loads(ask("me", "--json").stdout)["name"] == "eva"
    assert "champion" in ask("model", "list").stdout
    assert _items(ask("model", "list", "--json"))[0]["role"] == "champion"
    action = _items(ask("actions", "--json"))[0]["id"]
    assert _items(ask("actions", "steps", action, "--json"))[0]["state"] == "proposed"
    assert "proposed" in ask("actions", "steps", action).stdout
    host = _items(ask("hosts", "--json"))[0]["id"]
    assert ask("hosts", "facts", host).exit_code == 0
    assert {one["host"] for one in _items(ask("hosts", "facts", host, "--json"))} <= {host}
    assert "No escalations." in ask("oncall", "escalations", "--running").stdout
    assert _items(ask("oncall", "escalations", "--json")) == []
    until = (NOW + timedelta(hours=1)).isoformat()
    made = ask("silences", "create", "--host", host, "--until", until, "-m", "ours")
    ident = json.loads(made.stdout)["id"]
    assert "ours" in ask("silences", "show", ident).stdout
    assert json.loads(ask("silences", "show", ident, "--json").stdout)["id"] == ident


def test_who_is_on_call_and_that_it_is_a_holiday(ask: Ask, history: History) -> None:
    history.store.oncall.put(TENANT, digest(HOLIDAYS.encode()), HOLIDAYS, "user:ada", "ours")
    monday = ("oncall", "who", "--at", "2026-03-02T09:00:00Z")
    said = [" ".join(line.split()) for line in ask(*monday).stdout.splitlines()]
    assert "primary ana 2026-03-09T08:00:00Z ben Europe/Vienna" in said
    assert "office False Founding Day 2026-03-04T07:00:00Z Europe/Vienna" in said
    assert json.loads(ask(*monday, "--json").stdout)["hours"][0]["holiday"] == "Founding Day"


def test_incidents_are_narrowed(ask: Ask) -> None:
    every = [one["id"] for one in _items(ask("incidents", "--json"))]
    assert [one["id"] for one in _items(ask("incidents", "--sort", "oldest", "--json"))] == every[
        ::-1
    ]
    nobody = (
        "incidents",
        "--assigned",
        "nobody",
        "--cause",
        "none",
        "--label",
        "role=x",
        "--text",
        "x",
    )
    since = ("--since", "2026-01-01T00:00:00Z", "--until", "2027-01-01T00:00:00+01:00")
    assert "No incidents." in ask(*nobody, *since).stdout
    with pytest.raises(InvalidInput, match="NAME=VALUE"):
        ask("incidents", "--label", "role")
