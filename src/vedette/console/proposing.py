"""Actions that people propose: the same guards as a policy's, and somebody else's approval. For the API and the pages."""

from datetime import timedelta
from typing import Any

import msgspec

from vedette.console.asking import named
from vedette.console.person import Person
from vedette.console.reason import needed
from vedette.console.settings import Console
from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Conflict,
    Host,
    HostId,
    IncidentId,
    InvalidInput,
    Mode,
    Record,
    new_id,
)

__all__ = ["NewAction", "able", "propose"]

_EXPIRES = timedelta(days=1)


class NewAction(Record, frozen=True, kw_only=True):
    """What people ask for. `request` names the request itself, so that it is carried out once; empty: each is another."""

    kind: str
    host: HostId
    parameters: dict[str, Any]
    reason: str
    dry_run: bool = False
    incident: IncidentId | None = None
    request: str = ""


def propose(console: Console, person: Person, asked: NewAction) -> Action:
    """Proposes it; it waits for another person, and expires after a day. What this request proposed before is given as it is now.

    Raises:
        InvalidInput: without a reason; the kind or its parameters are wrong, or the incident is of another host.
        NotFound: the tenant has no such host or incident.
        Conflict: the host is revoked, nothing can carry this out there, or a policy protects the host from it.
    """
    reason = needed(asked.reason, "propose this action")
    host = console.store.hosts.get(person.tenant, asked.host)
    _check_host(console, host, asked.kind)
    if asked.incident is not None:
        incident = console.store.incidents.get(person.tenant, asked.incident)
        if incident.host != host.id:
            raise InvalidInput(f"incident {incident.id} is not of host {host.hostname}")
    draft = console.policies.draft(host, asked.kind, asked.parameters, dry_run=asked.dry_run)
    now = console.clock.now()
    ident = named(person, asked.request, msgspec.json.encode(asked).hex())
    action = Action(
        id=ActionId(ident or new_id(console.clock)),
        tenant=person.tenant,
        incident=asked.incident,
        host=host.id,
        policy="",
        policy_version="",
        kind=asked.kind,
        mode=Mode.APPROVE,
        dry_run=asked.dry_run,
        state=ActionState.PROPOSED,
        parameters=draft.parameters,
        trigger="person",
        lease_seconds=draft.lease_seconds,
        most_seconds=draft.most_seconds,
        grace_seconds=draft.grace_seconds,
        disruptive=draft.disruptive,
        cohort=host.labels.get("role", ""),
        detail=reason,
        proposed_at=now,
        expires_at=now + _EXPIRES,
        updated_at=now,
        proposed_by=person.actor,
    )
    return console.store.actions.propose(action)


def able(console: Console, host: Host) -> tuple[str, ...]:
    """What can be carried out on the host: by its agent, as that allows it, or without one, through a cloud's API. By name.

    Nothing on one that was revoked.
    """
    if host.revoked_at is not None:
        return ()
    clouds = console.policies.clouds(host.tenant)
    return tuple(
        sorted({*_by_agent(console, host)} | {kind for kind, why in clouds.items() if not why})
    )


def _by_agent(console: Console, host: Host) -> list[str]:
    """What its agent lets be done, of what there is to be done to hosts: a host's word makes nothing else of a kind."""
    clouds = console.policies.clouds(host.tenant)
    return [kind for kind in host.can_act if kind not in clouds and console.policies.on_host(kind)]


def _check_host(console: Console, host: Host, kind: str) -> None:
    if host.revoked_at is not None:
        raise Conflict(f"host {host.hostname} is revoked", kind="host-revoked")
    if kind in able(console, host):
        return
    why = console.policies.clouds(host.tenant).get(kind)
    if why is None:
        can = ", ".join(_by_agent(console, host)) or "nothing: it only observes"
        why = f"host {host.hostname} can't carry out {kind!r}: its allow-list has {can}"
    raise Conflict(why, kind="can-not-act")
