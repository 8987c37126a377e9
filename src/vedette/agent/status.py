"""What `vedette agent status` shows: read from the state folder, whether or not the agent runs."""

from datetime import datetime

from vedette.agent.enrolment import Enrolment
from vedette.agent.health import Health, Report
from vedette.agent.journal import Journal
from vedette.agent.settings import AgentSettings
from vedette.agent.spool import Spool
from vedette.agent.state import JOURNAL, SPOOL, StateLock
from vedette.core import Clock, HostId, Record, TenantId

__all__ = ["Status", "status"]


class Status(Record, frozen=True, kw_only=True):
    """`dropped` and `torn` count snapshots the spool lost; `offset_seconds` is the server's lead over this clock."""

    state_dir: str
    enrolled: bool
    running: bool
    host: HostId | None = None
    tenant: TenantId | None = None
    server: str = ""
    enrolled_at: datetime | None = None
    interval: float | None = None
    epoch: str = ""
    next_seq: int | None = None
    offset_seconds: float = 0.0
    spool_depth: int = 0
    spool_bytes: int = 0
    dropped: int = 0
    torn: int = 0
    report: Report = Report()


def status(settings: AgentSettings, clock: Clock) -> Status:
    """How the agent of this host stands.

    Raises:
        ConfigError: the enrolment is there, but damaged or open to others.
    """
    state = settings.state
    running = StateLock.held(state)
    if not Enrolment.exists(state):
        return Status(state_dir=str(state), enrolled=False, running=running)
    enrolment = Enrolment.load(state)
    journal = Journal(state / JOURNAL, clock)
    try:
        spool = Spool.peek(state / SPOOL)
        return Status(
            state_dir=str(state),
            enrolled=True,
            running=running,
            host=enrolment.host,
            tenant=enrolment.tenant,
            server=enrolment.server,
            enrolled_at=enrolment.enrolled_at,
            interval=settings.interval or enrolment.interval,
            epoch=journal.epoch,
            next_seq=journal.next_seq,
            offset_seconds=journal.offset,
            spool_depth=spool.depth,
            spool_bytes=spool.size,
            dropped=spool.dropped,
            torn=spool.torn,
            report=Health.read(state),
        )
    finally:
        journal.close()
