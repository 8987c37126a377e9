"""What the agent collects can be used: no row of a real machine is lost to the detector."""

from vedette.agent import Collector, Source
from vedette.core import HostId, SystemClock
from vedette.detect.tables import KNOWN_TABLES
from vedette.detect.usable import usable


def test_every_row_of_a_real_machine_can_be_used() -> None:
    taken = Collector(Source(), SystemClock()).snapshot(HostId("h"), 1, {})
    read = taken.tables.keys() & KNOWN_TABLES
    assert {"processes", "users", "mounts"} <= read
    assert [why for name in sorted(read) if (why := usable(name, taken.tables[name])[1])] == []
