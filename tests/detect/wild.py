"""Numbers that no machine has, and a grown host's snapshots after which they come."""

from tests.fixtures.quiet_host import HOST, quiet_snapshots

from vedette.core import Epoch, Snapshot
from vedette.detect import Arrival, Detector, Scored
from vedette.detect.hoststate import HostState
from vedette.detect.vitals.past import VitalsState

__all__ = ["GROWN", "MEMORY", "WILD", "later", "play", "vitals"]

GROWN = 40
MEMORY = "system.memory.utilization"
WILD = [1e15, -1e15, 1e39, -1e39, 1e200, 1e308, -1e308, 1.7976931348623157e308]


def play(
    detector: Detector, snapshots: list[Snapshot], state: bytes | None = None
) -> tuple[list[Scored], bytes | None]:
    """One by one, the state going through its bytes; every state is kept."""
    answers = []
    for snapshot in snapshots:
        arrival = Arrival(epoch=Epoch("e1"), snapshot=snapshot)
        answers.append(detector.step([arrival], {HOST: state})[0])
        state = answers[-1].state or state
    return answers, state


def later(count: int, seed: int = 5) -> list[Snapshot]:
    return list(quiet_snapshots(count, seed=seed, first=GROWN + 1))


def vitals(host: HostState) -> VitalsState:
    found = host.experts["vitals"]
    assert isinstance(found, VitalsState)
    return found
