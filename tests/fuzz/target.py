"""What is fuzzed: a check that takes any bytes, and where to start from."""

from collections.abc import Callable, Collection
from random import Random
from typing import NamedTuple, Self

from vedette.core import VedetteError

__all__ = ["Target", "refusing"]


class Target(NamedTuple):
    """`check` raises for a defect only. `seeds` are inputs that go deep, `words` what such inputs are made of.

    `mutate` changes an input as its structure allows; without it bytes are changed. `rss_mib` is what the whole process may
    hold, of which some 80 MiB are there before the first input.
    """

    name: str
    check: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    mutate: Callable[[bytes, Random], bytes] | None = None
    rss_mib: int = 192
    max_len: int = 4096


class refusing:  # noqa: N801 - reads as a statement
    """Runs a block that may be refused in these kinds, and in no other way. `refused` tells whether it was."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = kinds
        self.refused = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, VedetteError):
            return False
        assert error.kind in self._kinds, f"refused as {error.kind}: {error.detail}"
        assert error.status in {400, 401, 413}
        assert 0 < len(error.detail) <= 1000
        self.refused = True
        return True
