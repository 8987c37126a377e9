"""Reasons of blindness and youth say what was seen and what was expected."""

from tests.detect.life import arrivals, play
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.detect import YOUNG, Detector
from vedette.detect.blind import seen_and_expected


def test_every_reason_of_blindness_says_what_was_seen_and_what_was_expected(
    detector: Detector,
) -> None:
    some = list(quiet_snapshots(YOUNG + 4))
    some[-4] = changed(some[-4], without=("processes",))
    some[-3] = changed(some[-3], without=("users",))
    del some[-2]
    answers, _ = play(detector, arrivals(some))
    reasons = [reason for answer in answers for reason in answer.reasons]
    assert {one.subject.split(":")[0] for one in reasons} == {"young", "table", "gap"}
    assert all(one.observed and one.expected for one in reasons)
    assert answers[0].reasons[-1].expected == "30 snapshots before anything is called normal"


def test_what_is_expected_names_the_very_thing() -> None:
    assert seen_and_expected("gap:3", "3 snapshots were lost before this one") == (
        "3 of the numbers before this one did not come",
        "the number after that of the snapshot before",
    )
    assert "the table users in full" in seen_and_expected("table:users", "x")[1]
    assert seen_and_expected("state:vitals", "x")[1] == "what was learned of this host so far"
    assert seen_and_expected("other", "x") == ("x", "what this host has shown so far")
