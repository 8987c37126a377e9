"""Blindness: what a snapshot lacks is told, and makes no host normal."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.life import TWO, arrivals, following, play, subjects, then
from tests.fixtures.quiet_host import HOST, changed, quiet_snapshots

from vedette.core import Epoch, HostId, Label, Snapshot
from vedette.detect import YOUNG, Arrival, Detector


def test_a_gap_is_blindness(detector: Detector, grown: dict[HostId, bytes | None]) -> None:
    answer = then(detector, grown, following(seq=44))
    assert answer.label is Label.UNKNOWN
    assert subjects(answer) == {"gap:3"}
    assert answer.reasons[0].text == "3 snapshots were lost before this one"
    assert answer.reasons[0].expert == "judge"
    assert answer.state is not None


def test_sight_comes_back_after_a_gap(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    answers, _ = play(detector, arrivals(list(quiet_snapshots(2, first=44))), states=grown)
    assert [a.label for a in answers] == [Label.UNKNOWN, Label.NORMAL]


def test_a_new_epoch_is_blindness(detector: Detector, grown: dict[HostId, bytes | None]) -> None:
    later = [changed(s, seq=s.seq - 40) for s in quiet_snapshots(2, first=41)]
    answers, _ = play(detector, arrivals(later, TWO), states=grown)
    assert answers[0].label is Label.UNKNOWN
    assert "epoch" in subjects(answers[0])
    assert answers[1].label is Label.NORMAL


def test_a_new_epoch_that_sees_less_is_blind_until_it_sees_again(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    """A journal that was damaged together with the disk's other files must not lower what is expected."""
    lost = {"hash": "Input/output error: /etc/passwd"}
    later = [changed(s, seq=s.seq - 40) for s in quiet_snapshots(6, first=41)]
    less = [changed(s, without=("users",)) for s in later[:2]]
    partly = [changed(s, tables={"hash": []}, unread=lost) for s in later[2:4]]
    few = changed(later[4])
    few = msgspec.structs.replace(few, metrics=dict(list(few.metrics.items())[:3]))
    answers, _ = play(detector, arrivals([*less, *partly, few, later[5]], TWO), states=grown)
    assert [a.label for a in answers] == [Label.UNKNOWN] * 5 + [Label.NORMAL]
    assert "table:users" in subjects(answers[1])
    assert "table:hash" in subjects(answers[3])


def test_an_epoch_that_has_ended_is_not_taken_up_again(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    turns = [Arrival(epoch=TWO, snapshot=following(seq=1)), *arrivals([following(seq=42)])]
    answers, _ = play(detector, turns, states=grown)
    assert not answers[0].late
    assert answers[1].late
    assert answers[1].label is Label.UNKNOWN


def test_a_clock_set_back_is_blindness_once(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    back = [
        changed(s, taken_at=s.taken_at - timedelta(hours=2)) for s in quiet_snapshots(2, first=41)
    ]
    answers, _ = play(detector, arrivals(back), states=grown)
    assert not answers[0].late
    assert subjects(answers[0]) == {"clock"}
    assert [a.label for a in answers] == [Label.UNKNOWN, Label.NORMAL]


def after_a_pause(seconds: float, count: int = 2) -> list[Snapshot]:
    moved = timedelta(seconds=seconds)
    return [changed(s, taken_at=s.taken_at + moved) for s in quiet_snapshots(count, first=41)]


@pytest.mark.parametrize(("seconds", "text"), [(8 * 3_600.0, "for 8.0 h"), (250.0, "for 5 min")])
def test_a_time_without_a_look_is_blindness_once_though_no_number_is_missing(
    detector: Detector, grown: dict[HostId, bytes | None], seconds: float, text: str
) -> None:
    answers, _ = play(detector, arrivals(after_a_pause(seconds)), states=grown)
    assert subjects(answers[0]) == {"pause"}
    assert text in answers[0].reasons[0].text
    assert [a.label for a in answers] == [Label.UNKNOWN, Label.NORMAL]


def test_a_look_that_is_a_little_late_is_no_pause(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    answers, _ = play(detector, arrivals(after_a_pause(230.0)), states=grown)
    assert [a.label for a in answers] == [Label.NORMAL, Label.NORMAL]


def test_a_longer_interval_is_learned_in_a_few_looks(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    slow = [
        changed(s, taken_at=s.taken_at + timedelta(seconds=540 * at))
        for at, s in enumerate(quiet_snapshots(9, first=41))
    ]
    answers, _ = play(detector, arrivals(slow), states=grown)
    assert sum("pause" in subjects(a) for a in answers) == 3
    assert answers[-1].label is Label.NORMAL


def test_a_state_of_before_the_spacing_was_kept_learns_it(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    blob = grown[HOST]
    assert blob is not None
    wire = msgspec.msgpack.decode(blob)
    old = msgspec.msgpack.encode(wire | {"timeline": wire["timeline"][:9]})
    answers, _ = play(detector, arrivals(after_a_pause(8 * 3_600.0)), states={HOST: old})
    assert [a.label for a in answers] == [Label.NORMAL, Label.NORMAL]


@pytest.mark.parametrize("table", ["processes", "listening_ports", "users", "hash", "crontab"])
def test_a_table_that_is_missing_is_blindness(
    detector: Detector, grown: dict[HostId, bytes | None], table: str
) -> None:
    answer = then(detector, grown, following(without=(table,)))
    assert answer.label is Label.UNKNOWN
    assert f"table:{table}" in subjects(answer)
    assert answer.needed == (table,)
    assert not [change for change in answer.facts if change.table == table]


def test_a_table_that_can_no_longer_be_read_in_full_is_blindness(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    answer = then(
        detector, grown, following(tables={"hash": []}, unread={"hash": "Permission denied"})
    )
    assert answer.label is Label.UNKNOWN
    assert subjects(answer) == {"table:hash"}
    assert "Permission denied" in answer.reasons[0].text
    assert not answer.needed
    assert not answer.facts


def test_what_an_agent_never_could_read_in_full_does_not_blind_it(detector: Detector) -> None:
    unread = {"hash": "Permission denied: /etc/shadow", "sudoers": "Permission denied"}
    snapshots = [changed(s, unread=unread) for s in quiet_snapshots(YOUNG + 3)]
    answers, _ = play(detector, arrivals(snapshots))
    assert answers[-1].label is Label.NORMAL


def test_rows_cut_off_at_a_bound_are_blindness_always(detector: Detector) -> None:
    unread = {"process_open_sockets": "cut: 250 of 900 rows kept"}
    snapshots = [changed(s, unread=unread) for s in quiet_snapshots(YOUNG + 3)]
    answers, _ = play(detector, arrivals(snapshots))
    assert {a.label for a in answers} == {Label.UNKNOWN}
    assert "table:process_open_sockets" in subjects(answers[-1])


def test_sockets_whose_owner_was_never_known_do_not_blind(detector: Detector) -> None:
    unread = {"process_open_sockets": "the sockets of 1 processes can't be told"}
    snapshots = [changed(s, unread=unread) for s in quiet_snapshots(YOUNG + 3)]
    snapshots[-1] = changed(snapshots[-1], without=("process_open_sockets",))
    answers, _ = play(detector, arrivals(snapshots))
    assert [a.label for a in answers[-2:]] == [Label.NORMAL, Label.NORMAL]


def test_open_sockets_that_can_no_longer_be_read_are_blindness(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    unread = {"process_open_sockets": "could not be read: EPERM"}
    gone = following(without=("process_open_sockets",), unread=unread)
    assert then(detector, grown, gone).label is Label.UNKNOWN
    assert then(detector, grown, following(unread=unread)).label is Label.UNKNOWN


@pytest.mark.parametrize("table", ["processes", "users", "listening_ports", "hash"])
def test_the_first_whole_read_raises_what_is_expected(detector: Detector, table: str) -> None:
    partly = {table: "Permission denied"}
    snapshots = list(quiet_snapshots(YOUNG + 5))
    snapshots[0] = changed(snapshots[0], unread=partly)
    snapshots[-1] = changed(snapshots[-1], unread=partly)
    answers, _ = play(detector, arrivals(snapshots))
    assert answers[-2].label is Label.NORMAL
    assert answers[-1].label is Label.UNKNOWN
    assert f"table:{table}" in subjects(answers[-1])


def test_what_a_partial_read_lacks_is_not_gone(detector: Detector) -> None:
    snapshots = list(quiet_snapshots(4))
    for index in (0, 2, 3):
        users = snapshots[index].tables["users"][:1]
        partly = {"users": "Permission denied"}
        snapshots[index] = changed(snapshots[index], tables={"users": users}, unread=partly)
    answers, _ = play(detector, arrivals(snapshots))
    changes = [change for a in answers for change in a.facts if change.table == "users"]
    assert sum(len(change.appeared) for change in changes) == 2
    assert not any(change.gone for change in changes)


def test_process_rows_that_can_not_be_used_are_blindness(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    rows = [{**row, "pid": "1", "name": None} for row in following().tables["processes"]]
    answer = then(detector, grown, following(tables={"processes": rows}))
    assert answer.label is not Label.NORMAL
    assert "table:processes" in subjects(answer)


def test_two_processes_of_one_pid_are_blindness_and_both_are_kept(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    rows = following().tables["processes"]
    twin = {**rows[-1], "name": "twin"}
    answer = then(detector, grown, following(tables={"processes": [*rows, twin]}))
    assert answer.label is not Label.NORMAL
    assert "table:processes" in subjects(answer)
    (change,) = (change for change in answer.facts if change.table == "processes")
    assert [row["name"] for row in change.appeared.values()] == ["twin"]


def test_an_empty_table_is_one_without_rows_but_there_are_always_processes(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    answer = then(detector, grown, following(tables={"users": []}))
    (change,) = (change for change in answer.facts if change.table == "users")
    assert (len(change.gone), change.appeared) == (2, {})
    assert "table:users" not in subjects(answer)
    answer = then(detector, grown, following(tables={"processes": []}))
    assert answer.label is not Label.NORMAL
    assert "table:processes" in subjects(answer)


def test_a_host_without_processes_is_never_normal(detector: Detector) -> None:
    snapshots = [changed(s, without=("processes",)) for s in quiet_snapshots(YOUNG + 3)]
    answers, _ = play(detector, arrivals(snapshots))
    assert {a.label for a in answers} == {Label.UNKNOWN}
    assert "table:processes" in subjects(answers[-1])


@pytest.mark.parametrize(
    ("kept", "subject"),
    [
        ([], "metrics"),
        (["system.cpu.utilization", "system.processes.count"], "metric:system.memory.utilization"),
    ],
)
def test_missing_metrics_are_blindness(
    detector: Detector, grown: dict[HostId, bytes | None], kept: list[str], subject: str
) -> None:
    snapshot = following()
    fewer = {name: snapshot.metrics[name] for name in kept}
    answer = then(detector, grown, msgspec.structs.replace(snapshot, metrics=fewer))
    assert answer.label is Label.UNKNOWN
    assert subject in subjects(answer)


DISK = {"system.disk": "Input/output error: /proc/diskstats"}


def test_a_metric_family_that_can_no_longer_be_read_is_blindness(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    """Those that are left are more than half, and all that must be there."""
    snapshots = [changed(s, unread=DISK) for s in quiet_snapshots(3, first=41)]
    answers, _ = play(
        detector, arrivals([*snapshots, next(quiet_snapshots(1, first=44))]), states=grown
    )
    assert [subjects(a) for a in answers] == [{"metrics"}] * 3 + [set()]
    assert "system.disk (Input/output error" in answers[0].reasons[0].text
    assert answers[-1].label is Label.NORMAL


def test_a_metric_family_that_never_could_be_read_does_not_blind(detector: Detector) -> None:
    snapshots = [changed(s, unread=DISK) for s in quiet_snapshots(YOUNG + 6)]
    snapshots[-3] = changed(snapshots[-3], unread={})
    states: dict[HostId, bytes | None] = {}
    answers, states = play(detector, arrivals(snapshots), states=states)
    assert [a.label for a in answers[-4:-2]] == [Label.NORMAL] * 2
    assert [a.label for a in answers[-2:]] == [Label.UNKNOWN] * 2


def test_a_state_of_before_unread_families_were_kept_takes_them_as_they_are(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    wire = msgspec.msgpack.decode(grown[HOST] or b"")
    old = msgspec.msgpack.encode(wire | {"tables": wire["tables"][:5]})
    snapshots = [changed(s, unread=DISK) for s in quiet_snapshots(2, first=41)]
    answers, _ = play(detector, arrivals(snapshots), states={HOST: old})
    assert [a.label for a in answers] == [Label.NORMAL] * 2


def test_a_restarted_agent_without_rates_is_not_blind(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    snapshot = following()
    lacking = {
        k: v for k, v in snapshot.metrics.items() if not k.endswith((".rate", "cpu.utilization"))
    }
    answer = then(detector, grown, msgspec.structs.replace(snapshot, metrics=lacking))
    assert answer.label is Label.NORMAL


def test_half_of_the_metrics_are_too_few(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    snapshot = following()
    core = [
        "system.memory.utilization",
        "system.processes.count",
        "system.network.connections.established",
    ]
    few = {name: snapshot.metrics[name] for name in core}
    answer = then(detector, grown, msgspec.structs.replace(snapshot, metrics=few))
    assert subjects(answer) == {"metrics"}


STEPS = st.sampled_from(["next", "gap", "late", "epoch", "no-table", "no-metrics", "loud"])


@pytest.mark.no_cover
@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_nothing_is_called_normal_while_blind(detector: Detector, steps: list[str]) -> None:
    states = play(detector, arrivals(list(quiet_snapshots(YOUNG))), batch=YOUNG)[1]
    seq, epochs = YOUNG, 1
    for step in steps:
        seq += {"late": 0, "gap": 3}.get(step, 1)
        epochs += step == "epoch"
        snapshot = next(quiet_snapshots(1, first=seq))
        if step == "no-table":
            snapshot = changed(snapshot, without=("processes",))
        if step == "no-metrics":
            snapshot = msgspec.structs.replace(snapshot, metrics={})
        if step == "loud":
            snapshot = changed(snapshot, metrics={"system.processes.count": 900.0})
        answer = detector.step(arrivals([snapshot], Epoch(f"e{epochs}")), states)[0]
        assert answer.late == (step == "late")
        if step not in {"next", "loud"}:
            assert answer.label is not Label.NORMAL
        assert 0.0 <= answer.score <= 1.0
        assert (answer.label is Label.ABNORMAL) == (answer.score > 0.5)
        if answer.state is not None:
            states = {HOST: answer.state}
