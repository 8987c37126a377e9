"""Logins that are tried again and again, a few at a time."""

from vedette.detect.behaviour.logins import is_begun, knocks

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


def test_sessions_and_the_listener_are_no_logins_in_the_making() -> None:
    assert is_begun("sshd: root [priv]")
    assert is_begun("sshd-session: unknown [preauth]")
    assert not is_begun("sshd: anna@pts/0")
    assert not is_begun("sshd: /usr/sbin/sshd [listener] 0 of 10-100 startups")
