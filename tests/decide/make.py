"""Makes hosts, reasons, verdicts and policies for the tests of decide."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from vedette.core import (
    Epoch,
    Host,
    HostId,
    Identity,
    Label,
    Reason,
    Severity,
    TenantId,
    Verdict,
    verdict_id,
)
from vedette.decide import Decision, Grouping, PolicySet, Situation, decide
from vedette.respond import schemas

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = TenantId("default")
HOST = HostId("11111111-1111-4111-8111-111111111111")
SILENT = """
version: 1
policies:
  - {name: nothing, mode: observe, when: 'false', then: [{action: mail, with: {to: ["@owner"]}}]}
"""


def policies(text: str = SILENT) -> PolicySet:
    return PolicySet.parse(text, kinds=schemas())


def host(labels: dict[str, str] | None = None, *, interval: float = 60.0) -> Host:
    return Host(
        tenant=TENANT,
        id=HOST,
        hostname="web-1",
        labels=labels or {},
        status_since=START,
        interval=interval,
        enrolled_at=START,
    )


def reason(
    subject: str, *, text: str = "", share: float = 0.5, expert: str = "inventory"
) -> Reason:
    return Reason(expert=expert, subject=subject, text=text or f"{subject} is new", share=share)


def verdict(
    minute: float,
    label: Label = Label.ABNORMAL,
    *,
    seq: int | None = None,
    severity: Severity = Severity.MEDIUM,
    score: float = 0.8,
    subjects: Sequence[str] = ("cron:/etc/cron.d/x",),
    reasons: tuple[Reason, ...] | None = None,
    late: bool = False,
) -> Verdict:
    at = START + timedelta(minutes=minute)
    identity = Identity(
        tenant=TENANT, host=HOST, epoch=Epoch("e1"), seq=seq or round(minute * 60) + 1
    )
    if reasons is None:
        reasons = tuple(reason(subject) for subject in subjects)
    abnormal = label is Label.ABNORMAL
    return Verdict(
        id=verdict_id(identity),
        tenant=TENANT,
        host=HOST,
        epoch=identity.epoch,
        seq=identity.seq,
        taken_at=at,
        decided_at=at + timedelta(days=3),
        label=label,
        score=score if abnormal else 0.1,
        severity=severity if abnormal else Severity.NONE,
        reasons=reasons if abnormal else (),
        late=late,
    )


def normal(minute: float, *, late: bool = False) -> Verdict:
    return verdict(minute, Label.NORMAL, late=late)


def unknown(minute: float) -> Verdict:
    return verdict(minute, Label.UNKNOWN)


class Course:
    """One host's verdicts decided one after the other."""

    def __init__(
        self,
        chosen: PolicySet | None = None,
        at: Host | None = None,
        grouping: Grouping | None = None,
    ) -> None:
        self.policies = chosen or policies()
        self.situation = Situation(host=at or host())
        self.grouping = grouping or Grouping()

    def see(self, given: Verdict) -> Decision:
        decision = decide(given, self.situation, self.policies, self.grouping)
        self.situation = self.situation.after(decision)
        return decision

    def kinds(self, given: Verdict) -> list[str]:
        return [event.kind for event in self.see(given).events]
