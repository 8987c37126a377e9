"""Evidence as people see it: which bundles are kept, who asked for them, what their hosts say is in them. Never what is in them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import (
    Action,
    ActionEvent,
    ActionId,
    ActionState,
    CommandId,
    Evidence,
    HostId,
    IncidentId,
    Record,
)
from vedette.store import Page

__all__ = ["EVIDENCE", "EvidenceView", "file_name", "find_evidence", "one_evidence", "told_of"]

EVIDENCE: Final = "application/vedette-evidence"


class EvidenceView(Record, frozen=True, kw_only=True):
    """A sealed bundle. `size` and `digest` are of the sealed bytes, which `kid` opens; they are gone from `removed_at` on.

    `requested_by` is the person or policy that proposed the action, `approved_by` who decided it. `contents` and `left_out` are the
    host's own word, as is `sealed_at`; empty in lists.
    """

    action: ActionId
    host: HostId
    hostname: str
    incident: IncidentId | None
    command: CommandId
    digest: str
    size: int
    kid: str
    sealed_at: datetime
    received_at: datetime
    removed_at: datetime | None
    requested_by: str
    approved_by: str
    contents: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def find_evidence(
    console: Console,
    person: Person,
    *,
    host: HostId | None,
    incident: IncidentId | None,
    limit: int,
    after: str | None,
) -> Page[EvidenceView]:
    """Newest first."""
    page = console.store.evidence.find(
        person.tenant, host=host, incident=incident, limit=limit, after=after
    )
    return Page(items=tuple(_view(console, one) for one in page.items), next=page.next)


def one_evidence(console: Console, person: Person, action: ActionId) -> EvidenceView:
    """Of one action.

    Raises:
        NotFound: there is none.
    """
    found = console.store.evidence.get(person.tenant, action)
    contents, left_out = told_of(console.store.actions.events(person.tenant, action))
    return _view(console, found, contents=contents, left_out=left_out)


def told_of(events: Sequence[ActionEvent]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the host said is in its bundle, and what it left out and why."""
    said: dict[str, Any] = {}
    for event in events:
        if event.state in {ActionState.APPLIED, ActionState.VERIFIED}:
            said |= event.data
    return _texts(said.get("contents")), _texts(said.get("left_out"))


def file_name(evidence: Evidence) -> str:
    """Of a download: letters and digits, whatever ids look like."""
    safe = "".join(one if one.isalnum() or one in "-_" else "-" for one in evidence.action)
    return f"vedette-evidence-{safe[:64]}.sealed"


def requested_by(action: Action) -> str:
    """Who or what proposed it."""
    return action.proposed_by or (f"policy:{action.policy}" if action.policy else "")


def _view(console: Console, one: Evidence, **more: Any) -> EvidenceView:
    action = console.store.actions.get(one.tenant, one.action)
    hosts = console.store.hosts.many(one.tenant, [one.host])
    host = hosts.get(one.host)
    given = {name: getattr(one, name) for name in Evidence.__struct_fields__ if name != "tenant"}
    return EvidenceView(
        **given,
        hostname=host.hostname if host else "",
        requested_by=requested_by(action),
        approved_by=action.decided_by,
        **more,
    )


def _texts(value: Any) -> tuple[str, ...]:
    """A host may have said anything."""
    return tuple(map(str, value[:200])) if isinstance(value, list) else ()
