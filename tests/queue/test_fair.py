"""How a batch is shared out among lanes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from vedette.queue.fair import Head, share_of, take_turns

_SIZES = st.lists(st.lists(st.integers(0, 100), max_size=8), max_size=6)


def _heads(sizes: list[list[int]]) -> list[list[Head]]:
    return [
        [Head(lane=lane, position=n, size=size) for n, size in enumerate(column)]
        for lane, column in enumerate(sizes)
    ]


@given(sizes=_SIZES, limit=st.integers(1, 20), most=st.integers(1, 300))
def test_a_batch_keeps_its_bounds_and_gives_no_lane_more_than_one_above_another(
    sizes: list[list[int]], limit: int, most: int
) -> None:
    taken = take_turns(_heads(sizes), limit, max_bytes=most)
    assert len(taken) <= limit
    assert len(taken) == 1 or sum(head.size for head in taken) <= most or not taken
    assert bool(taken) == any(sizes)
    counts = Counter(head.lane for head in taken)
    for lane, column in enumerate(sizes):
        assert [h.position for h in taken if h.lane == lane] == list(range(counts[lane]))
        if counts[lane] < len(column):
            assert max(counts.values()) <= counts[lane] + 1


@given(limit=st.integers(1, 1000), lanes=st.integers(1, 1000))
def test_shares_fill_the_limit(limit: int, lanes: int) -> None:
    assert share_of(limit, lanes) * lanes >= limit
    assert (share_of(limit, lanes) - 1) * lanes < limit
