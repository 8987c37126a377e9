"""The one step that is the same online and in replay: snapshots and states in; verdicts, states and decisions out."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from vedette.app.causes import name_causes
from vedette.core import (
    Epoch,
    Host,
    HostDescription,
    HostId,
    Identity,
    Label,
    Message,
    Reason,
    Record,
    Saying,
    Severity,
    Snapshot,
    TenantId,
    Verdict,
    VerdictId,
    replayed_id,
    verdict_id,
)
from vedette.decide import Census, Decision, PolicySet, Situation, decide
from vedette.detect import Arrival, Detector, Knowledge, Scored

_NEAR_SECONDS, _NEAR_INTERVALS = 300.0, 5.0

__all__ = [
    "Judged",
    "Opened",
    "described_host",
    "is_stale",
    "judge",
    "unreadable",
    "unreadable_reason",
]


class Opened(Record, frozen=True, kw_only=True):
    """A snapshot that could be opened, and what is known of its way here.

    `of` is the first verdict on it, where it is a replayed dead letter.
    """

    tenant: TenantId
    epoch: Epoch
    snapshot: Snapshot
    digest: str
    of: VerdictId | None = None

    @property
    def identity(self) -> Identity:
        """Of the snapshot."""
        return Identity(
            tenant=self.tenant,
            host=self.snapshot.host.id,
            epoch=self.epoch,
            seq=self.snapshot.seq,
        )


class Judged(Record, frozen=True, kw_only=True):
    """One snapshot's verdict, what the detector said, and what was decided."""

    verdict: Verdict
    scored: Scored
    decision: Decision


def judge(
    opened: Sequence[Opened],
    states: Mapping[HostId, bytes | None],
    situations: dict[HostId, Situation],
    census: Census,
    *,
    detector: Detector,
    policies: PolicySet,
    knowledge: Sequence[Knowledge],
    sayings: Sequence[Saying],
    decided_at: Mapping[Identity, datetime],
) -> list[Judged]:
    """Judges a batch of one tenant, in its order. `situations` and `census` are moved on to what holds after it.

    `knowledge` has for each of them the version that it sees; `sayings` are what people said of these hosts.
    """
    arrivals = [
        Arrival(
            epoch=item.epoch,
            snapshot=item.snapshot,
            replayed=item.of is not None,
            contested=_is_contested(item, situations[item.snapshot.host.id].host),
            knowledge=known,
            sayings=tuple(one for one in sayings if one.host == item.snapshot.host.id),
        )
        for item, known in zip(opened, knowledge, strict=True)
    ]
    judged = []
    scores = detector.step(arrivals, states)
    for item, known, scored in zip(opened, knowledge, scores, strict=True):
        verdict = Verdict(
            id=verdict_id(item.identity) if item.of is None else replayed_id(item.of),
            tenant=item.tenant,
            host=item.snapshot.host.id,
            epoch=item.epoch,
            seq=item.snapshot.seq,
            taken_at=item.snapshot.taken_at,
            decided_at=decided_at[item.identity],
            label=scored.label,
            score=scored.score,
            severity=scored.severity,
            reasons=scored.reasons,
            experts=scored.experts,
            model=detector.model,
            knowledge=known.version,
            budget=detector.budget,
            confirmation=scored.confirmation,
            input_digest=item.digest,
            late=scored.late,
            of=item.of,
        )
        fleet = census.take(verdict)
        situation = msgspec.structs.replace(situations[verdict.host], fleet=fleet)
        decision = name_causes(decide(verdict, situation, policies), item.snapshot)
        situations[verdict.host] = situation.after(decision)
        judged.append(Judged(verdict=verdict, scored=scored, decision=decision))
    return judged


def _is_contested(item: Opened, host: Host) -> bool:
    """Whether another agent took a snapshot under this epoch at about the same time."""
    if host.contested_at is None or host.contested_epoch != item.epoch:
        return False
    apart = abs((item.snapshot.taken_at - host.contested_at).total_seconds())
    return apart <= _near(host)


def is_stale(taken_at: datetime, host: Host, now: datetime) -> bool:
    """Whether a snapshot is from too long ago to say how its host is now: five minutes, or five of its intervals.

    By the wall clock of the detector and the host's own: which of the two is wrong can't be told, but that they agree can.
    """
    return (now - taken_at).total_seconds() > _near(host)


def _near(host: Host) -> float:
    return max(_NEAR_SECONDS, _NEAR_INTERVALS * host.interval)


def unreadable(message: Message, now: datetime, why: str) -> Verdict:
    """The verdict on a snapshot that can't be opened, parsed or judged: unknown, never normal."""
    identity = message.identity
    return Verdict(
        id=verdict_id(identity),
        tenant=identity.tenant,
        host=identity.host,
        epoch=identity.epoch,
        seq=identity.seq,
        taken_at=message.received_at,
        decided_at=now,
        label=Label.UNKNOWN,
        score=0.0,
        severity=Severity.NONE,
        reasons=(unreadable_reason(why),),
        input_digest=message.digest,
    )


def unreadable_reason(why: str) -> Reason:
    """The one reason of such a verdict."""
    return Reason(
        expert="judge",
        subject="unreadable",
        text=f"This snapshot could not be read, so nothing is known of this moment: {why}",
        observed=why,
        expected="a snapshot that can be opened, read and judged",
        share=1.0,
    )


def described_host(tenant: TenantId, description: HostDescription, at: datetime) -> Host:
    """A host of which nothing but its own description is known."""
    return Host(
        tenant=tenant,
        id=description.id,
        hostname=description.hostname,
        labels=description.labels,
        os=description.os,
        status_since=at,
        enrolled_at=at,
    )
