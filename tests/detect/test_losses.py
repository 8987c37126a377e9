"""Errors and drops of the network card."""

from itertools import chain

from tests.contracts.expert_suite import run, views
from tests.detect.test_vitals import loud
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import Snapshot
from vedette.detect.vitals import VitalsExpert

ERRORS, DROPS = "system.network.errors.rate", "system.network.dropped.rate"
PACKETS = {
    "system.network.packets.receive.rate": 600.0,
    "system.network.packets.transmit.rate": 400.0,
}


def _losing(metric: str, values: list[float]) -> list[Snapshot]:
    still = {ERRORS: 0.0, DROPS: 0.0, **PACKETS}
    return [
        changed(snapshot, metrics=still | {metric: value})
        for snapshot, value in zip(quiet_snapshots(len(values)), values, strict=True)
    ]


def _told(metric: str, values: list[float]) -> tuple[list[int], list[str]]:
    cases, _ = run(VitalsExpert({}), views(_losing(metric, values)))
    said = [case for case in chain(*cases) if case.nats > 0 and case.subject == f"metric:{metric}"]
    return loud(cases), [case.text for case in said]


def test_a_card_that_begins_to_make_errors_is_told_within_four_looks() -> None:
    at, texts = _told(ERRORS, [0.0] * 60 + [60.0] * 6)
    assert 60 < at[0] <= 63
    assert texts[-1].startswith(
        "Network errors 60.0 per second, 5.7 percent of all packets; usually"
    )


def test_drops_are_told_by_their_name() -> None:
    _, texts = _told(DROPS, [0.0] * 60 + [200.0] * 6)
    assert texts[-1].startswith("Network drops 200.0 per second")


def test_one_look_with_errors_is_not_told() -> None:
    assert not _told(ERRORS, [0.0] * 60 + [60.0] + [0.0] * 5)[1]


def test_a_steady_few_drops_that_the_host_always_had_are_not_told() -> None:
    assert not _told(DROPS, [30.0 + n % 3 for n in range(80)])[1]


def test_errors_of_less_than_a_packet_in_a_hundred_are_not_told() -> None:
    assert not _told(ERRORS, [0.0] * 60 + [5.0] * 6)[1]
