"""Which incidents a list is narrowed to."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vedette.core import HostId, IncidentId, IncidentState, Record, Severity, TenantId
from vedette.store.schema import HOSTS, INCIDENTS

__all__ = ["Narrowed"]

_MEMBERS = INCIDENTS.alias("members")


class Narrowed(Record, frozen=True, kw_only=True):
    """All that is given must fit; None leaves it open.

    `whole`: part of no other. Opened within `since` and before `until`. `assigned_to` is whose it is, empty for nobody's. `cause` is
    one of its causes; `label` a name and a value that its host bears, or one of its hosts. `text` is part of the host's name,
    whatever its case. `among`: only of these ids.
    """

    state: IncidentState | None = None
    severity: Severity | None = None
    host: HostId | None = None
    part_of: IncidentId | None = None
    whole: bool = False
    since: datetime | None = None
    until: datetime | None = None
    assigned_to: str | None = None
    cause: str | None = None
    label: tuple[str, str] | None = None
    text: str = ""
    among: Collection[IncidentId] | None = None

    def terms(self, tenant: TenantId) -> list[sa.ColumnElement[bool]]:
        """What rows of INCIDENTS must fulfil."""
        columns: tuple[tuple[sa.ColumnElement[Any], object], ...] = (
            (INCIDENTS.c.state, self.state),
            (INCIDENTS.c.severity, self.severity),
            (INCIDENTS.c.host, self.host),
            (INCIDENTS.c.part_of, self.part_of),
            (INCIDENTS.c.assigned_to, self.assigned_to),
        )
        terms = [column == value for column, value in columns if value is not None]
        if self.whole:
            terms.append(INCIDENTS.c.part_of.is_(None))
        if self.since is not None:
            terms.append(INCIDENTS.c.opened_at >= self.since)
        if self.until is not None:
            terms.append(INCIDENTS.c.opened_at < self.until)
        if self.text:
            lower = sa.func.lower(INCIDENTS.c.hostname)
            terms.append(lower.contains(self.text.lower(), autoescape=True))
        if self.cause is not None:
            terms.append(_bears(INCIDENTS.c.causes, "[", _json(self.cause)))
        if self.label is not None:
            terms.append(_labelled(tenant, *self.label))
        if self.among is not None:
            terms.append(INCIDENTS.c.id.in_(sorted(self.among)))
        return [INCIDENTS.c.tenant == tenant, *terms]


def _labelled(tenant: TenantId, name: str, value: str) -> sa.ColumnElement[bool]:
    hosts = sa.select(HOSTS.c.id).where(
        HOSTS.c.tenant == tenant,
        _bears(HOSTS.c.labels, "{", f"{_json(name)}:{_json(value)}"),
    )
    fleets = sa.select(_MEMBERS.c.part_of).where(
        _MEMBERS.c.tenant == tenant, _MEMBERS.c.part_of.is_not(None), _MEMBERS.c.host.in_(hosts)
    )
    return sa.or_(INCIDENTS.c.host.in_(hosts), INCIDENTS.c.id.in_(fleets))


def _bears(column: sa.Column[Any], begin: str, entry: str) -> sa.ColumnElement[bool]:
    """Whether the JSON in it has the entry.

    Quotes within a string have a backslash before them, so what stands after a bracket or comma begins an entry. LIKE would take
    letters of either case in SQLite; what is taken out changes the text exactly where it is there.
    """
    text = sa.type_coerce(column, sa.Text)
    return sa.or_(*(sa.func.replace(text, mark + entry, "") != text for mark in (begin, ",")))


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()
