"""Which signatures were seen: each is accepted once."""

import hashlib

from vedette.core import Unauthenticated, Unavailable

__all__ = ["NonceMemory"]

_SLICE = 60


class NonceMemory:
    """Remembers (key, nonce) for as long as its signature would pass as fresh, in slices of a minute.

    As fresh by the wall clock and by the time that really passed: a clock that runs ahead for a while makes nothing be
    forgotten early, and one set back keeps what it will find fresh again. Bounded: when it is full, requests are refused rather than old nonces forgotten. It lives in memory, so after a restart
    the door refuses signatures that were made before (see `Gate`). Not thread-safe: for one event loop.
    """

    def __init__(self, *, freshness: int, limit: int) -> None:
        self._freshness = freshness
        self._limit = limit
        self._slices: dict[int, set[bytes]] = {}
        self._until: dict[int, float] = {}
        self._count = 0

    def use(self, keyid: str, nonce: str, *, created: int, now: float, monotonic: float) -> None:
        """Takes the nonce. `now` is by the wall clock, as `created` is.

        Raises:
            Unauthenticated: (reused-nonce) it was taken before.
            Unavailable: the memory is full.
        """
        self._forget(now, monotonic)
        # keyid can't hold a NUL, so two pairs never read the same.
        mark = hashlib.blake2b(f"{keyid}\0{nonce}".encode(), digest_size=16).digest()
        # One pair may come with several times of signing; each is a signature of its own but the nonce is the same.
        if any(mark in seen for seen in self._slices.values()):
            raise Unauthenticated(
                "this nonce was used before; sign each request anew", kind="reused-nonce"
            )
        if self._count >= self._limit:
            raise Unavailable("too many requests to remember", retry_after=_SLICE)
        index = created // _SLICE
        self._slices.setdefault(index, set()).add(mark)
        until = monotonic + created - now + self._freshness
        self._until[index] = max(until, self._until.get(index, until))
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def _forget(self, now: float, monotonic: float) -> None:
        oldest = int(now - self._freshness) // _SLICE
        for index in [
            index for index, until in self._until.items() if index < oldest and until < monotonic
        ]:
            self._count -= len(self._slices.pop(index))
            del self._until[index]
