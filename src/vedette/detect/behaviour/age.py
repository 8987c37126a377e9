"""How long a service has run: the age of what serves, not of the process that does so just now.

Workers come and go while their service stays: gunicorn, php-fpm and Apache end each after so many requests, PostgreSQL has
one for each client. What began with the service is its start's; what a worker begins is not.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from vedette.core import Row
from vedette.detect.behaviour.bearers import Bearers
from vedette.detect.behaviour.form import SERVING, Form
from vedette.detect.behaviour.services import service_of
from vedette.detect.behaviour.shape import Process, account, program_of
from vedette.detect.behaviour.state import BehaviourState, Resident
from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.fact import number, text
from vedette.detect.lineage import lineage

__all__ = ["Family", "is_settled", "is_the_same_as_ever", "remember_versions"]

_SETTLED = (
    600.0  # seconds a service must run before a new contact of it is odd: a deploy brings its own
)
_LONG_KNOWN, _SEEN = 3_600.0, 30  # seconds and snapshots after which a service is known
_LETTERS = 4_200  # of a path or command that are read


class Family(NamedTuple):
    """What a process is looked at with: its host's state and rows with their forms, and the time (Unix seconds).

    `explained`: packages changed just now; `bearers` are the rows by the names of the system's programs.
    """

    state: BehaviourState
    now: float
    rows: Mapping[str, Row]
    forms: Mapping[str, Form]
    explained: bool
    bearers: Bearers


def is_settled(process: Process, family: Family) -> bool:
    """Whether a known program's service has run for long enough that its new contacts are not its start's."""
    if not _is_known(process, family.state):
        return False
    started = number(_lead(process, family).row, "start_time", 0)
    return started > 0 and family.now - started > _SETTLED


def is_the_same_as_ever(process: Process, family: Family) -> bool:
    """Whether its service was long known under the same command before it started again, and no package explains that it did.

    So nothing says that it was deployed. A new version in place looks like this too.
    """
    if family.explained or not _is_known(process, family.state):
        return False
    lead = _lead(process, family)
    known = family.state.residents.get(service_of(lead))
    return (
        known is not None
        and known.seen >= _SEEN
        and known.version == _version(lead.row)
        and family.now - known.since >= _LONG_KNOWN
    )


def _is_known(process: Process, state: BehaviourState) -> bool:
    return process.form.role in SERVING and fingerprint(program_of(process)) in state.programs


def _lead(process: Process, family: Family) -> Process:
    """The process of the same service that the others were started by; what watches over services is none of them."""
    for pid in lineage(process.above, family.rows):
        row, over = family.rows[pid], family.forms[pid]
        if not _is_one(process.form, over):
            break
        uid = number(row, "uid", 65_534)
        process = Process(pid, row, over, uid, account(uid), None, str(row.get("parent")))
    return process


def _is_one(seen: Form, over: Form) -> bool:
    """Whether a process and its parent are of one service: the same program, or one that shows a title in place of its script."""
    if over.role not in SERVING:
        return False
    if (seen.script or seen.path) == (over.script or over.path):
        return True
    return not seen.script and bool(seen.path) and (seen.path, seen.name) == (over.path, over.name)


def remember_versions(
    residents: Mapping[str, Resident], read: Iterable[Process], *, now: float, before: float
) -> None:
    """Keeps of each service since when its processes are started by this command. `before`: the time of the last look."""
    for process in read:
        resident = residents.get(service_of(process))
        begun = number(process.row, "start_time", 0) > before
        if resident is None or (resident.version and not begun):
            continue
        version = _version(process.row)
        if version != resident.version:
            resident.version, resident.since = version, now


def _version(row: Row) -> int:
    """Stands for the program and command of a process, with the numbers in them: a new release is another."""
    return fingerprint(*(text(row, name)[:_LETTERS] for name in ("path", "cmdline")))
