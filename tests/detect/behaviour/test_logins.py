"""Logins that are tried again and again, a few at a time."""

from collections.abc import Sequence

import pytest
from tests.detect.scene import proc, scene, tables, watch

from vedette.core import Row
from vedette.detect import View
from vedette.detect.behaviour.expert import BehaviourExpert
from vedette.detect.behaviour.logins import coming_in, is_begun, knocks

_GROWN = 500


def _played(*many: int, count: int = _GROWN, before: tuple[int, float] = (0, 0.0)) -> list[float]:
    told = []
    for now in many:
        said = knocks(now, before, count)
        before = said.usual, float(said.run)
        told.append(said.told)
    return told


def test_three_looks_in_a_row_are_told_and_go_on_being_told() -> None:
    told = _played(2, 3, 2, 4)
    assert told[:2] == [0.0, 0.0]
    assert told[2] >= 1.0
    assert told[3] > told[2]


def test_one_at_a_time_is_ordinary() -> None:
    assert not any(_played(*[1] * 50))


def test_a_run_that_breaks_off_begins_anew_and_is_usual_from_then_on() -> None:
    assert not any(_played(2, 2, 1, 2, 2, 0, 3, 2, 2))
    assert _played(2, 2, 1, 2, 2, 0, 3, 2, 2, 2)[-1] >= 1.0


def test_a_busy_host_shows_its_way_while_it_is_young() -> None:
    before = (0, 0.0)
    for count in range(30):
        said = knocks(3, before, count)
        assert not said.told
        before = said.usual, float(said.run)
    assert not any(_played(*[3] * 20, before=before))


def test_what_was_told_makes_longer_runs_usual_by_one_look_alone() -> None:
    said = knocks(0, (0, 300.0), _GROWN)
    assert (said.run, said.usual) == (0, 1)


def test_what_never_ends_grows_no_graver_and_is_told_for_a_day() -> None:
    told = _played(*[3] * 3_000)
    assert max(told) <= 4.0
    assert all(told[2:1_439])
    assert not any(told[1_439:])


def test_sessions_and_the_listener_are_no_logins_in_the_making() -> None:
    assert is_begun("sshd: root [priv]")
    assert is_begun("sshd-session: unknown [preauth]")
    assert not is_begun("sshd: anna@pts/0")
    assert not is_begun("sshd: /usr/sbin/sshd [listener] 0 of 10-100 startups")


def _pair(*titles: str) -> Sequence[Row]:
    return [
        proc(100 + at, 99 + at if at else 30, "sshd", "/usr/sbin/sshd", f"sshd: {title}")
        for at, title in enumerate(titles)
    ]


def _coming(rows: Sequence[Row]) -> int:
    by_pid = {str(row["pid"]): row for row in rows}
    return len(coming_in([row for row in rows if is_begun(str(row["cmdline"]))], by_pid))


@pytest.mark.parametrize("who", ["ana", "ana@corp.example", "CORP\\ana"])
def test_a_login_is_one_until_its_user_has_a_process(who: str) -> None:
    assert _coming(_pair(f"{who} [priv]", f"{who} [net]")) == 1
    assert _coming(_pair(f"{who} [priv]", f"{who}@pts/0,pts/2")) == 0
    assert _coming(_pair(f"{who} [priv]", f"{who}@notty")) == 0
    # Who only forwards, as by `ssh -N` or through a bastion, has no session.
    assert _coming(_pair(f"{who} [priv]", who)) == 0


def test_a_clock_that_jumps_by_decades_while_somebody_tries_is_no_error() -> None:
    expert, rows = BehaviourExpert(), tables()
    _, state = watch(expert, [scene(1, rows)])
    state.heights["knocks"] = (0, 80.0)
    snapshot = scene(2, rows)
    began = int(snapshot.taken_at.timestamp()) - 5
    for pid in (900, 901):
        title = "sshd: root [priv]"
        rows["processes"].append(proc(pid, 30, "sshd", "/usr/sbin/sshd", title, start_time=began))
    seen = frozenset(snapshot.tables)
    view = View(snapshot=snapshot, count=_GROWN, seen=seen, elapsed=1.8e9)
    (told,) = expert.judge([view], [state])
    assert [case.attack for case in told if case.subject == "logins:sshd"] == ["T1110"]
