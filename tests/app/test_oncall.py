"""The on-call document as the processes know it, and on the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.decide.oncall import MONDAY, TEXT
from tests.fixtures.migrated import migrated
from typer.testing import CliRunner

from vedette.app.cli.main import app
from vedette.app.oncall_book import OnCallBook
from vedette.app.policy_book import PolicyBook
from vedette.app.prepare import prepare
from vedette.app.settings import Settings
from vedette.app.telling_settings import RespondSettings
from vedette.core import ConfigError, Conflict, InvalidInput, ManualClock, TenantId
from vedette.store import Store

TENANT = TenantId("default")
POLICIES = """version: 1
policies:
  - {name: wake, mode: auto, then: [{escalate: ops}]}
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MONDAY)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    made = Store(migrated(tmp_path / "store.sqlite"), clock)
    yield made
    made.close()


@pytest.fixture
def policies(store: Store, clock: ManualClock) -> PolicyBook:
    return PolicyBook(Settings(), store, clock)


@pytest.fixture
def book(store: Store, policies: PolicyBook, clock: ManualClock) -> OnCallBook:
    return OnCallBook(Settings(), store, policies, clock)


def test_policies_start_only_chains_that_are_in_force_and_these_stay(
    book: OnCallBook, policies: PolicyBook, clock: ManualClock
) -> None:
    with pytest.raises(InvalidInput, match="line 3, column 48: there is no chain 'ops'"):
        policies.apply(TENANT, POLICIES, actor="user:ada", reason="x")
    book.apply(TENANT, TEXT, actor="user:ada", reason="x")
    policies.apply(TENANT, POLICIES, actor="user:ada", reason="x")
    clock.advance(3)
    with pytest.raises(Conflict, match="policies start chain ops, which this text lacks"):
        book.check(TENANT, "version: 1\n")
    assert book.current(TENANT).by == "user:ada"


def test_of_two_who_put_a_text_in_force_at_once_one_is_told(
    store: Store,
    book: OnCallBook,
    policies: PolicyBook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book.apply(TENANT, TEXT, actor="user:ada", reason="x")
    asked = store.escalations.running_chains

    def meanwhile(tenant: TenantId) -> frozenset[str]:
        policies.apply(TENANT, POLICIES, actor="user:bob", reason="y")
        return asked(tenant)

    monkeypatch.setattr(store.escalations, "running_chains", meanwhile)
    with pytest.raises(Conflict, match="user:bob has put other policies in force") as caught:
        book.apply(TENANT, "version: 1\n", actor="user:ada", reason="x")
    assert caught.value.kind == "applied-meanwhile"
    assert "ops" in book.of(TENANT).chains


def test_a_start_tells_of_chains_that_the_settings_policies_start_and_that_are_not_there(
    tmp_path: Path, clock: ManualClock
) -> None:
    written = tmp_path / "policies.yaml"
    written.write_text(POLICIES)
    settings = Settings(
        data_dir=str(tmp_path / "data"), respond=RespondSettings(policies=str(written))
    )

    def told() -> list[object]:
        with capture_logs() as logs:
            prepare(settings)
        return [one["chains"] for one in logs if one["event"] == "policies.chain_missing"]

    assert told() == [["ops"]]
    store = Store(f"sqlite:///{settings.data / 'store.sqlite'}", clock)
    book = OnCallBook(settings, store, PolicyBook(settings, store, clock), clock)
    book.apply(TENANT, TEXT.replace("ops:", "other:"), actor="user:ada", reason="x")
    assert told() == [["ops"]]
    store.policies.put(TENANT, "v", POLICIES.replace("ops", "other"), "user:ada")
    assert told() == []
    store.close()


def test_another_process_follows_within_two_seconds(
    store: Store, policies: PolicyBook, book: OnCallBook, clock: ManualClock
) -> None:
    other = OnCallBook(Settings(), store, policies, clock)
    assert other.duties(TENANT, MONDAY) == ()
    book.apply(TENANT, TEXT, actor="user:ada", reason="x")
    clock.advance(2)
    assert [duty.person for duty in other.duties(TENANT, MONDAY)] == ["ana", "ana"]


def test_a_person_may_be_reached_only_where_the_settings_say(book: OnCallBook) -> None:
    text = "version: 1\npeople:\n  ana: {reach: {page: {to: [duty]}}}\n"
    with pytest.raises(InvalidInput, match="on-call, line 3"):
        book.apply(TENANT, text, actor="user:ada", reason="x")


def test_the_command_line_checks_documents_and_the_chains_of_policies(tmp_path: Path) -> None:
    oncall, policies = tmp_path / "oncall.yaml", tmp_path / "policies.yaml"
    oncall.write_text(TEXT)
    policies.write_text(POLICIES)
    run = CliRunner()
    done = run.invoke(app, ["oncall", "check", str(oncall)])
    assert done.stderr == ""
    assert done.output.startswith("ok: 3 people, 2 schedules, 3 chains, version sha256:")
    oncall.write_text("holidays: {ours: {12-25: }}" + TEXT)
    unused = run.invoke(app, ["oncall", "check", str(oncall)])
    assert unused.exit_code == 0
    assert unused.stderr == "warning: on-call, line 1, column 12: no hours have holidays ours\n"
    oncall.write_text(TEXT)
    both = ["policy", "check", str(policies), "--oncall", str(oncall)]
    assert run.invoke(app, both).exit_code == 0
    oncall.write_text("version: 1\n")
    failed = run.invoke(app, both)
    assert isinstance(failed.exception, ConfigError)
    assert "there is no chain 'ops'" in failed.exception.detail
    oncall.write_text("version: 7\n")
    wrong = run.invoke(app, ["oncall", "check", str(oncall)])
    assert isinstance(wrong.exception, ConfigError)
    assert "on-call, line 1, column 10" in wrong.exception.detail
