"""Policies and an on-call document that an earlier version took and this one can't read."""

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.decide.oncall import TEXT as ONCALL
from tests.fixtures.migrated import migrated
from tests.fixtures.quiet_host import quiet_snapshots
from tests.fixtures.sealed import TENANT, message
from tests.store.make import START, action

from vedette.app.detecting import load_detector
from vedette.app.doubt import Doubt
from vedette.app.keys import KeyFiles
from vedette.app.oncall_book import OnCallBook
from vedette.app.pipeline import Pipeline
from vedette.app.policy_book import PolicyBook
from vedette.app.prepare import prepare
from vedette.app.processes import responder as process
from vedette.app.settings import Settings
from vedette.app.wiring import load_policies, open_store
from vedette.core import Conflict, ManualClock, SystemClock
from vedette.queue import Delivery, Done
from vedette.respond import Responder
from vedette.seal import KeyRing
from vedette.store import Store

CUT = """version: 1
policies:
  - name: cut-off
    then:
      - action: quarantine
        with: {lease: 30m, allow: [ALLOW]}
    mode: MODE
"""
READ = CUT.replace("ALLOW", "10.0.0.0/8")
# It was accepted before the sum of all exceptions was bounded.
UNREAD = CUT.replace("ALLOW", "10.0.0.0/8, 11.0.0.0/8, 12.0.0.0/8").replace("MODE", "observe")
ACTS, ASKS = READ.replace("MODE", "auto"), READ.replace("MODE", "approve")
WHERE = "policies, line 6, column 60: quarantine: "
BY = action(1, disruptive=True)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data_dir=str(tmp_path / "var"))
    KeyFiles(made).make_missing()
    return made


@pytest.fixture
def store(settings: Settings, clock: ManualClock) -> Iterator[Store]:
    migrated(settings.data / "store.sqlite")
    made = open_store(settings, clock)
    yield made
    made.close()


def put(store: Store, *texts: str) -> None:
    """As an earlier version did."""
    for number, text in enumerate(texts):
        store.policies.put(TENANT, f"sha256:{number}", text, "user:ada")


def test_a_start_goes_by_the_last_text_that_can_be_read_and_says_which_line_is_at_fault(
    store: Store, clock: ManualClock
) -> None:
    put(store, ASKS, ACTS, "version: 2\n", UNREAD)
    book = PolicyBook(Settings(), store, clock)
    with capture_logs() as logs:
        for _ in range(3):
            assert book.of(TENANT).text == ACTS
            clock.advance(3)
    assert book.fault(TENANT).startswith(WHERE)
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("applied.not_understood", "error")
    assert (line["version"], line["instead"]) == ("sha256:3", "sha256:1")
    assert line["detail"] == book.fault(TENANT) == book.current(TENANT).fault
    assert book.current(TENANT).text == ACTS


def test_where_no_text_can_be_read_it_goes_by_the_settings_file(
    store: Store, clock: ManualClock
) -> None:
    book = PolicyBook(Settings(), store, clock)
    assert book.fault(TENANT) == ""
    put(store, UNREAD)
    clock.advance(3)
    assert book.of(TENANT).text == load_policies(Settings()).text
    assert book.fault(TENANT).startswith(WHERE)
    assert book.current(TENANT).since is None


def test_what_is_gone_by_instead_does_nothing_to_hosts_by_itself(
    store: Store, clock: ManualClock
) -> None:
    put(store, ACTS)
    book = PolicyBook(Settings(), store, clock)
    settings = Settings().respond
    doubt = Doubt(store, clock, settings, untried=lambda _: "", fault=book.fault)
    assert doubt(BY) == ""
    put(store, UNREAD)
    clock.advance(3)
    assert doubt(BY) == f"the policies applied last can't be read ({book.fault(TENANT)})"


def test_another_text_ends_it_and_is_tried_first_if_it_acts(
    store: Store, clock: ManualClock
) -> None:
    put(store, ACTS, UNREAD)
    book = PolicyBook(Settings(), store, clock)
    with pytest.raises(Conflict, match="policy cut-off would act on hosts by itself"):
        book.apply(TENANT, ACTS, actor="user:ada", reason="as it was")
    done = book.apply(TENANT, ASKS, actor="user:ada", reason="narrower")
    assert (done.text, done.fault) == (ASKS, "")
    assert book.fault(TENANT) == ""


def test_an_oncall_document_that_cant_be_read_leaves_the_one_before(
    store: Store, clock: ManualClock
) -> None:
    store.oncall.put(TENANT, "sha256:1", ONCALL, "user:ada")
    store.oncall.put(TENANT, "sha256:2", "version: 7\n", "user:ada")
    policies = PolicyBook(Settings(), store, clock)
    book = OnCallBook(Settings(), store, policies, clock)
    assert set(book.of(TENANT).chains) >= {"ops"}
    assert book.fault(TENANT) == book.current(TENANT).fault
    assert book.fault(TENANT).startswith("on-call, line 1, column 10")
    # Which chains there are is not known, so policies that start some can be put in force all the same.
    starts = "version: 1\npolicies:\n  - {name: wake, mode: auto, then: [{escalate: any}]}\n"
    assert policies.apply(TENANT, starts, actor="user:ada", reason="x").text == starts


def test_the_responders_process_goes_on(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, ACTS, UNREAD)
    store.oncall.put(TENANT, "sha256:2", "version: 7\n", "user:ada")
    stop, seen = threading.Event(), list[str]()

    class Looked(Responder):
        """Looks at everything once, and ends."""

        def __init__(self, *parts: Any, **more: Any) -> None:
            super().__init__(*parts, **more)
            self._why = more["doubt"]

        def tick(self) -> int:
            seen.append(self._why(BY))
            stop.set()
            return super().tick()

    monkeypatch.setattr(process, "Responder", Looked)
    process.run_responder(settings, stop)
    (why,) = seen
    assert WHERE in why


def test_a_detector_goes_on_judging(store: Store, clock: ManualClock) -> None:
    put(store, UNREAD)
    ring = KeyRing.generate()
    pipeline = Pipeline(
        store=store,
        ring=ring,
        detector=load_detector(None),
        policies=PolicyBook(Settings(), store, clock).of,
        clock=clock,
        timer=lambda _: nullcontext(),
    )
    (snapshot,) = quiet_snapshots(1)
    sealed = message(snapshot, ring, clock.now())
    given = Delivery(message=sealed, token="t", attempts=1, position=1)
    assert pipeline.handle([given]) == [Done()]


def test_a_start_goes_on_and_tells(settings: Settings) -> None:
    prepare(settings)
    store = open_store(settings, SystemClock())
    put(store, UNREAD)
    store.oncall.put(TENANT, "sha256:2", "version: 7\n", "user:ada")
    store.close()
    with capture_logs() as logs:
        prepare(settings)
    told = [one["detail"] for one in logs if one["event"] == "applied.not_understood"]
    assert len(told) == 2
    assert told[0].startswith(WHERE)
