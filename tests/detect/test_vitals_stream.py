"""Many series at once: the same numbers as alone, causal, finite on anything, and the right metric named."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vedette.core import InvalidInput
from vedette.detect import VitalsStream

NAMES = ("a", "b", "c", "d", "still")


def walks(looks: int, hosts: int, *, seed: int = 5) -> NDArray[Any]:
    """[looks, hosts, 5]: two related metrics, two of their own, one constant; raw counters among them."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(looks, hosts, 4))
    rows = np.empty((looks, hosts, 5))
    rows[..., 0] = 10.0 + noise[..., 0]
    rows[..., 1] = 20.0 + 2.0 * noise[..., 0] + 0.1 * noise[..., 1]
    rows[..., 2] = 5e8 + 1e4 * noise[..., 2]
    rows[..., 3] = np.abs(noise[..., 3]) * 1e14
    rows[..., 4] = 7.0
    return rows


def scores(rows: NDArray[Any], stream: VitalsStream) -> NDArray[Any]:
    return np.array([stream.step(row).score for row in rows])


def test_a_crowd_of_hosts_gives_the_very_numbers_of_each_alone() -> None:
    rows = walks(90, 70)
    rows[40:60, 3, 1] = np.nan
    rows[50, 5, 2] = np.inf
    together = VitalsStream(NAMES, 70)
    crowd = scores(rows, together)
    for host in (0, 3, 5, 69):
        alone = VitalsStream(NAMES, 1)
        alone.banks.phase[:] = together.banks.phase[host]
        assert np.abs(scores(rows[:, [host]], alone)[:, 0] - crowd[:, host]).max() <= 1e-9


def test_what_comes_later_changes_no_score() -> None:
    rows = walks(120, 2)
    other = rows.copy()
    other[80:] *= 3.0
    one, two = scores(rows, VitalsStream(NAMES, 2)), scores(other, VitalsStream(NAMES, 2))
    assert (one[:80] == two[:80]).all()
    assert (one[80:] != two[80:]).any()


def test_a_broken_relation_is_strange_and_its_metrics_are_named() -> None:
    rows = walks(500, 3)
    rows[-1, 1, :2] = (12.0, 16.0)
    stream = VitalsStream(NAMES, 3)
    usual = scores(rows[:-1], stream)[300:].max()
    reading = stream.step(rows[-1])
    assert reading.score[1] > usual
    share = reading.shares()
    assert share.shape == (3, 5)
    assert share.sum(axis=1) == pytest.approx(1.0)
    assert share[1, :2].sum() > 0.8


def test_a_row_that_is_strange_for_long_alarms_only_the_host_it_is_of() -> None:
    rows = walks(700, 2)
    rows[650:, 1, 0] += 40.0
    stream = VitalsStream(NAMES, 2)
    alarms = np.array([stream.step(row).alarm for row in rows])
    assert not alarms[:500].any()
    assert alarms[650:660, 1].any()
    assert not alarms[650:660, 0].any()


def test_rows_of_another_shape_are_refused() -> None:
    with pytest.raises(InvalidInput, match="shape"):
        VitalsStream(NAMES, 2).step(np.zeros((2, 4)))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.floats(), min_size=3, max_size=3), st.floats(0.0, 1e9)),
        min_size=1,
        max_size=50,
    )
)
def test_no_number_makes_a_score_that_is_none(some: list[tuple[list[float], float]]) -> None:
    stream = VitalsStream(("a", "b", "c"), 2)
    for row, minutes in some:
        reading = stream.step(np.array([row, [1.0, 2.0, 3.0]]), minutes)
        assert np.isfinite(reading.score).all()
        assert np.isfinite(reading.shares()).all()
