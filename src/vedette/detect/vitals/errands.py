"""Errands: what people, scheduled jobs and builds have under way, and which high gauges that accounts for.

Whoever runs a backup, a build or a restore fills the processor, the disk and the line for a while. A rise that such work may
have made is a note and no alarm by itself, as long as all of this holds:

- the work began before the gauge rose, and still goes on, itself or by what follows it at once: who logs in to look after a fault
  explains nothing of it; and it does something, or has only just begun to wait for what a server does;
- the gauge has not been high for more than half an hour;
- what rows can count (memory, processes, threads, connections) is held by the work itself, by what of it is no older than such work may be;
- memory and disk are not getting full.

Nothing here is told apart by what the work is called: it hangs under a login, the job scheduler or a build tool, which
`behaviour` judges by what it does. Attempts to connect are never explained.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vedette.core import Row
from vedette.detect.behaviour.form import Form
from vedette.detect.inventory.fact import number
from vedette.detect.view import View
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.masters import Masters, works

__all__ = [
    "CAP",
    "Beside",
    "Errands",
    "High",
    "Work",
    "accounts_for",
    "errands",
    "is_under_way",
    "somebody_clears",
]

CAP = -2.0
"""Nats of a gauge that an errand accounts for: with a half-sure sign of another kind it still speaks."""

_LONGEST = 1_800.0  # seconds that a gauge may be high by an errand
_LATE = 90.0  # seconds after the rise was seen that the errand may begin: looks are a minute apart
_AFTER = (
    150.0  # seconds after an errand in which what it filled runs empty, or the next one goes on
)
_OLDEST = 3_600.0  # seconds before the rise; what has run for longer made no rise until now
_FULL = 0.85
_JUST = 600.0  # seconds before the rise, for what only waits
_BUSY = 0.01  # of its time
_DAY = 86_400.0  # seconds
_SPARE = 3.0  # floors of a gauge that may be left unaccounted for

_FREE = frozenset(
    {
        "system.cpu.utilization",
        "system.cpu.load_average.1m",
        "system.filesystem.utilization",
        "system.network.connections.time_wait",
        "system.processes.created.rate",
        "system.open_files.count",
        "system.paging.operations.rate",
        "system.network.io.transmit.rate",
        "system.disk.io.write.rate",
    }
)
_FLOORS = {gauge.metric: gauge.floor for gauge in GAUGES}
_MEMORY = "system.memory.utilization"
_FILLING = frozenset({_MEMORY, "system.filesystem.utilization"})


class Work(NamedTuple):
    """When the first process of an errand began (Unix seconds), whether it is a person's, and whether one of its processes is `busy`.

    One that is not may wait for what a server does.
    """

    began: float
    busy: bool
    person: bool


class Errands(NamedTuple):
    """What is at work, and when each of its processes began, by id."""

    works: frozenset[Work] = frozenset()
    pids: Mapping[str, float] = {}


class High(NamedTuple):
    """A gauge that is high: its value, the most that is usual, and since when (Unix seconds)."""

    metric: str
    value: float
    usual: float
    since: float


class Beside(NamedTuple):
    """What gauges say beside what people and jobs have under way: gauge, way and nats of each.

    `worked` is when that last was found to account for a high gauge, `spared` whether a gauge would have made an alarm without it.
    """

    said: Sequence[tuple[int, str, float]]
    worked: float
    spared: bool = False


def errands(view: View) -> Errands:
    """What people, jobs and builds have under way."""
    masters = Masters(view.by_pid)
    now = view.snapshot.taken_at.timestamp()
    found: set[Work] = set()
    pids: dict[str, float] = {}
    for pid, row in view.by_pid.items():
        place = masters.of(pid)
        if not place.served:
            continue
        pids[pid] = _began(row)
        if works(masters.forms[pid]):
            began = _began(view.by_pid[place.worker or pid])
            person = _is_a_person(masters.forms[place.master])
            found.add(Work(began, _is_busy(row, now), person))
    return Errands(frozenset(found), pids)


def accounts_for(work: Errands, high: High, view: View, worked: float) -> bool:
    """Whether the errands may have made the gauge rise. `worked` is when some were last found to account for a gauge, or 0."""
    now = view.snapshot.taken_at.timestamp()
    since = high.since or now
    if now - since > _LONGEST or (high.metric in _FILLING and high.value >= _FULL):
        return False
    ours = _under_way(work, since)
    goes_on = 0.0 < now - worked <= _AFTER
    if not (goes_on or any(one.began <= since + _LATE for one in ours)):
        return False
    if high.metric in _FREE or (high.metric == _MEMORY and any(one.person for one in ours)):
        return True
    held = _held(work, high, view)
    return held > 0.0 and high.value - held <= high.usual + _SPARE * _FLOORS[high.metric]


def is_under_way(work: Errands, high: High, view: View) -> bool:
    """Whether anything is at work that the gauge may be high by, from before it rose or from later on."""
    return bool(_under_way(work, high.since or view.snapshot.taken_at.timestamp()))


def _under_way(work: Errands, since: float) -> list[Work]:
    """Errands no older than such as make a gauge rise at that time."""
    return [one for one in work.works if one.began >= since - (_OLDEST if one.busy else _JUST)]


def somebody_clears(view: View) -> bool:
    """Whether files may go by somebody's hands: a person with root's rights is in a session, or a program runs for a person or job.

    The shell of a job says nothing: some job is nearly always in its shell. Nor does what began days ago, or a shell of root's that somebody left open.
    """
    masters = Masters(view.by_pid)
    now = view.snapshot.taken_at.timestamp()
    here = rooted = False
    for pid, row in view.by_pid.items():
        place = masters.of(pid)
        if not place.served:
            continue
        seen, above = masters.forms[pid], masters.forms[place.master]
        person = _is_a_person(above)
        busy = works(seen) and _is_busy(row, now) and _is_of_today(row, now)
        if busy and (person or seen.role != "shell"):
            return True
        here = here or above.role == "sshd" or above.base == "login"
        rooted = rooted or (person and number(row, "euid", -1) == 0)
    return here and rooted


def _is_a_person(above: Form) -> bool:
    return above.role in {"sshd", "sudo"}


def _began(row: Row) -> float:
    return float(number(row, "start_time", 0))


def _is_busy(row: Row, now: float) -> bool:
    """Whether it has used the processor for a hundredth of its time. Of a row that says nothing of its time it is taken."""
    started = number(row, "start_time", 0)
    age = now - started
    if row.get("user_time") is None or started <= 0 or age <= 0.0:
        return True
    used = max(number(row, "user_time", 0), 0) + max(number(row, "system_time", 0), 0)
    return used >= _BUSY * age * 1_000.0  # milliseconds


def _is_of_today(row: Row, now: float) -> bool:
    """Whether it began within a day, or does not say when."""
    began = _began(row)
    return began <= 0.0 or now - began <= _DAY


def _held(work: Errands, high: High, view: View) -> float:
    """How much of a gauge the errands' own rows hold, as far as these may have made it rise."""
    least = (high.since or view.snapshot.taken_at.timestamp()) - _OLDEST
    pids = {pid for pid, began in work.pids.items() if began >= least}
    rows = [view.by_pid[pid] for pid in pids]
    if high.metric == "system.processes.count":
        return float(len(rows))
    if high.metric == "system.threads.count":
        return float(sum(max(number(row, "threads", 1), 1) for row in rows))
    if high.metric == _MEMORY:
        used = view.metrics.get("system.memory.usage", 0.0)
        size = used / high.value if high.value > 0.0 else 0.0
        return (
            sum(max(number(row, "resident_size", 0), 0) for row in rows) / size
            if size > 0.0
            else 0.0
        )
    table, ends = {
        "system.network.connections.established": ("process_open_sockets", 2),
        "system.network.connections.listen": ("listening_ports", 1),
    }.get(high.metric, ("", 0))
    # Of a connection to the machine itself both ends are counted.
    return float(ends * sum(str(row.get("pid")) in pids for row in view.rows(table)))
