"""The queue on SQLite or PostgreSQL: each public method is one short transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, func, select, update

from vedette.core import Clock, HostId, Message, TenantId
from vedette.queue.fair import MAX_BATCH_BYTES
from vedette.queue.port import (
    DEAD_LETTER_BYTES,
    DEAD_LETTER_RETENTION,
    EVERY,
    LONGEST_WAIT_SECONDS,
    Appended,
    DeadLetter,
    Delivery,
    Selection,
    Stats,
    Used,
    check_appendable,
    plain,
    refuse_lost,
)
from vedette.queue.sql.append import Appender
from vedette.queue.sql.database import Database
from vedette.queue.sql.forgotten import Forgotten
from vedette.queue.sql.graveyard import Graveyard
from vedette.queue.sql.instant import in_micros, to_micros
from vedette.queue.sql.lease import Leases, lane_of, leases_that_hold, remove
from vedette.queue.sql.schema import (
    accepted,
    dead_letters,
    ensure_schema,
    lanes,
    messages,
    version_table,
)

__all__ = ["SqlQueue"]

_LARGEST_BATCH: Final = 900
"""Messages in one poll, whatever is asked: values that every SQLite binds in one statement."""
_PRUNED_AT_ONCE: Final = 1_000


class SqlQueue:
    """At least once, ordered per lane, on disk when `append` returns.

    SQLite: WAL, synchronous=FULL, one writer at a time. PostgreSQL: synchronous_commit=on, several appenders and
    consumers side by side. Leases are measured by the passed-in clock's wall time, so consumers on several machines
    need clocks that agree to well within a lease; one that is off takes lanes too early or late, and fencing keeps that
    harmless.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        retention: timedelta = timedelta(days=7),
        dead_letter_retention: timedelta = DEAD_LETTER_RETENTION,
        dead_letter_bytes: int = DEAD_LETTER_BYTES,
        max_batch_bytes: int = MAX_BATCH_BYTES,
    ) -> None:
        """Connects, and makes the tables where there are none.

        Raises:
            ConfigError: the URL, the file or the version of the tables can't be used.
            Unavailable: the database doesn't answer.
        """
        self._clock = clock
        self._retention = retention
        self._dead_letter_retention = dead_letter_retention
        self._database = Database(url)
        self._forgotten = Forgotten(self._database)
        self._appender = Appender(self._database, self._forgotten)
        self._graveyard = Graveyard(self._database, dead_letter_bytes)
        self._leases = Leases(self._database, max_batch_bytes=max_batch_bytes)
        try:
            ensure_schema(self._database)
        except BaseException:
            self._database.close()
            raise

    def append(self, messages: Sequence[Message]) -> list[Appended]:
        """Stores the new ones in one transaction, synced once."""
        check_appendable(messages)
        if not messages:
            return []
        self._database.look()
        return self._appender.append(messages, self._now())

    def poll(
        self, *, limit: int, lease_seconds: float, behind_limit: int | None = None
    ) -> list[Delivery]:
        """Leases waiting lanes in turn, and gives their first messages; at most 900."""
        now = self._now()
        most = min(limit, _LARGEST_BATCH)
        return self._leases.take(
            most,
            most if behind_limit is None else min(most, behind_limit),
            now=now,
            until=now + in_micros(lease_seconds),
            horizon=now + in_micros(max(lease_seconds, LONGEST_WAIT_SECONDS)),
        )

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Removes handled messages in one transaction."""
        with self._database.write() as connection:
            ours = leases_that_hold(connection, deliveries)
            remove(connection, ours)
        refuse_lost(deliveries, ours)

    def extend(self, deliveries: Sequence[Delivery], lease_seconds: float) -> None:
        """Makes the leases end `lease_seconds` from now."""
        until = self._now() + in_micros(lease_seconds)
        with self._database.write() as connection:
            ours = leases_that_hold(connection, deliveries)
            connection.execute(
                update(lanes)
                .where(lanes.c.id.in_({lane_of(delivery) for delivery in ours}))
                .values(leased_until=until)
            )
        refuse_lost(deliveries, ours)

    def retry(self, delivery: Delivery, *, delay_seconds: float, reason: str) -> None:  # noqa: ARG002 - for brokers that keep it
        """Gives the lane back and holds it."""
        until = self._now() + in_micros(min(delay_seconds, LONGEST_WAIT_SECONDS))
        with self._database.write() as connection:
            ours = leases_that_hold(connection, [delivery])
            refuse_lost([delivery], ours)
            connection.execute(
                update(lanes)
                .where(lanes.c.id == lane_of(delivery))
                .values(token=None, leased_until=0, outstanding=0, held_until=until)
            )

    def reject(self, delivery: Delivery, *, reason: str) -> None:
        """Moves the message to the dead letters in one transaction."""
        with self._database.write() as connection:
            refuse_lost([delivery], leases_that_hold(connection, [delivery]))
            self._graveyard.bury(connection, delivery, plain(reason), self._now())

    def depth(self) -> int:
        """Messages waiting or under lease."""
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(messages)).scalar_one()

    def waiting(self, tenant: TenantId, hosts: Sequence[HostId], /) -> set[HostId]:
        """Those of the hosts of which something waits, a few hundred in a statement."""
        some = exists().where(messages.c.lane_id == lanes.c.id, messages.c.replays == 0)
        found: set[HostId] = set()
        with self._database.read() as connection:
            for start in range(0, len(hosts), _LARGEST_BATCH):
                part = hosts[start : start + _LARGEST_BATCH]
                query = select(lanes.c.host).where(
                    lanes.c.tenant == tenant, lanes.c.host.in_(part), some
                )
                found.update(HostId(host) for host in connection.execute(query).scalars())
        return found

    def used(self, since: datetime, /) -> list[Used]:
        """What was accepted of each host since then, by the index over time."""
        size = func.coalesce(func.sum(accepted.c.size), 0)
        query = (
            select(lanes.c.tenant, lanes.c.host, func.count(), size)
            .join_from(accepted, lanes, lanes.c.id == accepted.c.lane_id)
            .where(accepted.c.accepted_at >= to_micros(since))
            .group_by(lanes.c.tenant, lanes.c.host)
            .order_by(lanes.c.tenant, lanes.c.host)
        )
        with self._database.read() as connection:
            return [
                Used(tenant=tenant, host=host, snapshots=count, size=int(total))
                for tenant, host, count, total in connection.execute(query)
            ]

    def stats(self) -> Stats:
        """Counts over the narrow index, not over the rows."""
        sizes = (
            select(
                func.count(messages.c.lane_id).label("size"),
                func.sum(messages.c.behind).label("behind"),
            )
            .group_by(messages.c.lane_id)
            .subquery()
        )
        # What was replayed is old by itself and says nothing of how far behind the consumers are.
        fresh = select(messages.c.received_at).where(messages.c.replays == 0)
        oldest = fresh.order_by(messages.c.position).limit(1)
        again = select(func.count()).where(messages.c.behind == 1, messages.c.replays > 0)
        with self._database.read() as connection:
            depth, waiting, behind = connection.execute(
                select(
                    func.coalesce(func.sum(sizes.c.size), 0),
                    func.count(),
                    func.coalesce(func.sum(sizes.c.behind), 0),
                )
            ).one()
            # Whatever was replayed is behind, so rows are seldom looked at for it.
            replayed = connection.execute(again).scalar_one() if behind else 0
            received = connection.execute(oldest).scalar()
            dead = connection.execute(select(func.count()).select_from(dead_letters)).scalar_one()
        age = 0 if received is None else self._now() - received
        return Stats(
            depth=int(depth),
            lanes=waiting,
            dead_letters=dead,
            oldest_age_seconds=max(0.0, age / 1_000_000),
            replayed=replayed,
        )

    def dead_letters(
        self, selection: Selection = EVERY, /, *, limit: int, after: str | None = None
    ) -> list[DeadLetter]:
        """Those of the rejected that are meant, in the order of their first rejection."""
        return self._graveyard.find(selection, limit=limit, after=after)

    def replay(self, selection: Selection, /, *, limit: int) -> list[DeadLetter]:
        """Puts dead letters back at the rear of their lanes in one transaction; 500 at most."""
        return self._graveyard.replay(selection, limit=limit)

    def purge(self, selection: Selection, /, *, limit: int) -> list[DeadLetter]:
        """Deletes dead letters, 4 MiB of bodies in each transaction; 500 at most."""
        return self._graveyard.purge(selection, limit=limit)

    def prune(self) -> int:
        """Forgets up to a thousand identities, and as many dead letters, older than their retention times."""
        buried = self._now() - in_micros(self._dead_letter_retention.total_seconds())
        horizon = self._now() - in_micros(self._retention.total_seconds())
        return self._forgotten.prune(horizon, _PRUNED_AT_ONCE) + self._graveyard.prune(
            buried, _PRUNED_AT_ONCE
        )

    def trim(self) -> int:
        """Deletes the dead letters rejected longest ago while they are over the bound; 64 MiB of bodies at most."""
        return self._graveyard.trim()

    def look(self) -> None:
        """Looks at the disk of a SQLite file, without a write."""
        self._database.look()

    def probe(self) -> None:
        """Looks at the disk, and commits a row as it is."""
        self._database.look()
        with self._database.write() as connection:
            connection.execute(update(version_table).values(version=version_table.c.version))

    def close(self) -> None:
        """Closes the connections. Leases stay until they run out."""
        self._database.close()

    def _now(self) -> int:
        return to_micros(self._clock.now())
