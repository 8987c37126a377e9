"""Makes one digest of many notifications to the same people, whatever their incidents have in common."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from vedette.core import (
    DIGEST,
    Action,
    ActionId,
    ActionState,
    Gathered,
    IncidentId,
    Mode,
    Record,
    Severity,
    Spread,
    canonical_json,
    derived_id,
)

__all__ = ["Crowding", "digested"]

_TELLING = timedelta(days=7)
# What one message can list; the rest is counted.
_LISTED = 500
_LISTS = ("incidents", "more")
_Key = tuple[str, bytes]


class Crowding(Record, frozen=True, kw_only=True):
    """More than `most` notifications of one of these `kinds` to the same people within `seconds` are one digest at its end."""

    kinds: frozenset[str]
    most: int = 10
    seconds: float = 900.0


def digested(spread: Spread, gathered: Gathered, crowding: Crowding) -> Gathered:
    """With the digests that are to be. What is worse than all that was told within the time is left to be told at once."""
    ended = {ident for ident, _ in gathered.refused}
    by_key: dict[_Key, list[Action]] = defaultdict(list)
    for one in spread.waiting:
        if one.id not in ended and _is_due(one, spread, crowding):
            by_key[_key(one)].append(one)
    refused, proposed, grown = list(gathered.refused), list(gathered.actions), list(gathered.grown)
    for key, ones in sorted(by_key.items()):
        told = [one for one in spread.told if _key(one) == key and _lately(one, spread, crowding)]
        before = next((one for one in spread.digests if _key(one) == key), None)
        crowd = _crowd(ones, told, before, spread, crowding.most)
        if not crowd:
            continue
        digest = _grown(before or _begun(crowd[0], told, spread, crowding), crowd)
        (grown if before else proposed).append(digest)
        why = f"gathered: digest {digest.id} tells of it at {digest.wake_at:%H:%M} UTC"
        refused.extend((one.id, why) for one in crowd)
    return msgspec.structs.replace(
        gathered, refused=tuple(refused), actions=tuple(proposed), grown=tuple(grown)
    )


def _is_due(one: Action, spread: Spread, crowding: Crowding) -> bool:
    """Its own time to be gathered with its fleet's is over, and nobody is to be asked about it."""
    waits = one.wake_at is not None and one.wake_at > spread.at
    acts = one.mode is Mode.AUTO and not one.dry_run
    return one.kind in crowding.kinds and acts and not waits


def _lately(one: Action, spread: Spread, crowding: Crowding) -> bool:
    since = spread.at - timedelta(seconds=crowding.seconds)
    return one.dispatched_at is not None and one.dispatched_at > since


def _crowd(
    ones: Sequence[Action],
    told: Sequence[Action],
    before: Action | None,
    spread: Spread,
    most: int,
) -> list[Action]:
    """Those that are not told one by one: beyond `most`, and all that follow on a digest that was told."""
    free = 0 if any(one.trigger == DIGEST for one in told) else most - len(told)
    known = [*told, before] if before else told
    worst = max((_rank(one, spread) for one in known), default=Severity.NONE.rank)
    crowd = []
    for one in ones:
        rank = _rank(one, spread)
        if free > 0 or rank > worst:
            free -= 1
            worst = max(worst, rank)
        else:
            crowd.append(one)
    return crowd


def _rank(one: Action, spread: Spread) -> int:
    """How bad it is; a digest is as bad as the worst of its incidents."""
    ids = one.parameters["incidents"] if one.trigger == DIGEST else [one.incident]
    known = (spread.severities.get(IncidentId(str(ident))) for ident in ids)
    return max((one.rank for one in known if one), default=Severity.NONE.rank)


def _begun(first: Action, told: Sequence[Action], spread: Spread, crowding: Crowding) -> Action:
    """A digest without anything in it yet, due when the time since the first that was told, or the last digest, is over."""
    moments = [one.dispatched_at for one in told if one.dispatched_at is not None]
    digests = [one.dispatched_at for one in told if one.trigger == DIGEST and one.dispatched_at]
    since = max(digests) if digests else min(moments, default=spread.at)
    return msgspec.structs.replace(
        first,
        id=ActionId(derived_id("digest", first.tenant, first.id)),
        incident=None,
        host=None,
        trigger=DIGEST,
        state=ActionState.PROPOSED,
        detail="",
        parameters={**first.parameters, "incidents": [], "more": 0},
        proposed_at=spread.at,
        expires_at=spread.at + _TELLING,
        updated_at=spread.at,
        decided_by="",
        wake_at=since + timedelta(seconds=crowding.seconds),
        gather_seconds=0.0,
        held_by="",
    )


def _grown(digest: Action, crowd: Sequence[Action]) -> Action:
    known = digest.parameters["incidents"]
    new = [one.incident for one in crowd if one.incident not in known]
    every = list(dict.fromkeys([*known, *new]))
    more = digest.parameters["more"] + max(len(every) - _LISTED, 0)
    parameters = {**digest.parameters, "incidents": every[:_LISTED], "more": more}
    return msgspec.structs.replace(digest, parameters=parameters)


def _key(action: Action) -> _Key:
    """Alike are those that tell the same people in the same way, by whatever policy."""
    whom = {name: value for name, value in action.parameters.items() if name not in _LISTS}
    return (action.kind, canonical_json(whom))
