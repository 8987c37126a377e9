"""What came and went of a table's ids is what sets of them say, however many there are and whatever they are."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from vedette.detect.roll import turnover
from vedette.detect.rowid import ID_BYTES


def _ids(many: int, seed: int, *, near: bool) -> list[bytes]:
    """Ids out of some hundreds, some of them twice; where they are `near`, many differ in their last bytes alone."""
    random = Random(seed)
    heads = [(at % 41 if near else at) for at in random.choices(range(400), k=many)]
    return [
        bytes([head % 256]) * (ID_BYTES - 2) + bytes([head >> 8, random.randrange(3) * near])
        for head in heads
    ]


_IDS = st.builds(_ids, st.integers(0, 250), st.integers(0, 2**32), near=st.booleans())


@given(_IDS, _IDS, st.booleans())
def test_ids_that_came_and_went_are_those_that_sets_tell(
    before: list[bytes], now: list[bytes], partly: bool
) -> None:
    held = b"".join(sorted(set(before)))
    came, went, after = turnover(held, now, partly=partly)
    assert [now[at] for at in came] == sorted({*now} - {*before})
    assert list(went) == ([] if partly else sorted({*before} - {*now}))
    kept = {*before} if partly else {*before} & {*now}
    assert after == b"".join(sorted({*now} | kept))


@given(_IDS)
def test_the_same_ids_in_another_order_change_nothing(ids: list[bytes]) -> None:
    held = b"".join(sorted(set(ids)))
    assert turnover(held, ids[::-1]) == ((), (), held)
