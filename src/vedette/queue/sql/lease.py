"""Leases of lanes: taking them in turns, keeping them, giving them back.

The lease's secret is made anew for each poll, and every later step compares it: a consumer that was believed dead and
comes back finds another secret and changes nothing (a fencing token). A lane's row is always locked before its messages.
"""

import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    true,
    update,
)

from vedette.core import Epoch, HostId, Identity, Message, TenantId, Unavailable
from vedette.queue.fair import MAX_READY, Head, Ready, Turns
from vedette.queue.port import Delivery
from vedette.queue.sql.database import Database
from vedette.queue.sql.instant import from_micros
from vedette.queue.sql.schema import lanes, messages

__all__ = ["Leases", "lane_of", "leases_that_hold", "remove"]

_LAST_LANE: Final = 2**63 - 1

_Owner = tuple[str, str]
"""A lane's tenant and host."""


class Leases:
    """Takes lanes for one consumer; remembers whose turn it was."""

    def __init__(self, database: Database, *, max_batch_bytes: int) -> None:
        self._database = database
        self._turns = Turns(max_batch_bytes)

    def take(
        self, limit: int, behind_limit: int, *, now: int, until: int, horizon: int
    ) -> list[Delivery]:
        """First looks without a lock, so that idle consumers disturb nobody; then takes what is still free.

        A lease or hold that ends after `horizon` counts as none: it was made before the clock was set back.
        """
        with self._database.read() as connection:
            ready = self._ready(connection, now, horizon)
        if not ready:
            return []
        wanted = self._turns.candidates(ready, limit, behind_limit)
        with self._database.write() as connection:
            owners = _lock_free(connection, [lane.lane for lane in wanted], now, horizon)
            free = [lane for lane in wanted if lane.lane in owners]
            taken = self._turns.choose(free, limit, behind_limit, partial(self._heads, connection))
            if not taken:
                return []
            counts = Counter(head.lane for head in taken)
            secret = secrets.token_hex(16)
            _lease(connection, counts, secret, until)
            return _deliver(connection, [head.position for head in taken], owners, secret)

    def _ready(self, connection: Connection, now: int, horizon: int) -> list[Ready]:
        """Free lanes that have messages, as many as one poll looks at, from where the last look ended."""
        last = self._turns.looked_until
        ready: list[Ready] = []
        for after, upto in ((last, _LAST_LANE), (0, last)):
            if upto and len(ready) < MAX_READY:
                bounds = {"after": after, "upto": upto, "room": MAX_READY - len(ready)}
                times = {"now": now, "horizon": horizon}
                ready += [
                    Ready(lane=lane, tenant=tenant, behind=bool(behind))
                    for lane, tenant, behind in connection.execute(_READY, bounds | times)
                ]
        return ready

    def _heads(
        self, connection: Connection, ready: Sequence[int], share: int
    ) -> dict[int, list[Head]]:
        heads = _heads_in_postgresql if self._database.is_postgresql else _heads_in_sqlite
        fronts: dict[int, list[Head]] = defaultdict(list)
        for lane, position, size in connection.execute(heads(ready, share)):
            fronts[lane].append(Head(lane=lane, position=position, size=size))
        return {lane: sorted(front, key=attrgetter("position")) for lane, front in fronts.items()}


def _ready_lanes() -> Select[int, str, int]:
    """Hops from lane to lane through the index, and stops at `room`: cheap however much waits in each lane.

    Condition and columns are scalar subqueries because a join could be turned round, and then visit every lane.
    """
    upto: BindParameter[int] = bindparam("upto")
    waiting = (
        select(func.min(messages.c.lane_id).label("id"))
        .where(messages.c.lane_id > bindparam("after"), messages.c.lane_id <= upto)
        .cte("waiting", recursive=True)
    )
    following = (
        select(func.min(messages.c.lane_id))
        .where(messages.c.lane_id > waiting.c.id, messages.c.lane_id <= upto)
        .scalar_subquery()
    )
    waiting = waiting.union_all(select(following).where(waiting.c.id.is_not(None)))
    free = (
        select(_free(bindparam("now"), bindparam("horizon")))
        .where(lanes.c.id == waiting.c.id)
        .scalar_subquery()
    )
    tenant = select(lanes.c.tenant).where(lanes.c.id == waiting.c.id).scalar_subquery()
    behind = (
        select(messages.c.behind)
        .where(messages.c.lane_id == waiting.c.id)
        .order_by(messages.c.position)
        .limit(1)
        .scalar_subquery()
    )
    return select(waiting.c.id, tenant, behind).where(free).limit(bindparam("room"))


def _free(now: Any, horizon: Any) -> Any:
    return and_(
        *(
            or_(until <= now, until > horizon)
            for until in (lanes.c.leased_until, lanes.c.held_until)
        )
    )


_READY: Final = _ready_lanes()


def _lock_free(
    connection: Connection, ready: Sequence[int], now: int, horizon: int
) -> dict[int, _Owner]:
    """Those still free, passing over the ones that another consumer is taking (SQLite has no such others)."""
    rows = connection.execute(
        select(lanes.c.id, lanes.c.tenant, lanes.c.host)
        .where(lanes.c.id.in_(ready), _free(now, horizon))
        .with_for_update(skip_locked=True)
    )
    return {lane: (tenant, host) for lane, tenant, host in rows}


def _heads_in_postgresql(ready: Sequence[int], share: int) -> Select[Any]:
    head = (
        select(messages.c.position, func.octet_length(messages.c.body).label("size"))
        .where(messages.c.lane_id == lanes.c.id)
        .order_by(messages.c.position)
        .limit(share)
        .lateral("head")
    )
    return (
        select(lanes.c.id, head.c.position, head.c.size)
        .join_from(lanes, head, true())
        .where(lanes.c.id.in_(ready))
    )


def _heads_in_sqlite(ready: Sequence[int], share: int) -> Select[Any]:
    front = messages.alias("front")
    first = (
        select(front.c.position)
        .where(front.c.lane_id == lanes.c.id)
        .order_by(front.c.position)
        .limit(share)
        .correlate(lanes)
    )
    return (
        select(lanes.c.id, messages.c.position, func.length(messages.c.body))
        .join_from(lanes, messages, messages.c.position.in_(first))
        .where(lanes.c.id.in_(ready))
    )


def _lease(connection: Connection, counts: Mapping[int, int], secret: str, until: int) -> None:
    for count, numbers in _by_count(counts).items():
        connection.execute(
            update(lanes)
            .where(lanes.c.id.in_(numbers))
            .values(token=secret, leased_until=until, outstanding=count)
        )


def _deliver(
    connection: Connection, positions: Sequence[int], owners: Mapping[int, _Owner], secret: str
) -> list[Delivery]:
    rows = connection.execute(
        update(messages)
        .where(messages.c.position.in_(positions))
        .values(attempts=messages.c.attempts + 1)
        .returning(*messages.c)
    )
    try:
        deliveries = [_delivery(row, owners[row.lane_id], secret) for row in rows]
    except (KeyError, OverflowError, TypeError) as error:
        # SQLite keeps anything anywhere: a cell that was damaged is still a cell.
        raise Unavailable(
            f"a row of the queue is none any more ({error!r})",
            kind="damaged-data",
            retry_after=60.0,
        ) from error
    return sorted(deliveries, key=lambda delivery: delivery.position)


def _delivery(row: Row[Any], owner: _Owner, secret: str) -> Delivery:
    identity = Identity(
        tenant=TenantId(owner[0]), host=HostId(owner[1]), epoch=Epoch(row.epoch), seq=row.seq
    )
    message = Message(
        identity=identity,
        digest=row.digest,
        body=bytes(row.body),
        received_at=from_micros(row.received_at),
        behind=bool(row.behind),
    )
    return Delivery(
        message=message,
        token=f"{row.lane_id}.{secret}",
        attempts=row.attempts,
        position=row.position,
        replays=row.replays,
    )


def lane_of(delivery: Delivery) -> int:
    """The lane's number, which the token bears beside the lease's secret."""
    return int(delivery.token.partition(".")[0])


def leases_that_hold(connection: Connection, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Those whose lane still has this lease; their lanes are locked, in one order for all, until the transaction ends."""
    rows = connection.execute(
        select(lanes.c.id, lanes.c.token)
        .where(lanes.c.id.in_({lane_of(delivery) for delivery in deliveries}))
        .order_by(lanes.c.id)
        .with_for_update()
    )
    tokens = {f"{lane}.{secret}" for lane, secret in rows}
    return [delivery for delivery in deliveries if delivery.token in tokens]


def remove(connection: Connection, deliveries: Sequence[Delivery]) -> int:
    """Takes messages out of locked lanes, and frees each lane with its last outstanding one; how many were there."""
    gone = connection.execute(
        delete(messages)
        .where(messages.c.position.in_([delivery.position for delivery in deliveries]))
        .returning(messages.c.lane_id)
    ).scalars()
    counts = Counter(gone)
    for count, numbers in _by_count(counts).items():
        ended = lanes.c.outstanding <= count
        connection.execute(
            update(lanes)
            .where(lanes.c.id.in_(numbers))
            .values(
                outstanding=lanes.c.outstanding - count,
                token=case((ended, None), else_=lanes.c.token),
                leased_until=case((ended, 0), else_=lanes.c.leased_until),
            )
        )
    return counts.total()


def _by_count(counts: Mapping[int, int]) -> dict[int, list[int]]:
    """Lanes that share a count, so that they share a statement."""
    grouped: dict[int, list[int]] = {}
    for lane, count in counts.items():
        grouped.setdefault(count, []).append(lane)
    return grouped
