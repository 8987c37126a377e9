"""A back-test says for how many verdicts a condition had no value, where first and why; one that never had any lets nothing act."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.app.live import START, TENANT, host
from tests.app.test_backtest import clock, store, verdict
from typer.testing import CliRunner

from vedette.app.cli import policy
from vedette.app.cli.main import app
from vedette.app.policy_book import PolicyBook
from vedette.app.settings import RespondSettings, Settings
from vedette.core import Backtest, Conflict, Label, ManualClock, Severity, Valueless
from vedette.store import Effect, Store

__all__ = ["clock", "store"]

TEXT = """version: 1
policies:
  - {{name: tell, then: [{{action: mail, with: {{to: ["@owner"]}}}}], mode: auto, when: '{tell}'}}
  - name: cut
    when: '{cut}'
    then: [{{action: quarantine, with: {{lease: 6m}}}}, {{action: mail, with: {{to: ["@owner"]}}}}]
    mode: {mode}
"""
NEVER = 'host.labels["env"] == "prod"'
AT_TIMES = f'incident.severity == "high" && {NEVER}'
MOSTLY = f'incident.severity == "medium" || {NEVER}'
UNTIL = START + timedelta(days=1)
MISSING = 'NOT_FOUND: Key not found in map : "env"'


@pytest.fixture
def book(store: Store, clock: ManualClock) -> PolicyBook:
    """Over three abnormal verdicts, of which the second and the third are high."""
    for number, minute, severity in ((0, 0, "medium"), (0, 1, "high"), (1, 2, "high")):
        judged = verdict(number, minute, Label.ABNORMAL, Severity(severity))
        store.apply([Effect(verdict=judged)], actor="system:test")
    return PolicyBook(Settings(respond=RespondSettings(backtest_verdicts=1)), store, clock)


def attempt(book: PolicyBook, text: str) -> Backtest:
    return book.backtest(TENANT, text, since=START, until=UNTIL, actor="user:ada")


def text_of(cut: str = "true", tell: str = "true", mode: str = "auto") -> str:
    return TEXT.format(cut=cut, tell=tell, mode=mode)


def test_each_verdict_without_a_value_is_counted_once_with_the_first_place_and_the_reason(
    book: PolicyBook, store: Store
) -> None:
    found = attempt(book, text_of(AT_TIMES))
    (one,) = found.valueless
    assert one == Valueless(
        policy="cut",
        line=4,
        asked=3,
        without=2,
        met=0,
        host=host(0),
        hostname="h0",
        at=START + timedelta(minutes=1),
        reason=MISSING,
    )
    assert one.words == (
        "the condition of policy cut (line 4) had no value for 2 of the 3 verdicts that it was asked of, and held for none, "
        f"first on h0 at 2026-03-01 12:01:00 UTC: {MISSING}"
    )
    assert store.policies.backtest(TENANT, found.version) == found


def test_what_had_a_value_at_times_goes_through_the_gate_as_before(book: PolicyBook) -> None:
    text = text_of(MOSTLY)
    found = attempt(book, text)
    assert [(one.asked, one.without, one.met) for one in found.valueless] == [(2, 1, 1)]
    assert found.lacks == ""
    book.apply(TENANT, text, actor="user:ada", reason="tried")


def test_what_had_no_value_wherever_it_might_have_held_is_not_let_act(book: PolicyBook) -> None:
    text = text_of(AT_TIMES)
    found = attempt(book, text)
    assert (
        "had no value for 2 of the 3 verdicts that it was asked of, and held for none"
        in found.lacks
    )
    with pytest.raises(Conflict, match="and held for none"):
        book.apply(TENANT, text, actor="user:ada", reason="bold")


def test_what_never_had_a_value_and_would_act_by_itself_is_not_let_act(book: PolicyBook) -> None:
    text = text_of(NEVER)
    found = attempt(book, text)
    (one,) = found.valueless
    assert (one.asked, one.without, one.always) == (3, 3, True)
    assert found.lacks == f"{one.words}; mend the condition, and try it again"
    assert "had no value for any of the 3 verdicts" in found.lacks
    with pytest.raises(Conflict, match="had no value for any of the 3 verdicts") as why:
        book.apply(TENANT, text, actor="user:ada", reason="bold")
    assert why.value.kind == "needs-backtest"


@pytest.mark.parametrize("text", [text_of(NEVER, mode="approve"), text_of(tell=NEVER)])
def test_what_never_had_a_value_and_asks_people_or_only_tells_is_said_and_holds_nothing_back(
    book: PolicyBook, text: str
) -> None:
    found = attempt(book, text)
    assert [one.always for one in found.valueless] == [True]
    assert found.lacks == ""


def test_what_always_has_a_value_or_is_never_asked_is_not_named(book: PolicyBook) -> None:
    assert attempt(book, text_of()).valueless == ()
    quiet = f"version: 1\npolicies:\n  - {{name: late, on: [quiet], when: '{NEVER}', mode: auto, "
    quiet += 'then: [{action: mail, with: {to: ["@owner"]}}]}\n'
    assert attempt(book, quiet).valueless == ()


def test_too_little_history_is_said_before(store: Store, clock: ManualClock) -> None:
    book = PolicyBook(Settings(), store, clock)
    assert "it met no verdict" in attempt(book, text_of(NEVER)).lacks


def test_a_name_that_steers_terminals_is_printed_as_it_is_written(
    book: PolicyBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = attempt(book, text_of(AT_TIMES))
    (one,) = found.valueless
    named = msgspec.structs.replace(one, hostname="web\x1b]0;owned\x07\x1b[2J")
    told = msgspec.structs.replace(found, valueless=(named,))
    monkeypatch.setattr(policy, "_from_afar", lambda *_: told)
    (tmp_path / "policies.yaml").write_text(text_of(AT_TIMES))
    command = ["policy", "backtest", str(tmp_path / "policies.yaml"), "--server"]
    said = CliRunner().invoke(app, command, catch_exceptions=False)
    assert "first on web\\x1b]0;owned\\x07\\x1b[2J at" in said.output
    assert "\x1b" not in said.output
