"""The shipped detector, and a grown host for tests to go on with."""

import pytest
from tests.detect.life import arrivals, play
from tests.fixtures.quiet_host import HOST, quiet_snapshots

from vedette.core import HostId
from vedette.detect import Bundle, Detector


@pytest.fixture(scope="session")
def detector() -> Detector:
    """It makes every state from its bytes."""
    return Detector(Bundle.shipped(), warm=0)


@pytest.fixture(scope="session")
def grown(detector: Detector) -> dict[HostId, bytes | None]:
    """The state of a host with forty quiet snapshots behind it."""
    return play(detector, arrivals(list(quiet_snapshots(40))), batch=40)[1]


@pytest.fixture(scope="session")
def grown_state(grown: dict[HostId, bytes | None]) -> bytes:
    """The same state by itself."""
    state = grown[HOST]
    assert state is not None
    return state
