"""A table of processes that others' word shows to be cut, though it says nothing of it, makes no host normal."""

from collections.abc import Callable

import msgspec
import pytest
from tests.detect.life import arrivals, play, subjects
from tests.fixtures.quiet_host import HOST, changed, process, quiet_snapshots, quiet_tables

from vedette.core import HostId, Label, Row, Snapshot
from vedette.detect import YOUNG, Detector, Scored

Rows = dict[str, list[Row]]
Change = Callable[[Rows], object]
States = dict[HostId, bytes | None]
_LIVED = YOUNG + 10


def whole() -> Rows:
    """Thirty processes; every port and every connection belongs to one."""
    rows = quiet_tables()
    rows["processes"] += [
        process(500 + n, 400, "nginx", "/usr/sbin/nginx", "nginx: worker process", uid=33)
        for n in range(25)
    ]
    rows["listening_ports"].append(
        {"pid": 320, "port": 9000, "protocol": 6, "family": 2, "address": "127.0.0.1"}
    )
    rows["process_open_sockets"] = [connection(500 + n) for n in range(5)]
    return rows


def connection(pid: int | None) -> Row:
    return {
        "pid": pid,
        "family": 2,
        "protocol": 6,
        "local_address": "10.0.0.5",
        "local_port": 80,
        "remote_address": "203.0.113.7",
        "remote_port": 40_000,
        "state": "ESTABLISHED",
    }


def look(seq: int, change: Change, counted: float) -> Snapshot:
    rows = whole()
    change(rows)
    (taken,) = quiet_snapshots(1, first=seq)
    return changed(taken, tables=rows, metrics={"system.processes.count": counted})


def cut(*pids: int) -> Change:
    def change(rows: Rows) -> None:
        rows["processes"] = [row for row in rows["processes"] if row["pid"] in pids]

    return change


def nothing(_: Rows) -> None:
    """As it always is."""


def looks(
    change: Change, counted: float, count: int = 3, first: int = _LIVED + 1
) -> list[Snapshot]:
    return [look(first + n, change, counted) for n in range(count)]


@pytest.fixture(scope="module")
def lived(detector: Detector) -> States:
    return play(detector, arrivals(looks(nothing, 30.0, _LIVED, 1)), batch=_LIVED)[1]


def after(detector: Detector, states: States, some: list[Snapshot]) -> list[Scored]:
    return play(detector, arrivals(some), states=states)[0]


def labels(answers: list[Scored]) -> list[Label]:
    return [answer.label for answer in answers]


def test_a_table_cut_to_one_row_is_blindness_for_as_long_as_it_lasts(
    detector: Detector, lived: States
) -> None:
    answers = after(detector, lived, looks(cut(1), 30.0, 70))
    assert set(labels(answers)) == {Label.UNKNOWN}
    assert subjects(answers[-1]) == {"table:processes"}
    assert answers[0].reasons[0].text == (
        "The table processes has 1 row where 30 processes were counted"
    )


def test_what_a_cut_table_lacks_is_not_gone_and_comes_back_without_a_word(
    detector: Detector, lived: States
) -> None:
    later = looks(nothing, 30.0, 3, _LIVED + 6)
    answers = after(detector, lived, [*looks(cut(1), 30.0, 5), *later])
    assert labels(answers[5:]) == [Label.NORMAL] * 3
    assert not [change for answer in answers for change in answer.facts if change.gone]


@pytest.mark.parametrize("owner", [None, -1])
def test_ports_whose_owners_are_hidden_are_blindness_though_the_count_is_cut_too(
    detector: Detector, lived: States, owner: int | None
) -> None:
    def hide(rows: Rows) -> None:
        cut(320)(rows)
        for row in rows["listening_ports"]:
            row["pid"] = owner
        rows["process_open_sockets"] = []

    answers = after(detector, lived, looks(hide, 1.0))
    assert set(labels(answers)) == {Label.UNKNOWN}
    assert answers[0].reasons[0].text == (
        "3 listening ports belong to no row of the table processes"
    )


def test_connections_of_processes_that_have_no_row_are_blindness(
    detector: Detector, lived: States
) -> None:
    kept = cut(1, 310, 320, 400)
    answers = after(detector, lived, looks(kept, 4.0))
    assert set(labels(answers)) == {Label.UNKNOWN}
    assert answers[0].reasons[0].text == (
        "5 processes with connections are not in the table processes"
    )


def test_an_intruder_in_what_is_left_of_a_cut_table_is_told(
    detector: Detector, lived: States
) -> None:
    def drop(rows: Rows) -> None:
        cut(1)(rows)
        rows["processes"].append(
            process(900, 1, "x", "/tmp/.x/x", "/tmp/.x/x -c", uid=33, on_disk=0)
        )

    answers = after(detector, lived, looks(drop, 30.0))
    assert set(labels(answers)) == {Label.ABNORMAL}
    assert {"process:/tmp/.x/x", "table:processes"} <= subjects(answers[0])


def test_everything_that_was_stopped_is_told_and_no_blindness(detector: Detector) -> None:
    """The count and the ports go with the processes: the table is whole, and services are missing from it."""
    states = play(detector, arrivals([look(n, nothing, 30.0) for n in range(1, 181)]), batch=180)[1]

    def stop(rows: Rows) -> None:
        cut(1)(rows)
        rows["listening_ports"], rows["process_open_sockets"] = [], []

    answers = after(detector, states, looks(stop, 1.0, 4, 181))
    assert answers[-1].label is Label.ABNORMAL
    assert "service:sshd" in subjects(answers[-1])


def test_processes_that_ended_between_the_count_and_the_table_do_not_blind(
    detector: Detector, lived: States
) -> None:
    (answer,) = after(detector, lived, looks(nothing, 80.0, 1))
    assert "table:processes" not in subjects(answer)


def test_services_that_stop_with_their_ports_do_not_blind(
    detector: Detector, lived: States
) -> None:
    def stop(rows: Rows) -> None:
        cut(1, 310)(rows)
        rows["listening_ports"] = rows["listening_ports"][:1]
        rows["process_open_sockets"] = []

    answers = after(detector, lived, looks(stop, 2.0, 2))
    assert not {"table:processes"} & subjects(answers[0])


def test_an_agent_that_never_saw_more_is_not_blind(detector: Detector) -> None:
    """In a container, or without privileges: the count and the ports are the machine's, the rows are its own."""

    def own(rows: Rows) -> None:
        cut(310)(rows)
        for row in rows["listening_ports"]:
            row["pid"] = row["pid"] if row["pid"] == 310 else None

    some = [look(n, own, 30.0 + n % 7) for n in range(1, YOUNG + 8)]
    answers, _ = play(detector, arrivals(some))
    assert set(labels(answers[YOUNG:])) == {Label.NORMAL}


def test_a_state_of_before_this_was_kept_learns_it(detector: Detector, grown: States) -> None:
    wire = msgspec.msgpack.decode(grown[HOST] or b"")
    old: States = {HOST: msgspec.msgpack.encode(wire | {"tables": wire["tables"][:8]})}
    taken = list(quiet_snapshots(3, first=41))
    taken[2] = changed(
        taken[2],
        tables={"processes": taken[2].tables["processes"][:1]},
        metrics={"system.processes.count": 5.0},
    )
    answers, _ = play(detector, arrivals(taken), states=old)
    assert labels(answers) == [Label.NORMAL, Label.NORMAL, Label.UNKNOWN]
