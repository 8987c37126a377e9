"""What can't be, given to the command line: how it ends, what it says and where, and that nothing of it is kept."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.app.test_bad_input import GOOD, OTHER, WALK, change
from tests.decide.oncall import TEXT as ONCALL
from tests.fixtures.console import console_of, kept_app_of, served, token_of
from tests.fixtures.history import TENANT, History, history, history_template

from vedette.app.cli.main import main
from vedette.app.policy_book import PolicyBook
from vedette.app.settings import Settings
from vedette.store import Role

__all__ = ["history", "history_template"]

WHY = ("-m", "why")


class Said(NamedTuple):
    """How a command ended, and what it said to people."""

    code: int
    error: str


Ask = Callable[..., Said]


@pytest.fixture
def ask(
    history: History,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Ask]:
    """The program, in front of a real server, as an admin."""
    book = PolicyBook(Settings(), history.store, history.clock)
    with served(kept_app_of(console_of(history, policies=book)), tmp_path) as url:
        monkeypatch.setenv("VEDETTE_URL", url)
        monkeypatch.setenv("VEDETTE_CA", str(tmp_path / "server.pem"))
        monkeypatch.setenv("VEDETTE_TOKEN", token_of(history, Role.ADMIN, name="eva"))
        monkeypatch.chdir(tmp_path)

        def said(*words: str) -> Said:
            monkeypatch.setattr(sys, "argv", ["vedette", *words])
            with pytest.raises(SystemExit) as ended:
                main()
            return Said(int(ended.value.code or 0), capsys.readouterr().err)

        yield said


def kept(history: History) -> Any:
    """All that the commands might change."""
    store = history.store
    return (
        store.policies.list(TENANT).items,
        store.oncall.list(TENANT).items,
        store.actions.find(TENANT, limit=500).items,
        store.audit.find(TENANT, limit=500).items,
    )


POLICIES = {
    "unknown field": (change("mode: approve", "mood: approve"), 6, 5, "has no 'mood'"),
    "no type": (change('severity == "high"', "severity == 3"), 4, 30, "no matching overload"),
    "costs too much": (change('incident.severity == "high"', WALK), 4, 100, "may walk lists"),
    "cuts off": (change('"10.0.0.0/8"', '"0.0.0.0/0"'), 5, 60, "too wide to be an exception"),
    "too long": (change("lease: 30m", "lease: 2d"), 5, 47, "lease must be from 1 to 1440 minutes"),
    "contradict": (GOOD + OTHER, 10, 12, "at line 3, column 5"),
}
LAST = "      - {tell: [eva], by: [mail], wait: 1h}\n"
LOOP = ONCALL.replace(LAST, f"{LAST}    then: ops\n")
ONCALLS = {
    "circle": (LOOP, "ops"),
    "unknown field": (ONCALL.replace("wait: 1h", "await: 1h"), "await"),
    "unknown person": (
        ONCALL.replace("people: [ana, ben]", "people: [ana, bob]"),
        "must be one of ana, ben, eva",
    ),
}


def test_texts_that_can_not_be_name_file_line_and_column_and_change_nothing(
    ask: Ask, history: History, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    written = tmp_path / "given.yaml"
    before = kept(history)
    for what, (text, line, column, words) in POLICIES.items():
        written.write_text(text)
        for command in (("check",), ("check", "--server"), ("apply", *WHY)):
            with subtests.test(what, command=command):
                said = ask("policy", command[0], str(written), *command[1:])
                assert said.code == 2
                assert said.error.startswith(f"error: {written}: ")
                assert f"line {line}, column {column}: " in said.error
                assert words in said.error
                assert kept(history) == before
    for what, (text, words) in ONCALLS.items():
        written.write_text(text)
        for command in (("check",), ("check", "--server"), ("apply", *WHY)):
            with subtests.test(what, command=command):
                said = ask("oncall", command[0], str(written), *command[1:])
                assert said.code == 2
                assert said.error.startswith(f"error: {written}: ")
                assert ", column " in said.error
                assert words in said.error
                assert kept(history) == before


def test_a_difference_and_no_server_to_ask_end_apart(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = tmp_path / "given.yaml"
    written.write_text(GOOD)
    assert ask("policy", "diff", str(written)).code == 1
    monkeypatch.setenv("VEDETTE_URL", "https://127.0.0.1:9")
    for command in ("policy", "oncall"):
        said = ask(command, "diff", str(written))
        assert (said.code, said.error[:7]) == (2, "error: ")


def test_what_was_not_tried_is_refused_with_what_to_run(
    ask: Ask, history: History, tmp_path: Path
) -> None:
    written = tmp_path / "given.yaml"
    written.write_text(change("mode: approve", "mode: auto"))
    before = kept(history)
    said = ask("policy", "apply", str(written), *WHY)
    assert said.code == 1
    assert "policy cut would act on hosts by itself" in said.error
    assert "vedette policy backtest FILE" in said.error
    assert kept(history) == before


def test_decisions_that_can_not_be_say_why_and_change_nothing(
    ask: Ask, history: History, subtests: pytest.Subtests
) -> None:
    host = history.store.actions.get(TENANT, history.quarantine).host
    lease = json.dumps({"lease": "2d"})
    wide = json.dumps({"lease": "30m", "allow": ["0.0.0.0/0"]})
    propose = ("propose", "quarantine", "--host", str(host))
    before = kept(history)
    for command, code, words in (
        (("release", str(history.quarantine)), 1, "there is nothing to release, refuse it instead"),
        (("release", "none"), 1, "no action none"),
        (
            ("approve", str(history.mail)),
            1,
            "is verified and can't be approved now; its steps say who decided what",
        ),
        ((*propose, "--with", lease), 2, "lease must be from 1 to 1440 minutes"),
        ((*propose, "--with", wide), 2, "too wide to be an exception"),
        ((*propose, "--with", "{"), 2, "--with"),
    ):
        with subtests.test(command=command):
            said = ask("actions", *command, *WHY)
            assert said.code == code, said.error
            assert words in said.error
            assert kept(history) == before


def test_an_approval_that_is_late_begins_nothing(ask: Ask, history: History) -> None:
    history.clock.advance(2 * 3_600)
    before = kept(history)
    said = ask("actions", "approve", str(history.quarantine), *WHY)
    assert said.code == 1
    assert "the time to decide on this action ended at 2026-" in said.error
    assert "nothing was done; propose it anew if it is still wanted" in said.error
    assert kept(history) == before
