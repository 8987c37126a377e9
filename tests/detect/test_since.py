"""Every reason says since when: by what says it, or else by when it was first told without a break."""

from datetime import datetime, timedelta

from tests.detect.life import arrivals, play
from tests.fixtures.quiet_host import START, changed, quiet_snapshots, quiet_tables

from vedette.core import HostId, Label, Row, Snapshot
from vedette.detect import Detector

States = dict[HostId, bytes | None]


def at(seq: int) -> datetime:
    return START + timedelta(seconds=60 * seq)


def growing(first: int, count: int) -> list[Snapshot]:
    """A program that takes more and more memory."""
    some = []
    for step, taken in enumerate(quiet_snapshots(count, first=first)):
        rows: list[Row] = quiet_tables()["processes"]
        rows[2]["resident_size"] = 4_000_000 + 400_000_000 * (step + 1)
        some.append(changed(taken, tables={"processes": rows}))
    return some


def test_a_program_that_grows_is_told_since_the_first_time(
    detector: Detector, grown: States
) -> None:
    states = play(detector, arrivals(list(quiet_snapshots(60, first=41))), batch=60, states=grown)[
        1
    ]
    answers, _ = play(detector, arrivals(growing(101, 12)), states=states)
    told = [
        (number, reason)
        for number, answer in enumerate(answers, 101)
        for reason in answer.reasons
        if reason.subject == "process:/usr/sbin/cron"
    ]
    assert len(told) > 2
    assert {reason.since for _, reason in told} == {at(told[0][0])}
    assert [answer.label for answer in answers][-1] is Label.ABNORMAL


def test_blindness_is_told_since_it_began_and_anew_after_a_break(
    detector: Detector, grown: States
) -> None:
    some = list(quiet_snapshots(6, first=41))
    blind = [n for n in range(6) if n != 3]
    for n in blind:
        some[n] = changed(some[n], without=("users",))
    answers, _ = play(detector, arrivals(some), states=grown)
    since = [answer.reasons[0].since for answer in answers if answer.reasons]
    assert since == [at(41)] * 3 + [at(45)] * 2


def test_a_late_snapshot_tells_its_own_time(detector: Detector, grown: States) -> None:
    (answer,), _ = play(detector, arrivals(list(quiet_snapshots(1, first=9))), states=grown)
    assert answer.late
    assert answer.reasons[0].since == at(9)
