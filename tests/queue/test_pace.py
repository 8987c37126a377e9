"""How much of what is behind goes into one batch."""

from hypothesis import given
from hypothesis import strategies as st

from vedette.queue.pace import LEAST, Pace


@given(each=st.floats(1e-5, 1.0), fixed=st.floats(0, 0.1))
def test_full_batches_come_to_last_as_long_as_asked_or_twice_as_long_as_small_ones(
    each: float, fixed: float
) -> None:
    pace = Pace(0.05)
    for _ in range(200):
        pace.note(1, fixed + each, behind=False)
        pace.note(pace.limit, fixed + each * pace.limit, behind=True)
    lasts, asked = fixed + each * pace.limit, max(0.05, 2 * (fixed + each))
    assert pace.limit >= LEAST
    assert lasts <= asked * 1.3 or pace.limit <= LEAST + 1
    assert lasts >= asked * 0.5 or pace.limit == 1024


def test_what_did_not_fill_a_batch_says_nothing_of_its_limit() -> None:
    pace = Pace(0.05)
    pace.note(1, 0.001, behind=True)
    assert pace.limit == LEAST


def test_where_a_small_batch_takes_long_already_more_is_done_in_one() -> None:
    slow, fast = Pace(0.05), Pace(0.05)
    for _ in range(100):
        for pace, fixed in ((slow, 0.1), (fast, 0.0)):
            pace.note(1, fixed + 0.002, behind=False)
            pace.note(pace.limit, fixed + 0.002 * pace.limit, behind=True)
    assert slow.limit > fast.limit
