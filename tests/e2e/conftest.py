"""What the tests of the installed product share."""

from tests.agent.conftest import one_switch_at_a_time
from tests.fixtures.looks import nobody_look, root_look
from tests.fixtures.machine import machine
from tests.fixtures.wheel import installed

__all__ = ["installed", "machine", "nobody_look", "one_switch_at_a_time", "root_look"]
