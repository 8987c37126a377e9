"""The ids that a table had when it was last read, in order and end to end, beside those that it has now."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detect.rowid import ID_BYTES

__all__ = ["Turnover", "turnover"]

_ID = np.dtype(f"V{ID_BYTES}")
Ids = NDArray[np.void]
_MANY = 100  # ids from which on arrays are sooner done than sets


class Turnover(NamedTuple):
    """What came, as a place in the ids now for each; what went; and all that are there after, as they are kept.

    Both in the order of their ids, and none twice.
    """

    came: Sequence[int]
    went: Sequence[bytes]
    after: bytes


def turnover(held: bytes, ids: Sequence[bytes], *, partly: bool = False) -> Turnover:
    """Compares ids kept with those now. Of a table that was read only `partly`, nothing went."""
    if len(ids) < _MANY or not held or len(held) % ID_BYTES:
        return _of_sets(held, ids, partly=partly)
    data = b"".join(ids)
    before, now = np.frombuffer(held, _ID), np.frombuffer(data, _ID)
    (old, old_tails), (keys, tails) = _parts(held), _parts(data)
    if not (old[1:] > old[:-1]).all():
        return _of_sets(held, ids, partly=partly)
    order = np.argsort(keys)
    keys, tails = keys[order], tails[order]
    twins = keys[1:] == keys[:-1]
    if (tails[1:] != tails[:-1])[twins].any():
        # Two that differ in their last bytes alone, which hardly happens unless somebody seeks it.
        return _of_sets(held, ids, partly=partly)
    first = np.append(True, ~twins)
    order, keys, tails = order[first], keys[first], tails[first]
    places = np.minimum(np.searchsorted(old, keys), len(old) - 1)
    here = old[places] == keys
    if (old_tails[places] != tails)[here].any():
        return _of_sets(held, ids, partly=partly)
    stays = np.full(len(before), partly)
    stays[places[here]] = True
    if here.all() and stays.all():
        return Turnover((), (), held)
    came = order[~here]
    return Turnover(came.tolist(), before[~stays].tolist(), _merged(before[stays], now[came]))


def _parts(ids: bytes) -> tuple[NDArray[np.uint64], NDArray[np.uint16]]:
    """The first eight bytes of each as a number, by which ids are in order, and the last two."""
    many, apart = len(ids) // ID_BYTES, (ID_BYTES,)
    heads = np.ndarray((many,), ">u8", ids, 0, apart).astype(np.uint64)
    return heads, np.ndarray((many,), "<u2", ids, 8, apart).astype(np.uint16)


def _merged(kept: Ids, came: Ids) -> bytes:
    both = np.concatenate([kept, came])
    heads, _ = _parts(both.tobytes())
    return both[np.argsort(heads)].tobytes()


def _of_sets(held: bytes, ids: Sequence[bytes], *, partly: bool) -> Turnover:
    before: list[bytes] = np.frombuffer(held, _ID, len(held) // ID_BYTES).tolist()
    places = dict(zip(ids, range(len(ids)), strict=True))
    new = sorted(places.keys() - before)
    gone = [] if partly else sorted({key for key in before if key not in places})
    if not new and not gone:
        return Turnover((), (), held)
    left = set(gone)
    after = b"".join(sorted([*(key for key in before if key not in left), *new]))
    return Turnover([places[key] for key in new], gone, after)
