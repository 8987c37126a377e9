"""The machine of host lives finds what it is there to find: each of these faults within as many runs as are made in all."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.respond.broken_agents import BROKEN_AGENTS
from tests.respond.broken_host_life import BREAKS, Break
from tests.respond.broken_store import BROKEN_STORE
from tests.respond.host_life import HostLife, MemoryLife

pytestmark = [pytest.mark.usefixtures("fresh_runs"), pytest.mark.no_cover]
NIGHTLY = settings.get_current_profile_name() == "nightly"
STORE = [one for one in BROKEN_STORE if NIGHTLY or not one.rare]
# By chance, but by the same chance each time: no run fails for bad luck.
_FINDING = settings(
    max_examples=200,
    stateful_step_count=10,
    deadline=None,
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("broken", [*BREAKS, *BROKEN_AGENTS], ids=lambda one: one.name)
def test_the_machine_finds_each_fault(broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    broken.does(monkeypatch)
    with pytest.raises(AssertionError, match=broken.found):
        run_state_machine_as_test(MemoryLife, settings=_FINDING)


@pytest.mark.parametrize("broken", STORE, ids=lambda one: one.name)
def test_it_finds_each_fault_of_the_store(broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    broken.does(monkeypatch)
    with pytest.raises(AssertionError, match=broken.found):
        run_state_machine_as_test(HostLife, settings=settings(_FINDING, max_examples=100))
