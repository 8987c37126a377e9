"""Cohort knowledge online: a fleet gets from the pipeline what a replay gives it, whoever publishes, whenever told."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs
from tests.fixtures.fleet import NAMES, fleet, host_id, root_key
from tests.fixtures.sealed import TENANT, message

from vedette.app.detecting import load_detector
from vedette.app.pipeline import Pipeline
from vedette.app.published import Published
from vedette.app.replay import Replay
from vedette.app.wiring import policies_from
from vedette.core import Label, ManualClock, Resolution, Snapshot, Verdict
from vedette.detect import Contribution, interval_of
from vedette.queue import Delivery, Done
from vedette.seal import KeyRing
from vedette.store import Store, Telling

RING = KeyRing.generate()
HOSTS, COUNT = 10, 60
COMES = {number: 36 + 5 * (number // 2) for number in range(8)}
WEB = "role:web"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(migrated_url: str, clock: ManualClock) -> Iterator[Store]:
    opened = Store(migrated_url, clock)
    yield opened
    opened.close()


def pipeline(store: Store, clock: ManualClock) -> Pipeline:
    policies = policies_from(None)
    return Pipeline(
        store=store,
        ring=RING,
        detector=load_detector(None),
        policies=lambda _tenant: policies,
        clock=clock,
        timer=lambda _stage: nullcontext(),
    )


def minutes(snapshots: Iterable[Snapshot]) -> list[list[Snapshot]]:
    """What comes in each minute."""
    found: dict[datetime, list[Snapshot]] = defaultdict(list)
    for snapshot in snapshots:
        found[snapshot.taken_at].append(snapshot)
    return [found[at] for at in sorted(found)]


def deliver(
    one: Pipeline, clock: ManualClock, snapshots: Sequence[Snapshot], after: float = 1.0
) -> None:
    clock.step(max(s.taken_at for s in snapshots) + timedelta(seconds=after))
    messages = [message(snapshot, RING, clock.now()) for snapshot in snapshots]
    deliveries = [
        Delivery(message=sent, token=str(at), attempts=1, position=at)
        for at, sent in enumerate(messages)
    ]
    assert list(one.handle(deliveries)) == [Done()] * len(deliveries)


def verdicts(store: Store) -> list[Verdict]:
    found: list[Verdict] = []
    for number in range(HOSTS):
        found += store.verdicts.find(TENANT, host=host_id(number), limit=500).items
    return sorted(found, key=lambda one: (one.taken_at, one.host))


def seen(one: Verdict) -> tuple[object, ...]:
    return (
        one.host,
        one.seq,
        one.label,
        one.score,
        one.severity,
        one.reasons,
        one.experts,
        one.knowledge,
    )


@pytest.mark.no_cover
def test_a_fleet_online_gets_what_its_replay_gives(store: Store, clock: ManualClock) -> None:
    """By two workers in turn, each with a memory of its own, one of which is started again now and then."""
    snapshots = list(fleet(HOSTS, COUNT, COMES, NAMES))
    workers = [pipeline(store, clock), pipeline(store, clock)]
    for at, part in enumerate(minutes(snapshots)):
        if at % 13 == 12:
            workers[0] = pipeline(store, clock)
        deliver(workers[at % 2], clock, part)
    replayed = sorted(
        (judged.verdict for judged, _ in Replay(batch=50).run(snapshots)),
        key=lambda one: (one.taken_at, one.host),
    )
    online = verdicts(store)
    assert [seen(one) for one in online] == [seen(one) for one in replayed]
    alarmed = {one.host for one in online if one.label is Label.ABNORMAL}
    assert 0 < len(alarmed) < len(COMES)
    assert len({one.knowledge for one in online}) > 4


@pytest.mark.no_cover
def test_what_people_say_is_heard_by_the_next_snapshot_and_replays(
    store: Store, clock: ManualClock
) -> None:
    """Said of one host's incident; then of its whole cohort; the one that was really abnormal goes on asking."""
    comes = dict.fromkeys(range(3), 36) | {3: 60}
    snapshots = list(fleet(4, 70, comes, root_key(), only=range(4)))
    worker = pipeline(store, clock)
    for at, part in enumerate(minutes(snapshots), 1):
        deliver(worker, clock, part)
        if at in {40, 42, 45}:
            number = {40: 0, 42: 1, 45: 2}[at]
            what = Resolution.TRUE_POSITIVE if number == 1 else Resolution.BENIGN_CHANGE
            (incident,) = store.incidents.live(TENANT, [host_id(number)])[host_id(number)]
            store.incidents.close(TENANT, incident.id, "user:ann", what, "why", cohort=number == 2)
    online = verdicts(store)
    sayings = store.sayings.of(
        TENANT, [host_id(number) for number in range(4)], since=snapshots[0].taken_at
    )
    replay = Replay(batch=50, sayings=sayings)
    replayed = sorted(
        (judged.verdict for judged, _ in replay.run(snapshots)),
        key=lambda one: (one.taken_at, one.host),
    )
    assert [seen(one) for one in online] == [seen(one) for one in replayed]
    alarmed = {
        number: [v.seq for v in online if v.host == host_id(number) and v.label is Label.ABNORMAL]
        for number in range(4)
    }
    assert alarmed == {
        0: [*range(36, 41)],
        1: [*range(36, 51)],
        2: [*range(36, 46)],
        3: [],
    }
    assert len(sayings) == 3


@pytest.mark.no_cover
def test_who_comes_late_tells_a_later_version(store: Store, clock: ManualClock) -> None:
    """The spool of a host that was cut off for half an hour: no version that was published changes."""
    worker = pipeline(store, clock)
    spool = []
    for part in minutes(fleet(2, 75, {1: 46}, NAMES, only=range(2))):
        spool += [one for one in part if one.host.id == host_id(1) and one.seq > 45]
        deliver(worker, clock, [one for one in part if one not in spool])
    before = store.cohorts.added(TENANT, WEB, after=0, upto=2**60)
    deliver(worker, clock, spool)
    Published(store, clock).at(TENANT, [(WEB, clock.now())])
    clock.step(clock.now() + timedelta(minutes=20))
    Published(store, clock).at(TENANT, [(WEB, clock.now())])
    after = store.cohorts.added(TENANT, WEB, after=0, upto=2**60)
    assert after[: len(before)] == before
    shown = [one.interval for one in after if Contribution.decode(one.blob).shown]
    assert shown
    assert min(shown) > max(interval_of(spool[0].taken_at), before[-1].interval)


@pytest.mark.no_cover
def test_no_hosts_clock_closes_an_interval_before_its_time(
    store: Store, clock: ManualClock
) -> None:
    worker = pipeline(store, clock)
    for part in minutes(fleet(2, 40, {}, {}, only=range(2))):
        deliver(worker, clock, part)
    now = clock.now()
    ahead = Published(store, clock).at(TENANT, [(WEB, now + timedelta(hours=12))])[0]
    here = Published(store, clock).at(TENANT, [(WEB, now)])[0]
    assert ahead == here
    assert ahead.version > 0


@pytest.mark.no_cover
def test_a_spooled_snapshot_sees_the_version_of_its_time(store: Store, clock: ManualClock) -> None:
    snapshots = list(fleet(HOSTS, COUNT, COMES, NAMES, only=range(3)))
    worker = pipeline(store, clock)
    sees = {}
    for part in minutes(snapshots):
        deliver(worker, clock, part)
        sees[part[0].taken_at] = Published(store, clock).at(TENANT, [(WEB, part[0].taken_at)])[0]
    clock.step(snapshots[-1].taken_at + timedelta(days=1, hours=3))
    later = Published(store, clock)
    assert later.at(TENANT, [(WEB, clock.now())])[0].version >= max(
        one.version for one in sees.values()
    )
    assert {at: later.at(TENANT, [(WEB, at)])[0] for at in sees} == sees


@pytest.mark.no_cover
def test_a_telling_that_cant_be_read_stops_nobody(store: Store, clock: ManualClock) -> None:
    worker = pipeline(store, clock)
    parts = minutes(fleet(1, 45, {0: 36}, NAMES))
    for part in parts[:36]:
        deliver(worker, clock, part)
    odd = Telling(cohort=WEB, interval=interval_of(clock.now()), blob=b"\xc1 of another time")
    store.cohorts.close(TENANT, odd.interval, lambda _told, _closed, _upto: [odd])
    with capture_logs() as logs:
        for part in parts[36:]:
            deliver(worker, clock, part)
    assert {entry["event"] for entry in logs} >= {"cohorts.unreadable"}
    assert len(verdicts(store)) == len(parts)
