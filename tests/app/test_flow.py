"""How fast snapshots leave the queue, told by looks at it."""

import pytest

from vedette.app.flow import FlowMeter


def test_what_is_completed_is_what_went_in_and_is_no_longer_there() -> None:
    meter = FlowMeter()
    flow = meter.note(0.0, 0, 0)
    for second in range(1, 31):
        # 50 a second go in, 30 come out.
        flow = meter.note(float(second), second * 20, second * 50)
    assert flow.depth == 600
    assert flow.completed == pytest.approx(30.0, rel=0.01)


def test_what_others_put_in_never_counts_as_less_than_nothing() -> None:
    meter = FlowMeter()
    meter.note(0.0, 0, 0)
    assert meter.note(1.0, 500, 0).completed == 0.0


def test_a_clock_that_stands_still_is_no_division_by_nothing() -> None:
    meter = FlowMeter()
    meter.note(1.0, 5, 5)
    assert meter.note(1.0, 4, 5).completed == 0.0
