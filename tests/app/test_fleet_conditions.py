"""Conditions over the fleet: online as in a replay, whatever the batches."""

import gzip
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.fixtures.quiet_host import process, quiet_snapshots, quiet_tables
from tests.fixtures.sealed import TENANT, message

from vedette.app.detecting import load_detector
from vedette.app.pipeline import Pipeline
from vedette.app.replay import Replay
from vedette.app.wiring import policies_from
from vedette.core import Action, HostDescription, HostId, ManualClock, Snapshot
from vedette.queue import Delivery, Done
from vedette.seal import KeyRing
from vedette.store import Store

RING = KeyRing.generate()
CLOCK = ManualClock()


@pytest.fixture
def store(migrated_url: str) -> Iterator[Store]:
    opened = Store(migrated_url, CLOCK)
    yield opened
    opened.close()


def _handle(store: Store, snapshots: list[Snapshot], written: Path) -> None:
    policies = policies_from(written)
    pipeline = Pipeline(
        store=store,
        ring=RING,
        detector=load_detector(None),
        policies=lambda _tenant: policies,
        clock=CLOCK,
        timer=lambda _stage: nullcontext(),
    )
    for at in range(0, len(snapshots), 16):
        deliveries = [
            Delivery(message=message(one, RING, CLOCK.now()), token="t", attempts=1, position=at)
            for one in snapshots[at : at + 16]
        ]
        assert set(pipeline.handle(deliveries)) == {Done()}


ASKS_THE_FLEET = """
version: 1
policies:
  - name: one-of-three
    when: fleet.hosts == 3 && fleet.abnormal == 1
    then: [{action: mail, with: {to: ["@owner"]}}]
    mode: auto
  - name: most-of-three
    when: fleet.share_abnormal > 0.5
    then: [{action: mail, with: {to: ["@owner"]}}]
    mode: auto
"""


@pytest.mark.no_cover
def test_the_fleet_is_counted_online_as_in_a_replay_of_any_batches(
    store: Store, tmp_path: Path
) -> None:
    written = tmp_path / "policies.yaml"
    written.write_text(ASKS_THE_FLEET)
    snapshots = _fleet(("a", 39), ("b", 36), ("c", 99))
    _handle(store, snapshots, written)
    online = {
        (action.id, action.policy, action.proposed_at)
        for action in store.actions.find(TENANT, limit=500).items
    }
    assert {policy for _, policy, _ in online} == {"one-of-three", "most-of-three"}
    for batch in (1, 7, 256):
        replayed = Replay(policies=written, batch=batch).run(snapshots)
        found = [action for judged, _ in replayed for action in judged.decision.actions]
        assert _when(found) == sorted((policy, at) for _, policy, at in online)


def test_a_replay_that_goes_on_knows_the_fleet_of_before(tmp_path: Path) -> None:
    written = tmp_path / "policies.yaml"
    written.write_text(ASKS_THE_FLEET)
    snapshots = _fleet(("a", 33), ("b", 34))
    whole = Replay(policies=written).run(snapshots)
    expected = _when([action for judged, _ in whole for action in judged.decision.actions])
    first = tmp_path / "first.jsonl.gz"
    rest = tmp_path / "rest.jsonl.gz"
    # Where the first host is abnormal and the second is not yet.
    for path, part in ((first, snapshots[:68]), (rest, snapshots[68:])):
        path.write_bytes(gzip.compress(b"\n".join(map(msgspec.json.encode, part))))
    state = tmp_path / "state"
    Replay(policies=written, state=state).write([first], tmp_path / "out")
    second = Replay(policies=written, state=state).run(snapshots[68:])
    found = _when([action for judged, _ in second for action in judged.decision.actions])
    assert found
    assert set(found) <= set(expected)
    assert "most-of-three" in {policy for policy, _ in found}


def _when(actions: list[Action]) -> list[tuple[str, datetime]]:
    return sorted((action.policy, action.proposed_at) for action in actions)


def _fleet(*ill: tuple[str, int]) -> list[Snapshot]:
    """Hosts that take turns; each is abnormal from a snapshot of its own on."""
    courses = []
    for name, onset in ill:
        host = HostId(f"{name * 8}-1111-4111-8111-111111111111")
        described = HostDescription(id=host, hostname=f"quiet-{name}", labels={"role": "web"})
        courses.append([_seen(one, described, onset) for one in quiet_snapshots(45)])
    apart = [
        msgspec.structs.replace(one, taken_at=one.taken_at + timedelta(seconds=number))
        for course in zip(*courses, strict=True)
        for number, one in enumerate(course)
    ]
    return sorted(apart, key=lambda one: one.taken_at)


def _seen(snapshot: Snapshot, described: HostDescription, onset: int) -> Snapshot:
    tables = quiet_tables()
    if snapshot.seq > onset:
        evil = process(4711, 1, "kworker", "/dev/shm/.x/kworker", "[kworker/0:1]", on_disk=0)
        tables["processes"].append(evil)
    return msgspec.structs.replace(snapshot, host=described, tables=tables)
