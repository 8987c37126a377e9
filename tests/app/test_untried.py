"""The settings' policies ask people until a back-test has tried them: one person's file does not act by itself."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs
from tests.app.live import START, TENANT, Live, host
from tests.fixtures.migrated import migrated
from tests.store.make import action, apply, chain, enrol
from typer.testing import CliRunner

from vedette.app.backtesting import backtest
from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.main import app
from vedette.app.doubt import Doubt
from vedette.app.enough import Enough
from vedette.app.policy_book import PolicyBook
from vedette.app.prepare import prepare
from vedette.app.settings import RespondSettings, Settings
from vedette.app.untried import Untried
from vedette.app.wiring import parse_policies
from vedette.core import (
    OWN_POLICY,
    Action,
    ActionState,
    Conflict,
    Epoch,
    Identity,
    Label,
    Limits,
    ManualClock,
    Reason,
    Severity,
    TenantId,
    Verdict,
    digest,
    verdict_id,
)
from vedette.decide import PolicySet
from vedette.store import Store

TEXT = """\
version: 1
limits: {tenant: 100%, cohort: 100%, model: 100%}
policies:
  - {name: tell, then: [{action: mail, with: {to: ["@owner"]}}], mode: auto}
  - name: cut
    then: [{action: quarantine, with: {lease: 30m}}]
    mode: auto
"""
WHY = "the policies of the settings' file were not tried over enough history; run: vedette policy backtest "
NOTHING = (
    " (it met no verdict; choose a longer time, or try it again when hosts were judged); run: "
)

ANY = Enough(days=0, verdicts=1)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "policies.yaml"
    written.write_text(TEXT)
    return written


@pytest.fixture
def settings(tmp_path: Path, file: Path) -> Settings:
    return Settings(
        data_dir=str(tmp_path),
        respond=RespondSettings(policies=str(file), trial_days=0, drift_share=1.0),
    )


@pytest.fixture
def store(settings: Settings, clock: ManualClock) -> Iterator[Store]:
    made = Store(migrated(settings.data / "store.sqlite"), clock)
    for number in range(3):
        enrol(made, host=host(number))
    yield made
    made.close()


def doubt_of(settings: Settings, store: Store, clock: ManualClock) -> Doubt:
    book = PolicyBook(settings, store, clock)
    untried = Untried(store, settings.respond.policies, book.of)
    return Doubt(store, clock, settings.respond, untried=untried, fault=book.fault)


def abnormal(number: int, seconds: int) -> Verdict:
    at = START + timedelta(seconds=seconds)
    identity = Identity(tenant=TENANT, host=host(number), epoch=Epoch("e1"), seq=1)
    return Verdict(
        id=verdict_id(identity),
        tenant=TENANT,
        host=identity.host,
        epoch=identity.epoch,
        seq=identity.seq,
        taken_at=at,
        decided_at=at,
        label=Label.ABNORMAL,
        score=0.9,
        severity=Severity.HIGH,
        reasons=(Reason(expert="inventory", subject=f"cron:{number}", text="new", share=0.5),),
        model="sha256:m",
    )


def attempt(store: Store, clock: ManualClock, policies: PolicySet, *, days: float = 1) -> int:
    """How many verdicts a back-test met."""
    until = clock.now() + timedelta(seconds=1)
    return backtest(
        store,
        clock,
        TENANT,
        policies,
        since=until - timedelta(days=days),
        until=until,
        actor="user:ada",
        enough=ANY,
    ).verdicts


def cuts(store: Store) -> dict[str, Action]:
    found = store.actions.find(TENANT, limit=500).items
    return {str(one.host): one for one in found if one.policy == "cut"}


def test_a_file_asks_people_until_a_back_test_of_this_very_text_met_a_verdict(
    settings: Settings, store: Store, clock: ManualClock
) -> None:
    policies = parse_policies(TEXT)
    live = Live(store, clock, policies, doubt_of(settings, store, clock))
    assert attempt(store, clock, policies) == 0
    live.take(abnormal(0, 1), frozenset())
    assert attempt(store, clock, parse_policies(TEXT + "# another\n")) == 1
    live.take(abnormal(1, 2), frozenset())
    why = WHY.replace("; run: ", NOTHING)
    for number in (0, 1):
        waiting = cuts(store)[host(number)]
        assert waiting.state is ActionState.AWAITING_APPROVAL
        assert waiting.detail == f"waits for a person: {why}{settings.respond.policies}"
    assert attempt(store, clock, policies) == 2
    assert attempt(store, clock, policies, days=0.000_001) == 0
    live.take(abnormal(2, 3), frozenset())
    assert cuts(store)[host(2)].state is ActionState.VERIFIED
    assert cuts(store)[host(0)].state is ActionState.AWAITING_APPROVAL


def test_what_was_applied_passed_the_gate_and_acts_though_another_is_in_force_now(
    settings: Settings, store: Store, clock: ManualClock
) -> None:
    doubt = doubt_of(settings, store, clock)
    one = action(1, policy_version="sha256:applied", disruptive=True, model="sha256:m")
    assert WHY in doubt(one)
    store.policies.put(TENANT, "sha256:applied", TEXT, "user:ada")
    store.policies.put(TENANT, "sha256:other", TEXT + "\n", "user:ada")
    assert doubt(one) == ""


def test_both_doubts_are_told(settings: Settings, store: Store, clock: ManualClock) -> None:
    young = msgspec.structs.replace(settings, respond=RespondSettings(policies="a file"))
    said = doubt_of(
        msgspec.structs.replace(
            settings, respond=msgspec.structs.replace(settings.respond, trial_days=7)
        ),
        store,
        clock,
    )(action(1, policy_version="v", disruptive=True, model="sha256:m"))
    assert "is on trial" in said
    assert f"; {WHY}" in said
    untried = Untried(store, young.respond.policies, PolicyBook(settings, store, clock).of)
    assert untried(action(1, policy_version="v")).endswith("backtest 'a file'")
    shipped = Untried(store, "", PolicyBook(Settings(), store, clock).of)
    assert shipped(action(1, policy_version="v")).endswith("backtest FILE")


def test_a_host_gets_leave_within_ordinary_limits_and_within_wider_ones_that_were_tried(
    settings: Settings, file: Path, store: Store, clock: ManualClock
) -> None:
    leave = action(1, policy=OWN_POLICY, policy_version="", disruptive=True)
    said = doubt_of(settings, store, clock)(leave)
    assert said.startswith(
        "the wider limits of the settings' file were not tried over enough history"
    )
    apply(store, *chain(1, 1))
    clock.step(START + timedelta(days=1))
    assert attempt(store, clock, parse_policies(TEXT), days=30) == 1
    assert doubt_of(settings, store, clock)(leave) == ""
    file.write_text(TEXT.replace("100%", "1%"))
    assert doubt_of(settings, store, clock)(leave) == ""


@pytest.mark.parametrize(
    "wider",
    [
        Limits(tenant=0.06),
        Limits(cohort=0.26),
        Limits(model=0.06),
        Limits(least=2),
        Limits(per_seconds=3_599.0),
    ],
)
def test_limits_are_wider_if_any_of_them_is(wider: Limits) -> None:
    assert wider.wider_than(Limits())
    assert not Limits().wider_than(wider)
    assert not wider.wider_than(wider)


def test_what_the_file_would_do_untried_excuses_nothing_that_is_applied(
    settings: Settings, store: Store, clock: ManualClock
) -> None:
    book = PolicyBook(settings, store, clock)
    assert book.current(TENANT).untried == ("cut",)
    for text in (TEXT, TEXT + "# a word\n"):
        assert book.check(TENANT, text).untried == ("cut",)
        with pytest.raises(Conflict, match="policy cut would act on hosts by itself") as caught:
            book.apply(TENANT, text, actor="user:ada", reason="bold")
        assert caught.value.kind == "needs-backtest"
    apply(store, *chain(1, 1))
    clock.step(START + timedelta(days=1))
    attempt(store, clock, parse_policies(TEXT), days=30)
    assert book.current(TENANT).untried == ()
    book.apply(TENANT, TEXT + "# a word\n", actor="user:ada", reason="as the file, with a word")


@pytest.mark.parametrize(
    ("was", "other"),
    [
        ("limits:", "reopen: 0s\nlimits:"),
        ("limits:", "reopen: 30d\nlimits:"),
        ("{tenant: 100%, cohort: 100%, model: 100%}", "{tenant: 90%, cohort: 100%, model: 100%}"),
        ("{tenant: 100%, cohort: 100%, model: 100%}", "{tenant: 1%}"),
    ],
)
def test_what_opens_again_otherwise_or_has_other_limits_acts_otherwise(
    settings: Settings, store: Store, clock: ManualClock, was: str, other: str
) -> None:
    book = PolicyBook(settings, store, clock)
    apply(store, *chain(1, 1))
    clock.step(START + timedelta(days=1))
    attempt(store, clock, parse_policies(TEXT), days=30)
    book.apply(TENANT, TEXT, actor="user:ada", reason="tried")
    with pytest.raises(Conflict, match="policy cut would act on hosts by itself") as caught:
        book.apply(TENANT, TEXT.replace(was, other), actor="user:ada", reason="untried")
    assert caught.value.kind == "needs-backtest"
    same = TEXT.replace("limits:", "reopen: 24h\nlimits:")
    book.apply(TENANT, same, actor="user:ada", reason="in other words")


def test_what_was_checked_beside_policies_that_are_no_longer_in_force_is_refused(
    settings: Settings, store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two administrators: the first takes away what acts by itself, by which the second's text needs no back-test."""
    first, second = (PolicyBook(settings, store, clock) for _ in range(2))
    apply(store, *chain(1, 1))
    clock.step(START + timedelta(days=1))
    attempt(store, clock, parse_policies(TEXT), days=30)
    first.apply(TENANT, TEXT, actor="user:ada", reason="tried")
    same = TEXT.replace("limits:", "reopen: 24h\nlimits:")
    assert second.check(TENANT, same).untried == ()
    asked = store.policies.tried

    def meanwhile(tenant: TenantId, version: str) -> bool:
        monkeypatch.undo()
        asks = TEXT.replace("mode: auto", "mode: approve")
        first.apply(TENANT, asks, actor="user:ada", reason="it went wild")
        return asked(tenant, version)

    monkeypatch.setattr(store.policies, "tried", meanwhile)
    with pytest.raises(Conflict, match="user:ada has put other policies in force") as caught:
        second.apply(TENANT, same, actor="user:bob", reason="in other words")
    assert caught.value.kind == "applied-meanwhile"
    with pytest.raises(Conflict) as again:
        second.apply(TENANT, same, actor="user:bob", reason="in other words")
    assert again.value.kind == "needs-backtest"


def test_a_start_names_what_waits_its_line_and_what_to_run(
    settings: Settings, file: Path, clock: ManualClock
) -> None:
    def told() -> list[tuple[object, object]]:
        with capture_logs() as logs:
            prepare(settings)
        found = [one for one in logs if one["event"] == "policies.untried"]
        assert all(one["log_level"] == "warning" for one in found)
        assert all(one["run"] == f"vedette policy backtest {file}" for one in found)
        return [(one["policies"], one["wider_limits"]) for one in found]

    assert told() == [([f"cut ({file}, line 5)"], True)]
    file.write_text(TEXT.replace("mode: auto\n", "mode: approve\n"))
    assert told() == [([], True)]
    file.write_text(TEXT.replace("100%", "5%"))
    assert told() == [([f"cut ({file}, line 5)"], False)]
    store = Store(settings.store_url, clock)
    enrol(store)
    apply(store, *chain(1, 1))
    clock.step(START + timedelta(days=1))
    assert attempt(store, clock, parse_policies(file.read_text()), days=30) == 1
    assert told() == []
    file.write_text(TEXT)
    other = TEXT + "# applied\n"
    store.policies.put(TENANT, digest(other.encode()), other, "user:ada")
    assert told() == []
    store.close()


def test_the_shipped_policies_wait_for_nothing(tmp_path: Path, clock: ManualClock) -> None:
    settings = Settings(data_dir=str(tmp_path))
    with capture_logs() as logs:
        prepare(settings)
    assert not [one for one in logs if one["event"] == "policies.untried"]
    store = Store(settings.store_url, clock)
    assert PolicyBook(settings, store, clock).current(TENANT).untried == ()
    store.close()


def test_the_command_says_when_it_met_no_verdict(tmp_path: Path, file: Path) -> None:
    settings = tmp_path / "vedette.toml"
    settings.write_text(f'data_dir = "{tmp_path}"\n')
    store = Store(migrated(tmp_path / "store.sqlite"), ManualClock(START))
    store.close()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "vedette",
            "policy",
            "backtest",
            str(file),
            "--config",
            str(settings),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "warning: this does not let the text act by itself: it met no verdict" in done.stderr


def test_showing_the_policies_says_who_asks_people_and_what_can_not_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: dict[str, object] = {"text": TEXT, "untried": ["cut"]}
    monkeypatch.setenv("VEDETTE_TOKEN", "vdt_x")
    monkeypatch.setattr(ApiClient, "get", lambda *_, **__: found)
    done = CliRunner().invoke(app, ["policy", "show"], catch_exceptions=False)
    assert done.stdout == TEXT
    assert done.stderr == (
        "warning: policy cut asks people: this text was not tried over enough history; "
        "run: vedette policy backtest FILE\n"
    )
    found["backtest"] = {"lacks": "it met no verdict"}
    done = CliRunner().invoke(app, ["policy", "show"], catch_exceptions=False)
    assert "over enough history (it met no verdict); run: " in done.stderr
    found |= {"untried": [], "fault": "policies, line 3: no"}
    done = CliRunner().invoke(app, ["policy", "show"], catch_exceptions=False)
    assert done.stderr == "warning: what was applied last can't be read: policies, line 3: no\n"
    found["fault"] = ""
    done = CliRunner().invoke(app, ["policy", "show"], catch_exceptions=False)
    assert done.stderr == ""
