"""What `vedette agent status` shows: read from the state folder, whether or not the agent runs. Changes nothing there."""

import sqlite3
from datetime import datetime
from pathlib import Path

from vedette.agent.enrolment import Enrolment
from vedette.agent.health import Health, Report
from vedette.agent.journal_file import Damaged, JournalFields, read_fields
from vedette.agent.lease import Lease
from vedette.agent.settings import AgentSettings
from vedette.agent.spool import Spool
from vedette.agent.state import JOURNAL, SPOOL, StateLock
from vedette.core import ActionId, ConfigError, HostId, Record, TenantId

__all__ = ["InForce", "Status", "status"]


class InForce(Record, frozen=True, kw_only=True):
    """Something that is done to this host under a lease. `left` is in seconds, as of `noted_at`."""

    kind: str
    action: ActionId
    began_at: datetime
    left: float
    noted_at: datetime


class Status(Record, frozen=True, kw_only=True):
    """`dropped` and `torn` count snapshots the spool lost; `offset_seconds` is the server's lead over this clock.

    `journal` says what is wrong with the journal, and is empty where it could be read.
    """

    state_dir: str
    enrolled: bool
    running: bool
    host: HostId | None = None
    tenant: TenantId | None = None
    server: str = ""
    enrolled_at: datetime | None = None
    interval: float | None = None
    journal: str = ""
    epoch: str = ""
    next_seq: int | None = None
    offset_seconds: float = 0.0
    spool_depth: int = 0
    spool_bytes: int = 0
    dropped: int = 0
    torn: int = 0
    in_force: tuple[InForce, ...] = ()
    report: Report = Report()


def status(settings: AgentSettings) -> Status:
    """How the agent of this host stands.

    Raises:
        ConfigError: the enrolment is there, but damaged or open to others; or the folder can't be read.
    """
    state = settings.state
    try:
        return _status(settings, state)
    except OSError as error:
        raise ConfigError(f"{state} can't be read: {error.strerror or error}") from error


def _status(settings: AgentSettings, state: Path) -> Status:
    running = StateLock.held(state)
    if not Enrolment.exists(state):
        return Status(state_dir=str(state), enrolled=False, running=running)
    enrolment = Enrolment.load(state)
    fields, wrong = _journal(state / JOURNAL)
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
        journal=wrong,
        epoch=fields.epoch if fields else "",
        next_seq=fields.next_seq if fields else None,
        offset_seconds=fields.offset if fields else 0.0,
        spool_depth=spool.depth,
        spool_bytes=spool.size,
        dropped=spool.dropped,
        torn=spool.torn,
        in_force=tuple(map(_in_force, fields.leases)) if fields else (),
        report=Health.read(state),
    )


def _in_force(lease: Lease) -> InForce:
    return InForce(
        kind=lease.kind,
        action=lease.action,
        began_at=lease.began_at,
        left=lease.left,
        noted_at=lease.noted_at,
    )


def _journal(path: Path) -> tuple[JournalFields | None, str]:
    try:
        return read_fields(path), ""
    except FileNotFoundError:
        return None, "missing; the agent makes one with a new epoch at its next start"
    except Damaged as error:
        return (
            None,
            f"damaged ({error}); the agent sets it aside at its next start, and begins a new epoch",
        )
    except (OSError, sqlite3.Error) as error:
        return None, f"can't be read now: {error}"
