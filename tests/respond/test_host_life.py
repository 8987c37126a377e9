"""Whatever comes between: no lease twice, nothing verified unseen, nothing past a guard, and everything ends."""

import pytest
from hypothesis import settings
from tests.respond.host_life import HostLife, MemoryLife

# All that they run is covered by plain tests, too; traced, they would take twice as long.
pytestmark = [pytest.mark.usefixtures("fresh_runs"), pytest.mark.no_cover]
NIGHTLY = settings.get_current_profile_name() == "nightly"
# Most runs go over the fake ports, of which twenty take as long as one over the store.
RUNS = 2_000 if NIGHTLY else 200
STORE_RUNS = 500 if NIGHTLY else 20
TestMemoryLife = MemoryLife.TestCase
TestMemoryLife.settings = settings(max_examples=RUNS, stateful_step_count=10, deadline=None)
TestHostLife = HostLife.TestCase
TestHostLife.settings = settings(max_examples=STORE_RUNS, stateful_step_count=10, deadline=None)
