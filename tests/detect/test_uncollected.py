"""A step is not interrupted by the collector, which is left as it was."""

import gc
from collections.abc import Iterator

import pytest
from tests.fixtures.quiet_host import quiet_snapshots

from vedette.core import Epoch
from vedette.detect import Arrival, Bundle, Detector
from vedette.detect.uncollected import collected_seldom, uncollected


@pytest.fixture(autouse=True)
def _left_on() -> Iterator[None]:
    assert gc.isenabled()
    thresholds = gc.get_threshold()
    yield
    gc.enable()
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_collector_is_off_within_a_step_and_on_after_it() -> None:
    seen: list[bool] = []
    detector = Detector(Bundle.shipped(), listen=lambda *_: seen.append(gc.isenabled()))
    arrivals = [Arrival(epoch=Epoch("e"), snapshot=one) for one in quiet_snapshots(2)]
    detector.step(arrivals, {})
    assert seen == [False, False]
    assert gc.isenabled()


def _fail() -> None:
    assert not gc.isenabled()
    raise ZeroDivisionError


def test_collector_is_on_again_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), uncollected():
        _fail()
    assert gc.isenabled()


def test_whoever_keeps_the_collector_off_finds_it_off() -> None:
    gc.disable()
    with uncollected():
        assert not gc.isenabled()
    assert not gc.isenabled()


def test_what_a_process_began_with_is_not_looked_through_and_the_rest_seldom() -> None:
    collected_seldom()
    assert gc.get_freeze_count() > 1_000
    assert gc.get_threshold()[0] == 10_000
    assert gc.isenabled()
