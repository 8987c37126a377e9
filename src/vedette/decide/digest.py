"""Makes one notification of those that wait: what a fleet's incident tells in its hosts' place."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Incident,
    IncidentId,
    Spread,
    Standing,
    StandingHost,
    Storm,
    canonical_json,
    derived_id,
)

__all__ = ["Digest"]

_EXAMPLES = 10
# A storm that grows is told of again, but not with every look.
_AGAIN = timedelta(minutes=5)
_TELLING = timedelta(days=7)
_Key = tuple[str, str, bool, bytes]


class Digest:
    """Gathers what is refused and what is told in its place, over a tenant's storms."""

    def __init__(self, spread: Spread, joined: Mapping[IncidentId, IncidentId]) -> None:
        self._spread = spread
        self._parts = {**spread.parts, **joined}
        self._hosts: dict[IncidentId, int] = {}
        self._actions: list[Action] = []

    @property
    def actions(self) -> tuple[Action, ...]:
        """What is told."""
        return tuple(self._actions)

    def tell(self, storm: Storm, after: Incident, members: Sequence[Incident]) -> None:
        """Once for each thing that its hosts would have told; again when it doubled, or grew worse."""
        self._hosts[after.id] = after.hosts
        # What was told before it opened again by itself is told anew.
        since = storm.incident.returned_at
        last: dict[_Key, Action] = {
            _key(one): one for one in storm.told if since is None or one.proposed_at >= since
        }
        worse = after.severity.rank > storm.incident.severity.rank
        for told in last.values():
            grown = told.about is None or after.hosts >= 2 * told.about.count
            if worse or (grown and self._spread.at - told.proposed_at >= _AGAIN):
                self._propose(told, after, members, "raised" if worse else "grew")
        for waiting in self._spread.waiting:
            key = _key(waiting)
            if self._part_of(waiting) == after.id and key not in last:
                last[key] = waiting
                self._propose(waiting, after, members, "opened")

    def refused(self) -> tuple[tuple[ActionId, str], ...]:
        """Those of hosts whose incident is part of a fleet's, and why."""
        found = []
        for one in self._spread.waiting:
            part = self._part_of(one)
            if part is not None:
                count = self._hosts.get(part)
                told = f" of {count} hosts" if count else ""
                found.append((one.id, f"gathered: incident {part}{told} tells of it"))
        return tuple(found)

    def _part_of(self, waiting: Action) -> IncidentId | None:
        return None if waiting.incident is None else self._parts.get(waiting.incident)

    def _propose(
        self, like: Action, storm: Incident, members: Sequence[Incident], trigger: str
    ) -> None:
        at = self._spread.at
        life = (storm.returns,) if storm.returns else ()
        ident = derived_id(
            "fleet-action", storm.id, *_key(like)[:3], _key(like)[3].hex(), storm.hosts, *life
        )
        self._actions.append(
            msgspec.structs.replace(
                like,
                id=ActionId(ident),
                incident=storm.id,
                host=None,
                state=ActionState.PROPOSED,
                trigger=trigger,
                detail="",
                proposed_at=at,
                expires_at=max(like.expires_at, at + _TELLING),
                updated_at=at,
                decided_by="",
                attempts=0,
                plan=None,
                about=_about(self._spread.fleet, storm, members),
                wake_at=None,
                gather_seconds=0.0,
            )
        )


def _key(action: Action) -> _Key:
    """Alike are those that do the same by the same policy."""
    return (action.policy, action.kind, action.dry_run, canonical_json(action.parameters))


def _about(fleet: int, storm: Incident, members: Sequence[Incident]) -> Standing:
    return Standing(
        count=storm.hosts,
        fleet=max(fleet, storm.hosts),
        hosts=tuple(
            StandingHost(
                id=one.host,
                hostname=one.hostname,
                last_seen_at=one.last_abnormal_at,
                silent_since=None,
                interval=0.0,
            )
            for one in members[:_EXAMPLES]
            if one.host is not None
        ),
    )
