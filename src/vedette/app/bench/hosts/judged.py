"""What was said of each snapshot that counts: by the product, and by what stands in for it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from vedette.app.bench.hosts.sessions import Recordings, Session
from vedette.app.judging import Judged, described_host
from vedette.app.replay import Replay
from vedette.app.wiring import policies_from
from vedette.core import (
    Epoch,
    HostId,
    Identity,
    Label,
    Reason,
    Record,
    Severity,
    Snapshot,
    TenantId,
    Verdict,
    verdict_id,
)
from vedette.decide import Decision, Situation, decide
from vedette.detect import REFERENCE
from vedette.learn import Look

__all__ = ["Opinion", "Stander", "looks_of", "looks_of_stander"]

_TENANT = TenantId("bench")
_EPOCH = Epoch("recording")

Told = Callable[[int], None]
"""Told how many snapshots are done."""


class Opinion(Record, frozen=True, kw_only=True):
    """What a stand-in says of one snapshot."""

    alarm: bool
    reasons: tuple[Reason, ...] = ()


class Stander(Protocol):
    """What one could take in the product's place."""

    @property
    def note(self) -> str:
        """What it does, in a line."""
        ...

    def look(self, snapshot: Snapshot, *, learning: bool) -> Opinion:
        """Looks at a host's next snapshot; `learning` holds while its baseline lasts."""
        ...


def looks_of(
    recordings: Recordings, model: Path | None, told: Told, *, budget: float = REFERENCE
) -> list[Look]:
    """Replays the recordings, as `vedette replay` does, from fresh states; the looks of all sessions but baselines."""
    sessions: list[Session] = []

    def source() -> Iterator[Snapshot]:
        for session, snapshot in recordings.stream():
            sessions.append(session)
            yield snapshot

    looks = []
    for at, (judged, _host) in enumerate(Replay(model=model, budget=budget).run(source())):
        if not sessions[at].is_baseline:
            looks.append(_look(sessions[at], judged))
        told(at + 1)
    return looks


def looks_of_stander(recordings: Recordings, stander: Stander, told: Told) -> list[Look]:
    """The same of a stand-in; its alarms are grouped into incidents by the same rules."""
    policies, situations = policies_from(None), dict[HostId, Situation]()
    looks = []
    for at, (session, snapshot) in enumerate(recordings.stream()):
        opinion = stander.look(snapshot, learning=session.is_baseline)
        told(at + 1)
        if session.is_baseline:
            continue
        host = snapshot.host.id
        if host not in situations:
            described = described_host(_TENANT, snapshot.host, snapshot.taken_at)
            situations[host] = Situation(host=described, incidents=(), actions=())
        verdict = _verdict(snapshot, opinion)
        decision = decide(verdict, situations[host], policies)
        situations[host] = situations[host].after(decision)
        looks.append(
            Look(
                file=session.path.name,
                host=session.host,
                seq=snapshot.seq,
                label=verdict.label,
                reasons=verdict.reasons,
                opened=_opened(verdict, decision),
            )
        )
    return looks


def _look(session: Session, judged: Judged) -> Look:
    return Look(
        file=session.path.name,
        host=session.host,
        seq=judged.verdict.seq,
        label=judged.verdict.label,
        reasons=judged.verdict.reasons,
        opened=_opened(judged.verdict, judged.decision),
    )


def _opened(verdict: Verdict, decision: Decision) -> str | None:
    """What it opened. A closed incident that it opens again counts as one more: people are told of it as of a new one."""
    return next(
        (one.id for one in decision.incidents if one.begun_at == verdict.taken_at),
        None,
    )


def _verdict(snapshot: Snapshot, opinion: Opinion) -> Verdict:
    identity = Identity(tenant=_TENANT, host=snapshot.host.id, epoch=_EPOCH, seq=snapshot.seq)
    return Verdict(
        id=verdict_id(identity),
        tenant=_TENANT,
        host=snapshot.host.id,
        epoch=_EPOCH,
        seq=snapshot.seq,
        taken_at=snapshot.taken_at,
        decided_at=snapshot.taken_at,
        label=Label.ABNORMAL if opinion.alarm else Label.NORMAL,
        score=float(opinion.alarm),
        severity=Severity.HIGH if opinion.alarm else Severity.NONE,
        reasons=opinion.reasons[:5],
        input_digest="",
    )
