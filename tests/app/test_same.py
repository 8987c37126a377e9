"""A session with `same` and the same session without: equal verdicts, incidents, facts and history."""

import itertools
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.detect.scene import port, scene, tables, user
from tests.fixtures.recordings import host_recordings
from tests.fixtures.same import in_same_form, sealed_size
from tests.fixtures.sealed import TENANT, message

from vedette.app.detecting import load_detector
from vedette.app.pipeline import Pipeline
from vedette.app.replay import Replay
from vedette.app.wiring import policies_from
from vedette.core import Label, ManualClock, Row, Snapshot, table_digest
from vedette.learn import read_recording
from vedette.queue import Delivery, Done
from vedette.seal import KeyRing
from vedette.store import Store

RING = KeyRing.generate()


def _eventful() -> Iterator[Snapshot]:
    """A server on which things happen in one table while what explains them stands in another that did not change."""
    rows = tables()
    rows["users"].append(user("backup", 34, "/usr/sbin/nologin"))
    rows["rpm_packages"] = [{"name": "audit", "version": "1"}]
    for seq in range(1, 181):
        rows = {name: list(some) for name, some in rows.items()}
        _happen(seq, rows)
        metrics = {
            "system.memory.utilization": 0.3,
            "system.processes.count": float(len(rows["processes"])),
            "system.network.connections.established": 3.0,
        }
        partial = {"crontab": "not permitted"} if seq in {130, 131} else {}
        yield msgspec.structs.replace(scene(seq, rows), metrics=metrics, unread=partial)


def _happen(seq: int, rows: dict[str, list[Row]]) -> None:
    if seq == 60:
        rows["hash"] = [row for row in rows["hash"] if row["path"] != "/usr/bin/ps"]
    if seq == 80:
        rows["logged_in_users"].append(
            {"type": "user", "user": "backup", "tty": "pts/1", "host": "203.0.113.9", "time": 2}
        )
    if seq == 90:
        rows["deb_packages"].append({"name": "socat", "version": "1.7"})
    if seq == 100:
        rows["users"].reverse()
    if seq == 110:
        # Another program takes over a listener's process id: the ports' own rows stay the same.
        rows["processes"] = [
            row | {"name": "nc", "path": "/tmp/nc", "cmdline": "nc -l"} if row["pid"] == 33 else row
            for row in rows["processes"]
        ]
    if seq == 40:
        rows["listening_ports"].append(port(33, 9000))
    if seq == 150:
        rows["rpm_packages"] = []


def _outcomes(session: Sequence[Snapshot]) -> list[Any]:
    return [
        (one.verdict, one.scored.facts, one.scored.needed, one.decision)
        for one, _ in Replay(batch=16).run(session)
    ]


@pytest.mark.parametrize("full_every", [1, 7, 60])
def test_verdicts_incidents_and_facts_are_equal(full_every: int) -> None:
    session = list(_eventful())
    reduced = list(in_same_form(session, full_every=full_every))
    full, same = _outcomes(session), _outcomes(reduced)
    assert same == full
    subjects = {reason.subject for outcome in full for reason in outcome[0].reasons}
    assert {"file:/usr/bin/ps", "login:backup", "port:tcp/9000", "package:audit"} <= subjects
    assert {outcome[0].label for outcome in full} == set(Label)
    assert any(one.same for one in reduced) == (full_every > 1)


def test_ports_by_digest_are_read_with_the_processes_of_the_moment() -> None:
    session = list(_eventful())
    reduced: list[Snapshot] = []
    for one in in_same_form(session):
        before = reduced[-1] if reduced else None
        reduced.append(_with_ports_by_digest(one, session, before))
    assert sum("listening_ports" in one.same for one in reduced) > 170
    assert _outcomes(reduced) == _outcomes(session)


def _with_ports_by_digest(
    snapshot: Snapshot, session: Sequence[Snapshot], before: Snapshot | None
) -> Snapshot:
    rows = snapshot.tables["listening_ports"]
    if before is None or session[before.seq - 1].tables["listening_ports"] != rows:
        return snapshot
    kept = {name: some for name, some in snapshot.tables.items() if name != "listening_ports"}
    same = snapshot.same | {"listening_ports": table_digest(rows)}
    return msgspec.structs.replace(snapshot, tables=kept, same=same)


def test_a_recorded_session_is_judged_alike_in_far_fewer_bytes() -> None:
    recording = read_recording(host_recordings() / "web-1.test.jsonl.gz")
    session = list(itertools.islice(recording, 80))
    reduced = list(in_same_form(session))
    assert _outcomes(reduced) == _outcomes(session)
    key = RING.current.public
    full, same = (sum(sealed_size(s, key) for s in some) for some in (session, reduced))
    sys.stdout.write(f"{len(session)} snapshots: {full} bytes in full, {same} bytes with same\n")
    assert same < full / 2


def test_the_history_of_facts_is_equal(tmp_path: Path) -> None:
    session = list(_eventful())
    reduced = list(in_same_form(session, full_every=7))
    full = _history(f"sqlite:///{tmp_path / 'full'}.sqlite", session)
    assert _history(f"sqlite:///{tmp_path / 'same'}.sqlite", reduced) == full
    assert {fact.table for fact in full} >= {"hash", "deb_packages", "listening_ports"}


def _history(url: str, session: Sequence[Snapshot]) -> list[Any]:
    clock = ManualClock()
    store = Store(url, clock)
    store.migrate()
    policies = policies_from(None)
    pipeline = Pipeline(
        store=store,
        ring=RING,
        detector=load_detector(None),
        policies=lambda _tenant: policies,
        clock=clock,
        timer=lambda _stage: nullcontext(),
    )
    for at in range(0, len(session), 16):
        deliveries = [
            Delivery(
                message=message(one, RING, clock.now()), token="t", attempts=1, position=one.seq
            )
            for one in session[at : at + 16]
        ]
        assert set(pipeline.handle(deliveries)) == {Done()}
    host = session[0].host.id
    facts: list[Any] = []
    after = None
    while True:
        page = store.facts.history(TENANT, host, limit=500, after=after)
        facts += page.items
        after = page.next
        if after is None:
            break
    store.close()
    return facts


_EXTRA: dict[str, list[Row]] = {
    "users": [user("eve", 1001, "/bin/sh"), user("svc", 200, "/usr/sbin/nologin")],
    "logged_in_users": [{"type": "user", "user": "svc", "tty": "pts/9", "host": "203.0.113.1"}],
    "hash": [{"path": "/usr/bin/ssh", "sha256": "1" * 64}],
    "crontab": [{"minute": "*", "hour": "*", "command": "root /tmp/x", "path": "/etc/cron.d/x"}],
    "deb_packages": [{"name": "nmap", "version": "7"}],
    "rpm_packages": [{"name": "audit", "version": "3"}],
    "listening_ports": [port(33, 4444)],
    "suid_bin": [{"path": "/tmp/sh", "username": "root", "permissions": "S"}],
}


@pytest.mark.no_cover
@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(_EXTRA)),
            st.sampled_from(["more", "less", "turn", "part", "gone"]),
        ),
        min_size=10,
        max_size=30,
    ),
    st.integers(1, 9),
)
@example([("users", "turn"), ("rpm_packages", "more"), *[("rpm_packages", "turn")] * 8], 9)
def test_whatever_happens_to_tables_outcomes_are_equal(
    events: list[tuple[str, str]], full_every: int
) -> None:
    rows = tables() | {"rpm_packages": []}
    session = [scene(seq, rows) for seq in range(1, 32)]
    for seq, (name, event) in enumerate(events, start=32):
        rows = {table: list(some) for table, some in rows.items()}
        if event == "more" and _EXTRA[name][0] not in rows[name]:
            rows[name].extend(_EXTRA[name])
        elif event == "less":
            del rows[name][:1]
        elif event == "turn":
            rows[name].reverse()
        seen = scene(
            seq, {table: some for table, some in rows.items() if (table, event) != (name, "gone")}
        )
        unread = {name: "not permitted"} if event in {"part", "gone"} else {}
        session.append(msgspec.structs.replace(seen, unread=unread))
    reduced = list(in_same_form(session, full_every=full_every))
    assert _outcomes(reduced) == _outcomes(session)
