"""Scales: what an expert's nats are worth, from harmless events."""

from math import log

import numpy as np
import pytest

from vedette.detect import Scale
from vedette.learn.scales import fit_scale, peaks


def worth(scale: Scale, nats: float) -> float:
    return float(np.interp(nats, scale.at, scale.nats))


def test_without_data_the_odds_stand() -> None:
    assert worth(fit_scale([], 0.0, 0.2), 1.5) == pytest.approx(1.5)


def test_few_quiet_days_move_little() -> None:
    assert worth(fit_scale([-2.0], 0.1, 0.2), 0.0) == pytest.approx(0.0, abs=0.2)


def test_events_that_come_too_often_raise_the_threshold_to_their_rate() -> None:
    loud = fit_scale([2.5] * 40, 10.0, 0.2)
    assert worth(loud, 2.0) == pytest.approx(log(0.2 / (40.0 / 11.0)), abs=0.05)
    assert worth(loud, 2.0) < 0.0 < worth(loud, 4.0)


def test_the_tail_of_many_events_is_drawn_on() -> None:
    random = np.random.default_rng(3)
    drawn = list(random.exponential(2.0, 2_000) - 6.0)
    months, share = 10.0, 0.2
    scale = fit_scale(drawn, months, share)
    # 200 a month above -6, falling by e every two nats: a fifth of one a month is at -6 + 2 ln 1000.
    assert worth(scale, 2 * log(1_000) - 6.0) == pytest.approx(0.0, abs=0.8)


def test_long_silence_makes_no_voice_surer_than_two_nats_more() -> None:
    assert worth(fit_scale([], 1e6, 0.2), 1.0) == pytest.approx(3.0)


def test_what_is_near_in_time_is_one_event() -> None:
    assert peaks([(0.0, 1.0), (20.0, 3.0), (45.0, 2.0), (90.0, -1.0)]) == [3.0, -1.0]
