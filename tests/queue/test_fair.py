"""How a batch is shared out among tenants and lanes, live and behind."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from vedette.queue.fair import MAX_READY, Head, Ready, Turns, take, turns

_SIZES = st.lists(st.lists(st.integers(0, 100), max_size=8), max_size=6)
_LANES = st.lists(
    st.tuples(st.sampled_from("tuv"), st.booleans(), st.integers(1, 8)), min_size=1, max_size=12
)


def _heads(sizes: list[list[int]]) -> list[list[Head]]:
    return [
        [Head(lane=lane, position=n, size=size) for n, size in enumerate(column)]
        for lane, column in enumerate(sizes)
    ]


@given(sizes=_SIZES, limit=st.integers(1, 20), most=st.integers(1, 300))
def test_a_batch_keeps_its_bounds_and_gives_no_lane_more_than_one_above_another(
    sizes: list[list[int]], limit: int, most: int
) -> None:
    taken = take(turns(_heads(sizes)), limit, max_bytes=most)
    assert len(taken) <= limit
    assert len(taken) == 1 or sum(head.size for head in taken) <= most or not taken
    assert bool(taken) == any(sizes)
    counts = Counter(head.lane for head in taken)
    for lane, column in enumerate(sizes):
        assert [h.position for h in taken if h.lane == lane] == list(range(counts[lane]))
        if counts[lane] < len(column):
            assert max(counts.values()) <= counts[lane] + 1


@given(lanes=_LANES, limit=st.integers(1, 20), behind_limit=st.integers(1, 20))
def test_live_and_behind_keep_their_bounds_and_neither_starves(
    lanes: list[tuple[str, bool, int]], limit: int, behind_limit: int
) -> None:
    ready = [Ready(lane=n, tenant=t, behind=b) for n, (t, b, _) in enumerate(lanes, 1)]
    waits = {n: waiting for n, (_, _, waiting) in enumerate(lanes, 1)}

    def heads(wanted: Sequence[int], share: int) -> dict[int, list[Head]]:
        return {
            lane: [Head(lane=lane, position=n, size=1) for n in range(min(share, waits[lane]))]
            for lane in wanted
        }

    chooser = Turns(1_000)
    candidates = chooser.candidates(ready, limit, behind_limit)
    taken = chooser.choose(candidates, limit, behind_limit, heads)
    behind = {lane.lane for lane in ready if lane.behind}
    live = {lane.lane for lane in ready} - behind
    of_behind = sum(head.lane in behind for head in taken)
    assert 1 <= len(taken) <= limit
    assert of_behind <= behind_limit
    if live:
        assert len(taken) > of_behind
    if behind and (limit > 1 or not live):
        assert of_behind


@given(
    lanes=st.lists(st.tuples(st.sampled_from("tu"), st.booleans()), min_size=1, max_size=8),
    limit=st.integers(2, 4),
)
def test_every_lane_comes_to_its_turn(lanes: list[tuple[str, bool]], limit: int) -> None:
    ready = [Ready(lane=n, tenant=t, behind=b) for n, (t, b) in enumerate(lanes, 1)]
    chooser = Turns(1_000)
    served: set[int] = set()
    for _ in range(2 * len(lanes)):
        candidates = chooser.candidates(ready, limit, limit)
        served |= {
            head.lane
            for head in chooser.choose(
                candidates,
                limit,
                limit,
                lambda wanted, _: {lane: [Head(lane=lane, position=1, size=1)] for lane in wanted},
            )
        }
    assert served == {lane.lane for lane in ready}


def test_where_more_wait_than_one_poll_looks_at_the_next_one_looks_further() -> None:
    served = Turns(10**9)
    most = [Ready(lane=lane, tenant="t", behind=False) for lane in range(MAX_READY)]
    assert len(served.candidates(most, 5, 5)) >= 5
    assert served.looked_until == MAX_READY - 1
