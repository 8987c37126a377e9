"""How much of what is behind goes into one batch."""

from hypothesis import given
from hypothesis import strategies as st

from vedette.queue.pace import LEAST, Pace


@given(each=st.floats(1e-5, 1.0), fixed=st.floats(0, 0.1))
def test_full_batches_come_to_last_about_as_long_as_asked(each: float, fixed: float) -> None:
    pace = Pace(0.05)
    for _ in range(200):
        pace.note(pace.limit, fixed + each * pace.limit)
    lasts = fixed + each * pace.limit
    assert pace.limit >= LEAST
    assert lasts <= 0.05 * 1.2 or pace.limit <= LEAST + 1
    assert lasts >= 0.05 * 0.5 or pace.limit == 1024


def test_what_did_not_fill_a_batch_says_nothing_of_its_limit() -> None:
    pace = Pace(0.05)
    pace.note(1, 0.001)
    assert pace.limit == LEAST
