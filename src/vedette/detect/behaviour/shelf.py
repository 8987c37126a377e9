"""What a host is known for, as fingerprints with the snapshot that last showed each: thousands of them, cheap to keep."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

__all__ = ["Shelf"]

_LATEST = 2**32 - 1


class Shelf(AbstractSet[int]):
    """A set of fingerprints below 2**64, each with the number of the snapshot that last showed it (below 2**32).

    It is kept as two arrays, sorted by fingerprint: to load it, to save it and to bring hundreds of entries up to date
    costs a few microseconds, however many there are.
    """

    __slots__ = ("_keys", "_seen", "_view")

    def __init__(self, seen: Mapping[int, int] | None = None) -> None:
        self._set(np.empty(0, np.uint64), np.empty(0, np.uint32))
        for count in sorted(set((seen or {}).values())):
            self.touch((key for key, at in (seen or {}).items() if at == count), count)

    @classmethod
    def load(cls, raw: Any) -> "Shelf":
        """From what `dump` gave, or from a map as earlier versions wrote it. Raises ValueError when it is neither."""
        shelf = cls()
        if isinstance(raw, dict):
            seen = {k: min(max(v, 0), _LATEST) for k, v in raw.items() if 0 <= k < 2**64}
            return cls(seen)
        many, rest = divmod(len(raw), 12)
        keys = np.frombuffer(raw, np.dtype("<u8"), many).astype(np.uint64)
        if rest or not (keys[1:] > keys[:-1]).all():
            raise ValueError("no fingerprints in order")
        shelf._set(keys, np.frombuffer(raw, np.dtype("<u4"), many, 8 * many).astype(np.uint32))
        return shelf

    def dump(self) -> bytes:
        """As bytes, the same on every machine."""
        return bytes(self._keys.astype("<u8").tobytes() + self._seen.astype("<u4").tobytes())

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, int):
            return False
        at = bisect_left(self._view, key)
        return at < len(self._view) and bool(self._view[at] == key)

    def __iter__(self) -> Iterator[int]:
        return iter(self._keys.tolist())

    def __len__(self) -> int:
        return len(self._view)

    def holds(self, keys: Iterable[int]) -> list[bool]:
        """Whether each of these is here."""
        asked = np.fromiter(keys, np.uint64)
        if not len(self._view):
            return [False] * len(asked)
        found: list[bool] = (self._keys[self._places(asked)] == asked).tolist()
        return found

    def touch(self, keys: Iterable[int], count: int) -> None:
        """Says that snapshot `count` showed these, whether they were here or not."""
        shown = np.fromiter(keys, np.uint64)
        if not len(shown):
            return
        if len(self._view):
            places = self._places(shown)
            here = self._keys[places] == shown
            self._seen[places[here]] = count
            shown = shown[~here]
        if len(shown):
            new = np.unique(shown)
            keys_now = np.concatenate([self._keys, new])
            order = np.argsort(keys_now, kind="stable")
            seen = np.concatenate([self._seen, np.full(len(new), count, np.uint32)])
            self._set(keys_now[order], seen[order])

    def trim(self, most: int) -> None:
        """Forgets those not shown for longest when there are more than `most`: a tenth at once, so that it is rare."""
        if len(self._view) <= most:
            return
        latest = np.lexsort((self._keys, -self._seen.astype(np.int64)))[: most - most // 10]
        kept = np.sort(latest)
        self._set(self._keys[kept], self._seen[kept])

    def _places(self, keys: Any) -> Any:
        return np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)

    def _set(self, keys: Any, seen: Any) -> None:
        self._keys, self._seen = keys, seen
        self._view = memoryview(keys)
