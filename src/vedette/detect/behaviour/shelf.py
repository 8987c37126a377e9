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

    __slots__ = ("_keys", "_many", "_raw", "_seen", "_view")

    def __init__(self, seen: Mapping[int, int] | None = None) -> None:
        self._raw: bytes | None = b""
        self._many = 0
        for count in sorted(set((seen or {}).values())):
            self.touch((key for key, at in (seen or {}).items() if at == count), count)

    @classmethod
    def load(cls, raw: Any) -> "Shelf":
        """From what `dump` gave, or from a map as earlier versions wrote it. Raises ValueError when it is neither."""
        if isinstance(raw, dict):
            seen = {k: min(max(v, 0), _LATEST) for k, v in raw.items() if 0 <= k < 2**64}
            return cls(seen)
        shelf = cls()
        shelf._raw = raw
        shelf._many, rest = divmod(len(raw), 12)
        if rest:
            raise ValueError("no fingerprints with their snapshots")
        return shelf

    def dump(self) -> bytes:
        """As bytes, the same on every machine."""
        if self._raw is None:
            self._raw = bytes(
                self._keys.astype("<u8").tobytes() + self._seen.astype("<u4").tobytes()
            )
        return self._raw

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, int) or not self._many:
            return False
        view = self._open()
        at = bisect_left(view, key)
        return at < self._many and bool(view[at] == key)

    def __iter__(self) -> Iterator[int]:
        return iter(self._open().tolist() if self._many else ())

    def __len__(self) -> int:
        return self._many

    def holds(self, keys: Iterable[int]) -> list[bool]:
        """Whether each of these is here."""
        return [key in self for key in keys]

    def touch(self, keys: Iterable[int], count: int) -> None:
        """Says that snapshot `count` showed these, whether they were here or not."""
        shown = np.fromiter(keys, np.uint64)
        if not len(shown):
            return
        self._open()
        if self._many:
            places = np.minimum(np.searchsorted(self._keys, shown), self._many - 1)
            here = self._keys[places] == shown
            self._seen[places[here]] = count
            self._raw = None
            shown = shown[~here]
        if len(shown):
            new = np.unique(shown)
            keys_now = np.concatenate([self._keys, new])
            order = np.argsort(keys_now, kind="stable")
            seen = np.concatenate([self._seen, np.full(len(new), count, np.uint32)])
            self._set(keys_now[order], seen[order])

    def trim(self, most: int) -> None:
        """Forgets those not shown for longest when there are more than `most`: a tenth at once, so that it is rare."""
        if self._many <= most:
            return
        self._open()
        latest = np.lexsort((self._keys, -self._seen.astype(np.int64)))[: most - most // 10]
        kept = np.sort(latest)
        self._set(self._keys[kept], self._seen[kept])

    def _open(self) -> "memoryview[int]":
        """Most shelves are only carried from one snapshot to the next, so the arrays are made when they are needed."""
        if not hasattr(self, "_view"):
            raw = self.dump()
            self._keys = np.frombuffer(raw, np.dtype("<u8"), self._many).astype(np.uint64)
            self._seen = np.frombuffer(raw, np.dtype("<u4"), self._many, 8 * self._many).astype(
                np.uint32
            )
            if not (self._keys[1:] > self._keys[:-1]).all():
                raise ValueError("fingerprints out of order")
            self._view = memoryview(self._keys.data)
        return self._view

    def _set(self, keys: Any, seen: Any) -> None:
        self._keys, self._seen, self._many = keys, seen, len(keys)
        self._view = memoryview(keys.data)
        self._raw = None
