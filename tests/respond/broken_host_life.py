"""Ways in which a responder could be wrong, each a small patch, and by which words the machine must find it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import pytest
from tests.respond.stage import COUNT

from vedette.core import (
    Action,
    ActionState,
    CommandResult,
    Limits,
    Record,
    Verb,
)
from vedette.respond import Collect, Job, host_command, leases, overtaken, renewals, responder
from vedette.respond.caution import Caution
from vedette.respond.holding import Holding
from vedette.respond.host_command import HostCommand
from vedette.respond.leases import Leases
from vedette.respond.memory_guards import MemoryGuards
from vedette.respond.outcome import Outcome, Verified, Waiting

__all__ = ["BREAKS", "Break", "Patch", "replaced"]

Patch = pytest.MonkeyPatch
S = ActionState


class Break(Record, frozen=True, kw_only=True):
    """`found` is what the machine says of it. `rare`: that takes so long that only the nightly profile waits for it."""

    name: str
    does: Callable[[Patch], None]
    found: str
    rare: bool = False


def _seen_or_not(patch: Patch) -> None:
    """What a host calls verified is, whatever it saw."""

    def verified(job: Job, said: CommandResult) -> Outcome:
        until = job.now + timedelta(seconds=job.action.lease_seconds)
        return Verified(detail="it says so", evidence={"said": str(said.state)}, until=until)

    _endings(patch, verified)


def _as_long_as_it_says(patch: Patch) -> None:
    def verified(job: Job, said: CommandResult) -> Outcome:
        found = host_command._verified(job, said)
        if isinstance(found, Verified) and job.action.leased:
            return msgspec.structs.replace(found, until=renewals.moment(said))
        return found

    _endings(patch, verified)


def _endings(patch: Patch, verified: Callable[[Job, CommandResult], Outcome]) -> None:
    found = [
        (state, verified if state is S.VERIFIED else by) for state, by in host_command._ENDINGS
    ]
    patch.setattr(host_command, "_ENDINGS", tuple(found))


def _told_again(patch: Patch) -> None:
    """Once more after a crash, as another command."""
    apply = HostCommand.apply

    def again(kind: HostCommand, job: Job) -> Outcome:
        if kind._find(job, host_command._apply_id(job)) is None:
            return apply(kind, job)
        another = host_command._numbered(job, Verb.APPLY, 1)
        if kind._find(job, another) is None:
            until = job.now + timedelta(minutes=15)
            kind._issue(job, another, Verb.APPLY, kind.plan(job), until)
        return Waiting()

    patch.setattr(HostCommand, "apply", again)


def _no_end_of_its_own(patch: Patch) -> None:
    """A lease of which no host says that it is over is never over."""
    keep = Leases._out_of_hand

    def patient(leases: Leases, job: Job, revoked: str, over: datetime) -> Action | None:
        return keep(leases, job, revoked, over) if job.now < over else None

    patch.setattr(Leases, "_out_of_hand", patient)


def _most_of_each_renewal(patch: Patch) -> None:
    """How long it may last in all is counted from when it was last kept."""
    length = leases._length

    def anew(job: Job, until: datetime) -> float:
        last = msgspec.structs.replace(job.events[-1], state=S.DISPATCHED)
        return length(msgspec.structs.replace(job, events=(last,)), until)

    patch.setattr(leases, "_length", anew)


def _though_revoked(patch: Patch) -> None:
    patch.setattr(overtaken, "revocation", lambda *_: "")
    patch.setattr(responder, "revocation", lambda *_: "")


def replaced(target: Any, name: str, value: Any) -> Callable[[Patch], None]:
    """A patch that puts one thing in the place of another."""
    return lambda patch: patch.setattr(target, name, value)


BREAKS: Final = (
    Break(name="verified without a probe", does=_seen_or_not, found="without what a probe saw"),
    Break(name="a lease as long as its host says", does=_as_long_as_it_says, found="outlasts what"),
    Break(
        name="an end is not asked for again",
        does=replaced(host_command, "_followed", lambda *_: False),
        found="called off, and",
    ),
    Break(name="told again after a crash", does=_told_again, found="told twice to begin"),
    Break(
        name="evidence by its host's word",
        does=replaced(Collect, "probe", HostCommand.probe),
        found="by other evidence|without its evidence",
    ),
    Break(
        name="renewed for ever",
        does=replaced(leases, "_length", lambda job, _: job.action.lease_seconds),
        found="renewed beyond its most",
    ),
    Break(
        name="by itself under an open breaker",
        does=replaced(Caution, "against", lambda *_: ""),
        found="by itself under an open breaker",
    ),
    Break(name="most of each renewal", does=_most_of_each_renewal, found="beyond its most"),
    Break(name="no end of its own", does=_no_end_of_its_own, found="it never ended"),
    Break(name="though revoked", does=_though_revoked, found="begun on a revoked host"),
    Break(
        name="though harmless",
        does=replaced(overtaken, "unwanted", lambda _: ""),
        found="though people called it harmless",
    ),
    Break(
        name="though maintained",
        does=replaced(Holding, "refuses", lambda *_: ""),
        found="begun while its host is maintained",
    ),
    Break(
        name="though silenced",
        does=replaced(Holding, "keeps", lambda *_: False),
        found="told though it was silenced",
    ),
    Break(
        name="under the kill switch",
        does=replaced(MemoryGuards, "thrown", lambda *_: None),
        found="the kill switch",
    ),
    Break(
        name="past the breaker",
        does=replaced(Limits, "most", lambda *_: COUNT),
        found="past the breaker",
    ),
)
