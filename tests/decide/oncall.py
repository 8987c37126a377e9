"""An on-call document, moments in zones that differ much, and cases of an escalation that is due, for the tests of decide."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from tests.decide.make import HOST, TENANT

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Escalating,
    Escalation,
    EscalationState,
    Incident,
    IncidentId,
    IncidentState,
    Mode,
    Severity,
    VerdictId,
)
from vedette.decide import OnCall
from vedette.respond import schemas

# A Monday, 10:00 in Vienna.
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXT = """
version: 1
people:
  ana: {reach: {mail: {to: [ana@example.com]}}}
  ben: {reach: {mail: {to: [ben@example.com]}}}
  eva: {reach: {mail: {to: [eva@example.com]}}}
hours:
  office: {zone: Europe/Vienna, days: [mon, tue, wed, thu, fri], from: 08:00, until: 18:00}
  night: {zone: Europe/Vienna, from: 22:00, until: 06:00}
schedules:
  primary:
    zone: Europe/Vienna
    rotations:
      - {people: [ana, ben], every: week, at: 09:00, from: 2026-01-05}
    overrides:
      - {who: eva, from: 2026-03-10T12:00, until: 2026-03-10T18:00}
  daytime:
    zone: Europe/Vienna
    rotations:
      - {people: [ana], every: day, at: 00:00, from: 2026-01-05, hours: office}
chains:
  ops:
    tiers:
      - {tell: [primary], by: [mail], wait: 15m, times: 2}
      - {tell: [daytime, eva], by: [mail], wait: 30m}
    then: managers
  managers:
    within: {hours: office, unless: critical}
    tiers:
      - {tell: [eva], by: [mail], wait: 1h}
  daytime-only:
    tiers:
      - {tell: [daytime], by: [mail], wait: 5m}
"""
# Office hours of a year whose 2 March, a Monday, is a holiday, and so is each 3 March.
HOLIDAYS = TEXT.replace("until: 18:00}", "until: 18:00, holidays: ours}").replace(
    "hours:\n", "holidays:\n  ours: {2026-03-02: Founding Day, 03-03: }\nhours:\n", 1
)

# With changes of the clock by half an hour, at midnight, and by a whole day (Apia had no 30 December 2011).
ZONES = [
    "UTC",
    "Europe/Vienna",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
]
MOMENTS = st.integers(0, 30 * 366 * 86_400).map(
    lambda seconds: datetime(2005, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


def oncall(text: str = TEXT) -> OnCall:
    return OnCall.parse(text, kinds=schemas())


def incident(**changes: Any) -> Incident:
    given: dict[str, Any] = {
        "id": IncidentId("incident-1"),
        "tenant": TENANT,
        "host": HOST,
        "hostname": "web-1",
        "state": IncidentState.OPEN,
        "title": "web-1: something",
        "severity": Severity.HIGH,
        "causes": ("cron:x",),
        "reasons": (),
        "opened_at": MONDAY,
        "first_verdict": VerdictId("v1"),
        "last_abnormal_at": MONDAY,
    }
    return Incident(**(given | changes))


def case(run: Escalation | None = None, at: datetime = MONDAY, **changes: Any) -> Escalating:
    """The first moment of chain `ops`, unless told otherwise."""
    run = run or begun()
    action = Action(
        id=run.action,
        tenant=TENANT,
        incident=run.incident,
        host=HOST,
        policy="escalate",
        policy_version="sha256:0",
        kind="escalate",
        mode=Mode.AUTO,
        dry_run=False,
        state=ActionState.VERIFIED,
        parameters={"chain": "ops"},
        proposed_at=MONDAY,
        expires_at=MONDAY,
        updated_at=MONDAY,
    )
    given: dict[str, Any] = {"incident": incident(), "action": action}
    return Escalating(run=run, at=at, **(given | changes))


def begun(chain: str = "ops", **changes: Any) -> Escalation:
    given: dict[str, Any] = {
        "id": "run-1",
        "tenant": TENANT,
        "incident": IncidentId("incident-1"),
        "action": ActionId("action-1"),
        "chain": chain,
        "state": EscalationState.RUNNING,
        "started_at": MONDAY,
        "due_at": MONDAY,
    }
    return Escalation(**(given | changes))
