"""More traffic comes over more connections, and ended ones leave TIME_WAIT behind: as many more as there is more traffic are nobody's business."""

from itertools import chain

import pytest
from tests.contracts.expert_suite import run, views
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import Snapshot
from vedette.detect.vitals import VitalsExpert

ENDED, SENT = "system.network.connections.time_wait", "system.network.io.transmit.rate"
OPEN = "system.network.connections.established"
_USUAL, _PEAK = 90, 14


def _web(metric: str, more: float, *, sent: float) -> list[Snapshot]:
    """A busy host, at the end of which there are so many times more of them, and so many times as much is sent."""
    taken = quiet_snapshots(_USUAL + _PEAK)
    found = []
    for at, snapshot in enumerate(taken):
        peak = at >= _USUAL
        waits = (1_500.0 + 80.0 * (3 * at % 7)) * (more if peak else 1.0)
        rate = (400_000.0 + 9_000.0 * (at % 5)) * (sent if peak else 1.0)
        found.append(changed(snapshot, metrics={metric: waits, SENT: rate}))
    return found


def _told(metric: str, snapshots: list[Snapshot]) -> bool:
    cases, _ = run(VitalsExpert({}), views(snapshots))
    return any(case.nats > 0 and case.subject == f"metric:{metric}" for case in chain(*cases))


@pytest.mark.no_cover
@pytest.mark.parametrize("times", [3.0, 5.0])
@pytest.mark.parametrize("metric", [OPEN, ENDED])
def test_those_of_more_traffic_are_not_told(metric: str, times: float) -> None:
    assert not _told(metric, _web(metric, times, sent=times))


@pytest.mark.no_cover
@pytest.mark.parametrize("times", [3.0, 5.0])
@pytest.mark.parametrize("metric", [OPEN, ENDED])
def test_those_of_no_more_traffic_are(metric: str, times: float) -> None:
    assert _told(metric, _web(metric, times, sent=1.0))
