"""Which waiting messages a poll takes: live before old, tenants in turn, within a tenant its hosts in turn.

What is live is the door's to say (`Message.behind`). Live lanes are served first, yet old ones keep a share of each batch,
so that neither a flood of spools nor a busy fleet stops the other.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from vedette.core import Record

__all__ = ["MAX_BATCH_BYTES", "MAX_READY", "Head", "Ready", "Turns", "take", "turns"]

MAX_BATCH_BYTES: Final = 32 * 1024 * 1024
"""Bodies in one batch, so that a consumer's memory is bounded; one message above it still goes, alone."""
MAX_READY: Final = 4096
"""Waiting lanes that one poll looks at; where there are more, the next poll looks further."""
_KEPT_SHARE: Final = 8
T = TypeVar("T")


class Ready(Record, frozen=True, kw_only=True):
    """A free lane in which something waits; `behind` is its first message's."""

    lane: int
    tenant: str
    behind: bool


class Head(Record, frozen=True, kw_only=True):
    """A message at the front of its lane; `size` is its body's, in bytes."""

    lane: int
    position: int
    size: int


Heads = Callable[[Sequence[int], int], Mapping[int, Sequence[Head]]]
"""The first so many messages of each of these lanes, in order."""


class Turns:
    """Remembers whose turn it was. For one consumer."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._last_lane: dict[tuple[bool, str], int] = {}
        self._last_tenant = {False: "", True: ""}
        self.looked_until = 0
        """The lane after which the next look begins where more wait than one poll looks at."""

    def candidates(self, ready: Sequence[Ready], limit: int, behind_limit: int) -> list[Ready]:
        """Those that a batch may come from, in the order of their turns: the live ones, then those behind."""
        if len(ready) == MAX_READY:
            self.looked_until = ready[-1].lane
        return [
            *self._in_turn(ready, limit, behind=False),
            *self._in_turn(ready, min(limit, behind_limit), behind=True),
        ]

    def choose(
        self, candidates: Sequence[Ready], limit: int, behind_limit: int, heads: Heads
    ) -> list[Head]:
        """At most `limit` messages, of which at most `behind_limit` of lanes that are behind.

        Where both kinds wait, an eighth of the limit (and of `behind_limit`, if that is less) is kept for what is behind.
        """
        live = [lane for lane in candidates if not lane.behind]
        old = [lane for lane in candidates if lane.behind] if behind_limit else []
        kept = min(behind_limit, max(1, limit // _KEPT_SHARE), limit - 1) if live and old else 0
        taken = self._share(live, limit - kept, self._max_bytes, heads)
        room = self._max_bytes - sum(head.size for head in taken)
        if room > 0:
            taken += self._share(old, min(behind_limit, limit - len(taken)), room, heads)
        served = {head.lane for head in taken}
        for lane in candidates:
            if lane.lane in served:
                self._last_lane[lane.behind, lane.tenant] = lane.lane
                self._last_tenant[lane.behind] = lane.tenant
        return taken

    def _in_turn(self, ready: Iterable[Ready], room: int, *, behind: bool) -> list[Ready]:
        """Tenants from the one after the last served on, each with its lanes from the one after its last on."""
        last = self._last_tenant[behind]
        lanes = sorted(
            (lane for lane in ready if lane.behind is behind),
            key=lambda lane: (
                lane.tenant <= last,
                lane.tenant,
                lane.lane <= self._last_lane.get((behind, lane.tenant), 0),
                lane.lane,
            ),
        )
        return [lane for lane, _ in zip(turns(_by_tenant(lanes)), range(room), strict=False)]

    @staticmethod
    def _share(lanes: Sequence[Ready], limit: int, max_bytes: int, heads: Heads) -> list[Head]:
        if not lanes or limit < 1:
            return []
        tenants = _by_tenant(lanes)
        fronts: dict[int, Sequence[Head]] = {}
        for of_tenant in tenants:
            share = _rounded_up(_rounded_up(limit, len(tenants)), len(of_tenant))
            fronts |= heads([lane.lane for lane in of_tenant], share)
        in_turn = turns(turns(fronts.get(lane.lane, ()) for lane in tenant) for tenant in tenants)
        return take(in_turn, limit, max_bytes=max_bytes)


def turns(queues: Iterable[Iterable[T]]) -> Iterator[T]:
    """One of each, then a second of each, until all are empty; the order within each is kept."""
    waiting = [iter(queue) for queue in queues]
    while waiting:
        further = []
        for queue in waiting:
            for item in queue:
                yield item
                further.append(queue)
                break
        waiting = further


def take(heads: Iterable[Head], limit: int, *, max_bytes: int) -> list[Head]:
    """The first ones, as many as the limit and the bytes have room for; at least one."""
    taken: list[Head] = []
    room = max_bytes
    for head in heads:
        room -= head.size
        if len(taken) == limit or (taken and room < 0):
            break
        taken.append(head)
    return taken


def _by_tenant(lanes: Iterable[Ready]) -> list[list[Ready]]:
    tenants: dict[str, list[Ready]] = {}
    for lane in lanes:
        tenants.setdefault(lane.tenant, []).append(lane)
    return list(tenants.values())


def _rounded_up(count: int, parts: int) -> int:
    return -(-count // parts)
