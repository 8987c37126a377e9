"""The pipeline: what a batch of deliveries leads to, on both kinds of database."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.migrated import migrated
from tests.fixtures.quiet_host import process, quiet_snapshots, quiet_tables
from tests.fixtures.sealed import EPOCH, TENANT, message

from vedette.app.detecting import load_detector
from vedette.app.judging import Judged
from vedette.app.pipeline import MAX_ATTEMPTS, Pipeline
from vedette.app.replay import Replay
from vedette.app.wiring import policies_from
from vedette.core import (
    Epoch,
    HostId,
    Identity,
    InvalidInput,
    Label,
    ManualClock,
    Message,
    Snapshot,
    SystemClock,
    Verdict,
    verdict_id,
)
from vedette.detect import Arrival, Detector, Scored
from vedette.queue import Delivery, Done, MemoryQueue, Reject, consume
from vedette.seal import KeyRing
from vedette.store import Applied, Effect, Store

RING = KeyRing.generate()
CLOCK = ManualClock()


@pytest.fixture
def store(migrated_url: str) -> Iterator[Store]:
    opened = Store(migrated_url, CLOCK)
    yield opened
    opened.close()


def _pipeline(
    store: Store, detector: Detector | None = None, clock: ManualClock = CLOCK
) -> Pipeline:
    policies = policies_from(None)
    return Pipeline(
        store=store,
        ring=RING,
        detector=detector or load_detector(None),
        policies=lambda _tenant: policies,
        clock=clock,
        timer=lambda _stage: nullcontext(),
    )


def _run(store: Store, messages: list[Message], pipeline: Pipeline | None = None) -> MemoryQueue:
    """Appends the messages and consumes until nothing waits."""
    queue = MemoryQueue(SystemClock())
    queue.append(messages)
    stop = threading.Event()
    handler = (pipeline or _pipeline(store)).handle
    watcher = threading.Thread(target=_stop_when_empty, args=(queue, stop), daemon=True)
    watcher.start()
    consume(queue, handler, stop=stop, clock=SystemClock(), limit=16, lease_seconds=30.0)
    watcher.join()
    return queue


def _stop_when_empty(queue: MemoryQueue, stop: threading.Event) -> None:
    while queue.depth():
        stop.wait(0.01)
    stop.set()


def _sealed(snapshots: list[Snapshot]) -> list[Message]:
    return [message(snapshot, RING, CLOCK.now()) for snapshot in snapshots]


def _with_intruder(count: int, onset: int) -> list[Snapshot]:
    """A quiet host on which, from one snapshot on, a deleted program runs from a hidden folder."""
    evil = process(4711, 1, "kworker", "/dev/shm/.x/kworker", "[kworker/0:1]", on_disk=0)
    snapshots = list(quiet_snapshots(count))
    for index in range(onset, count):
        tables = quiet_tables()
        tables["processes"].append(evil)
        snapshots[index] = _replaced(snapshots[index], tables)
    return snapshots


def _replaced(
    snapshot: Snapshot, tables: dict[str, list[dict[str, str | int | float | bool | None]]]
) -> Snapshot:
    return msgspec.structs.replace(snapshot, tables=tables)


def _verdicts(store: Store) -> list[Verdict]:
    return sorted(store.verdicts.find(TENANT, limit=500).items, key=lambda item: item.seq)


def test_every_snapshot_gets_one_verdict_and_the_host_its_status(store: Store) -> None:
    snapshots = list(quiet_snapshots(40))
    _run(store, _sealed(snapshots))
    verdicts = _verdicts(store)
    assert [verdict.seq for verdict in verdicts] == list(range(1, 41))
    assert {verdict.label for verdict in verdicts[:30]} == {Label.UNKNOWN}
    assert verdicts[-1].label is Label.NORMAL
    assert store.hosts.get(TENANT, snapshots[0].host.id).status.value == "normal"


@pytest.mark.parametrize(("seconds", "status"), [(290, "normal"), (310, "unknown")])
def test_a_host_is_not_normal_by_a_snapshot_of_long_ago(
    store: Store, seconds: int, status: str
) -> None:
    """A backlog, or a clock that is wrong: the verdicts say what was then, the status what is known now."""
    snapshots = list(quiet_snapshots(40))
    pipeline = _pipeline(
        store, clock=ManualClock(snapshots[-1].taken_at + timedelta(seconds=seconds))
    )
    _run(store, _sealed(snapshots), pipeline)
    assert _verdicts(store)[-1].label is Label.NORMAL
    host = store.hosts.get(TENANT, snapshots[0].host.id)
    assert host.status.value == status
    assert ("working off its spool" in host.status_reason) == (status == "unknown")


def test_a_message_delivered_again_has_no_second_effect(store: Store) -> None:
    messages = _sealed(_with_intruder(34, 31))
    _run(store, messages)
    before = (_verdicts(store), store.audit.find(TENANT, limit=500).items)
    _run(store, messages)
    assert (_verdicts(store), store.audit.find(TENANT, limit=500).items) == before


def test_an_intruder_opens_one_incident_and_proposes_actions(store: Store) -> None:
    _run(store, _sealed(_with_intruder(40, 33)))
    (incident,) = store.incidents.find(TENANT).items
    assert incident.verdicts >= 5
    kinds = {action.kind for action in store.actions.find(TENANT).items}
    assert kinds == {"mail", "quarantine"}
    audited = {entry.action for entry in store.audit.find(TENANT, limit=500).items}
    assert {"incident.opened", "action.proposed"} <= audited


@pytest.mark.parametrize("body", [b"", b"\x00" * 10, b'{"schema":"vedette.snapshot/1"}'])
def test_an_unreadable_snapshot_gets_an_unknown_verdict_and_a_dead_letter(
    store: Store, body: bytes
) -> None:
    snapshots = list(quiet_snapshots(5))
    messages = _sealed(snapshots)
    messages[2] = message(snapshots[2], RING, CLOCK.now(), body=body)
    queue = _run(store, messages)
    verdicts = _verdicts(store)
    assert [verdict.seq for verdict in verdicts] == [1, 2, 3, 4, 5]
    assert verdicts[2].label is Label.UNKNOWN
    assert verdicts[2].reasons[0].subject == "unreadable"
    assert [letter.identity.seq for letter in queue.dead_letters(limit=9)] == [3]


def test_an_inside_that_differs_from_the_header_is_unreadable(store: Store) -> None:
    first, second = quiet_snapshots(2)
    forged = message(first, RING, CLOCK.now(), body=_encoded(second))
    _run(store, [forged])
    (verdict,) = _verdicts(store)
    assert verdict.seq == 1
    assert "does not agree with its header" in verdict.reasons[0].text


def _encoded(snapshot: Snapshot) -> bytes:
    from vedette.core import encode_snapshot

    return encode_snapshot(snapshot)


class _Stumbling(Detector):
    """The real detector, except that one snapshot makes it fail: what a bug would do."""

    def step(self, batch: Sequence[Arrival], states: Mapping[HostId, bytes | None]) -> list[Scored]:
        if any(arrival.snapshot.seq == 3 for arrival in batch):
            raise ZeroDivisionError
        return super().step(batch, states)


def test_a_snapshot_that_makes_judging_fail_costs_only_itself(store: Store) -> None:
    from vedette.detect import Bundle

    pipeline = _pipeline(store, _Stumbling(Bundle.shipped()))
    queue = _run(store, _sealed(list(quiet_snapshots(6))), pipeline)
    assert [verdict.seq for verdict in _verdicts(store)] == [1, 2, 3, 4, 5, 6]
    assert [letter.identity.seq for letter in queue.dead_letters(limit=9)] == [3]


class _Refusing(Store):
    """The real store, except that it will not take what one snapshot leads to."""

    def apply(self, effects: Sequence[Effect], **rest: Any) -> list[Applied]:
        if any(one.verdict.seq == 3 and one.state is not None for one in effects):
            raise InvalidInput("this can't be stored")
        return super().apply(effects, **rest)


def test_a_snapshot_that_can_not_be_stored_costs_only_itself(tmp_path: Path) -> None:
    store = _Refusing(migrated(tmp_path / "store.sqlite"), CLOCK)
    queue = _run(store, _sealed(list(quiet_snapshots(6))))
    assert [verdict.seq for verdict in _verdicts(store)] == [1, 2, 3, 4, 5, 6]
    assert [letter.identity.seq for letter in queue.dead_letters(limit=9)] == [3]
    store.close()


def _delivery(message_: Message, *, attempts: int = 1) -> Delivery:
    return Delivery(message=message_, token="t", attempts=attempts, position=1)


def test_what_never_comes_to_an_end_is_given_up_unopened(store: Store) -> None:
    (sealed,) = _sealed(list(quiet_snapshots(1)))
    outcome = _pipeline(store).handle([_delivery(sealed, attempts=MAX_ATTEMPTS + 1)])
    assert isinstance(outcome[0], Reject)
    (verdict,) = _verdicts(store)
    assert verdict.label is Label.UNKNOWN
    assert f"no end in {MAX_ATTEMPTS} attempts" in verdict.reasons[0].text


def test_an_unreadable_snapshot_is_rejected_again_after_a_crash_before_its_rejection(
    store: Store,
) -> None:
    (snapshot,) = quiet_snapshots(1)
    delivery = _delivery(message(snapshot, RING, CLOCK.now(), body=b"?"))
    pipeline = _pipeline(store)
    assert [type(pipeline.handle([delivery])[0]) for _ in range(2)] == [Reject, Reject]
    assert len(_verdicts(store)) == 1


def test_another_content_under_a_judged_identity_is_rejected(store: Store) -> None:
    first, second = _sealed([next(quiet_snapshots(1, seed=seed)) for seed in (1, 2)])
    assert _pipeline(store).handle([_delivery(first)]) == [Done()]
    assert isinstance(_pipeline(store).handle([_delivery(second)])[0], Reject)
    assert len(_verdicts(store)) == 1
    audited = [entry.action for entry in store.audit.find(TENANT).items]
    assert audited.count("snapshot.conflict") == 1


def test_many_large_snapshots_are_opened_a_few_at_a_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette.app.pipeline._DECODED_BYTES", 1)
    _run(store, _sealed(list(quiet_snapshots(5))))
    assert [verdict.seq for verdict in _verdicts(store)] == [1, 2, 3, 4, 5]


def test_a_late_snapshot_gets_a_verdict_and_does_not_touch_the_state(store: Store) -> None:
    snapshots = list(quiet_snapshots(36))
    late = snapshots.pop(33)
    _run(store, _sealed(snapshots))
    before = store.states.load(TENANT, [late.host.id])
    _run(store, _sealed([late]))
    verdict = store.verdicts.get(
        TENANT,
        verdict_id(Identity(tenant=TENANT, host=late.host.id, epoch=EPOCH, seq=34)),
    )
    assert verdict.late
    assert verdict.label is Label.UNKNOWN
    assert store.states.load(TENANT, [late.host.id]) == before


def test_two_agents_with_one_identity_are_told_of_and_audited_once(store: Store) -> None:
    snapshots = list(quiet_snapshots(50))
    messages = _sealed(snapshots[:40])
    for at, one in enumerate(snapshots[40:]):
        copied = msgspec.structs.replace(
            one, seq=at + 1, taken_at=one.taken_at - timedelta(seconds=30)
        )
        messages.append(message(copied, RING, CLOCK.now(), epoch=Epoch("11" * 16)))
        messages.append(message(one, RING, CLOCK.now()))
    _run(store, messages)
    verdicts = store.verdicts.find(TENANT, limit=500).items
    assert len(verdicts) == 60
    told = {v.identity for v in verdicts if v.reasons and v.reasons[0].subject == "identity"}
    both = {item.identity for item in messages[40:]}
    assert told == both - {messages[40].identity}
    assert {v.label for v in verdicts if v.identity in both} == {Label.UNKNOWN}
    host = store.hosts.get(TENANT, snapshots[0].host.id)
    assert host.status.value == "unknown"
    assert "Two agents report under this host's identity" in host.status_reason
    audited = [entry.action for entry in store.audit.find(TENANT, limit=500).items]
    assert audited.count("host.identity_shared") == 1


def test_snapshots_of_an_epoch_with_a_conflict_are_not_normal_for_a_while(store: Store) -> None:
    """Both send under the same numbers; the door refuses one of the two, and the other's are told of all the same."""
    snapshots = list(quiet_snapshots(48))
    messages = _sealed(snapshots)
    _run(store, messages[:40])
    store.hosts.contest(messages[39].identity, snapshots[39].taken_at + timedelta(seconds=30))
    _run(store, messages[40:])
    after = _verdicts(store)[40:]
    assert [v.label for v in after] == [Label.UNKNOWN] * 5 + [Label.NORMAL] * 3
    assert {v.reasons[0].subject for v in after[:5]} == {"identity"}
    audited = [entry.action for entry in store.audit.find(TENANT, limit=500).items]
    assert audited.count("host.identity_shared") == 1


def test_a_late_snapshot_touches_neither_the_hosts_standing_nor_its_facts(store: Store) -> None:
    snapshots = _with_intruder(36, 33)
    late = snapshots.pop(33)
    quiet = [*snapshots[:33], *list(quiet_snapshots(36))[34:]]
    _run(store, _sealed(quiet))
    host = store.hosts.get(TENANT, late.host.id)
    facts = store.facts.at(TENANT, host.id, late.taken_at, limit=500)
    assert host.status.value == "normal"
    _run(store, _sealed([late]))
    after = store.hosts.get(TENANT, host.id)
    assert _verdicts(store)[33].late
    assert (after.status, after.status_since, after.status_reason, after.last_seq) == (
        host.status,
        host.status_since,
        host.status_reason,
        host.last_seq,
    )
    assert store.facts.at(TENANT, host.id, late.taken_at, limit=500) == facts


def test_a_host_recovers_from_a_gap_with_its_next_snapshot(store: Store) -> None:
    snapshots = list(quiet_snapshots(40))
    _run(store, _sealed(snapshots[:35] + snapshots[37:]))
    labels = [(verdict.seq, verdict.label.value) for verdict in _verdicts(store)][34:]
    assert labels == [(35, "normal"), (38, "unknown"), (39, "normal"), (40, "normal")]
    assert store.hosts.get(TENANT, snapshots[0].host.id).status.value == "normal"


def test_a_gap_is_unknown_and_never_normal(store: Store) -> None:
    snapshots = list(quiet_snapshots(40))
    _run(store, _sealed(snapshots[:35] + snapshots[37:]))
    assert _verdicts(store)[35].label is Label.UNKNOWN


def test_online_gives_what_replay_gives(store: Store) -> None:
    snapshots = _with_intruder(60, 40)
    _run(store, _sealed(snapshots))
    replayed = [judged for judged, _host in Replay(batch=7).run(snapshots)]
    online = _verdicts(store)
    assert [(v.label, v.score, v.severity, v.reasons, v.experts) for v in online] == [
        (j.verdict.label, j.verdict.score, j.verdict.severity, j.verdict.reasons, j.verdict.experts)
        for j in replayed
    ]
    (incident,) = store.incidents.find(TENANT).items
    opened = {i.id: i for judged in replayed for i in judged.decision.incidents}
    (expected,) = opened.values()
    assert (incident.title, incident.verdicts, incident.causes, incident.opened_at) == (
        expected.title,
        expected.verdicts,
        expected.causes,
        expected.opened_at,
    )


def test_what_comes_back_does_so_online_in_a_replay_and_in_one_that_goes_on(
    store: Store, tmp_path: Path
) -> None:
    quiet, ill = list(quiet_snapshots(90)), _with_intruder(90, 0)
    snapshots = [
        ill[at] if at in {*range(40, 44), *range(84, 88)} else quiet[at] for at in range(90)
    ]
    _run(store, _sealed(snapshots))
    (online,) = store.incidents.find(TENANT).items
    assert (online.returns, online.returned_at) == (1, snapshots[84].taken_at)
    assert online.verdicts_since < online.verdicts
    for batch in (1, 256):
        state = tmp_path / f"state-{batch}"
        parts = (snapshots[:82], snapshots[82:])
        seen = [judged for part in parts for judged in _kept(state, part, batch)]
        whole = [judged for judged, _ in Replay(batch=batch).run(snapshots)]
        for replayed in (seen, whole):
            last = [one for judged in replayed for one in judged.decision.incidents][-1]
            assert (last.returns, last.returned_at, last.verdicts, last.opened_at) == (
                online.returns,
                online.returned_at,
                online.verdicts,
                online.opened_at,
            )
            assert last.verdicts_before == online.verdicts_before


def _kept(state: Path, snapshots: Sequence[Snapshot], batch: int) -> list[Judged]:
    """A replay that goes on from what was kept, and keeps what is."""
    replay = Replay(state=state, batch=batch)
    judged = [one for one, _ in replay.run(snapshots)]
    replay.write([], state.parent / "none")
    return judged
