"""Memory and file systems that are nearly full, on hosts whose past says nothing against it."""

from itertools import chain

import pytest
from tests.contracts.expert_suite import run, views
from tests.detect.test_vitals import loud, with_metric

from vedette.detect.vitals import VitalsExpert

DISK, MEMORY = "system.filesystem.utilization", "system.memory.utilization"


def _fill(first: float, last: float, looks: int) -> list[float]:
    return [first + (last - first) * n / (looks - 1) for n in range(looks)]


@pytest.mark.no_cover
@pytest.mark.parametrize("metric", [DISK, MEMORY])
def test_what_fills_up_within_the_first_hours_of_a_host_is_told_before_it_is_full(
    metric: str,
) -> None:
    values = _fill(0.3, 0.995, 240)
    cases, _ = run(VitalsExpert({}), views(with_metric(metric, values)))
    assert 0.95 <= values[loud(cases)[0]] < 0.97
    assert loud(cases)[-1] == len(values) - 1
    case = max(cases[-1], key=lambda one: one.nats)
    assert case.nats > 0
    assert case.subject == f"metric:{metric}"
    assert "percent is left" in case.text
    assert case.expected


def test_one_spike_that_fills_the_memory_is_not_told() -> None:
    values = [*_fill(0.3, 0.5, 60), 0.99, *[0.5] * 5]
    cases, _ = run(VitalsExpert({}), views(with_metric(MEMORY, values)))
    assert not any("percent is left" in case.text for case in chain(*cases) if case.nats > 0)


def test_a_host_that_always_stood_at_97_percent_is_not_told() -> None:
    values = [0.97 + 0.005 * (n % 3) for n in range(120)]
    cases, _ = run(VitalsExpert({}), views(with_metric(DISK, values)))
    assert not loud(cases)
