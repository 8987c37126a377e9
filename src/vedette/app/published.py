"""What hosts tell each other, as the store publishes it: the pipeline's side of cohort knowledge."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime

import msgspec
import structlog

from vedette.core import Clock, Record, TenantId
from vedette.detect import (
    FLEET,
    Contribution,
    Group,
    Knowledge,
    Part,
    bears_on,
    begins_day,
    cut,
    interval_of,
    standing,
    visible_at,
)
from vedette.store import Store, Telling

__all__ = ["Published", "telling"]

_log = structlog.get_logger()
_MOST_GROUPS = 512  # kept in memory, over all tenants
_MOST_PAST = 64
_KEPT = 32  # versions of each

_Key = tuple[TenantId, str]


class _Line(Record, frozen=True, kw_only=True):
    """The last versions of a group up to the interval `upto`, exact for those from `begins` on."""

    upto: int
    begins: int
    groups: tuple[Group, ...]


class Published:
    """One for each worker. What it remembers is only faster: a version never changes."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._closed: dict[TenantId, int] = {}
        self._lines: OrderedDict[_Key, _Line] = OrderedDict()
        self._past: OrderedDict[tuple[_Key, int], Group] = OrderedDict()

    def at(self, tenant: TenantId, wanted: Sequence[tuple[str, datetime]]) -> list[Knowledge]:
        """The version for each cohort and `taken_at`, those that are due published first.

        No host's clock closes an interval before its time: by this worker's clock it must be over too.
        """
        visible = [visible_at(taken_at) for _, taken_at in wanted]
        upto = min(max(visible, default=0), visible_at(self._clock.now()))
        if upto > self._closed.get(tenant, 0):
            self._closed[tenant] = self._store.cohorts.close(tenant, upto, _cut)
        closed = self._closed.get(tenant, 0)
        return [
            self._knowledge(tenant, cohort, min(sees, closed))
            for (cohort, _), sees in zip(wanted, visible, strict=True)
        ]

    def _knowledge(self, tenant: TenantId, cohort: str, sees: int) -> Knowledge:
        fleet = self._group((tenant, FLEET), sees)
        return Knowledge(
            version=fleet.version, cohort=self._group((tenant, cohort), sees), fleet=fleet
        )

    def _group(self, key: _Key, sees: int) -> Group:
        line = self._line(key)
        older = len(line.groups) == _KEPT and line.groups[0].version > sees
        if sees < line.begins or older:
            return self._of_the_past(key, sees)
        return standing(line.groups, sees)

    def _line(self, key: _Key) -> _Line:
        closed = self._closed.get(key[0], 0)
        line = self._lines.get(key)
        if line is None:
            line = _Line(upto=bears_on(closed) - 1, begins=begins_day(closed), groups=())
        if line.upto < closed:
            groups = self._added(key, line.groups, after=line.upto, upto=closed)
            line = _Line(upto=closed, begins=line.begins, groups=groups[-_KEPT:])
            self._lines[key] = line
        self._lines.move_to_end(key)
        while len(self._lines) > _MOST_GROUPS:
            self._lines.popitem(last=False)
        return line

    def _of_the_past(self, key: _Key, sees: int) -> Group:
        known = self._past.get((key, sees))
        if known is None:
            known = standing(self._added(key, (), after=bears_on(sees) - 1, upto=sees), sees)
            self._past[key, sees] = known
            if len(self._past) > _MOST_PAST:
                self._past.popitem(last=False)
        return known

    def _added(
        self, key: _Key, groups: tuple[Group, ...], *, after: int, upto: int
    ) -> tuple[Group, ...]:
        last = groups[-1] if groups else Group()
        found = list(groups)
        for part in _parts(self._store.cohorts.added(*key, after=after, upto=upto)):
            last = last.after(part.told, part.interval)
            found.append(last)
            del found[:-_KEPT]
        return tuple(found)


def telling(cohort: str, taken_at: datetime, told: Contribution) -> Telling | None:
    """As the store takes it; None where nothing is told."""
    if not told:
        return None
    return Telling(cohort=cohort, interval=interval_of(taken_at), blob=told.encode())


def _cut(told: Sequence[Telling], closed: int, upto: int) -> list[Telling]:
    return [
        Telling(cohort=one.cohort, interval=one.interval, blob=one.told.encode())
        for one in cut(_parts(told), closed=closed, upto=upto)
    ]


def _parts(told: Sequence[Telling]) -> list[Part]:
    """Decoded. One that can't be (a later version of Vedette wrote it, or it is damaged) is told of and left out.

    It would stop every host otherwise, for what only excuses.
    """
    parts = []
    for one in told:
        try:
            contribution = Contribution.decode(one.blob)
        except msgspec.MsgspecError as error:
            _log.warning(
                "cohorts.unreadable", cohort=one.cohort, interval=one.interval, why=str(error)
            )
            continue
        parts.append(Part(cohort=one.cohort, interval=one.interval, told=contribution))
    return parts
