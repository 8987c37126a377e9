"""Errands: what people, scheduled jobs and builds have under way, and which high gauges that accounts for.

Whoever runs a backup, a build or a restore fills the processor, the disk and the line for a while. A rise that such work may
have made is a note and no alarm by itself, as long as all of this holds:

- the work began before the gauge rose, and still goes on, itself or by what follows it at once: who logs in to look after a fault
  explains nothing of it; and it does something, or has only just begun to wait for what a server does;
- the gauge has not been high for more than half an hour;
- what rows can count (memory, processes, threads, connections) is held by the work itself;
- memory and disk are not getting full.

Nothing here is told apart by what the work is called: it hangs under a login, the job scheduler or a build tool, which
`behaviour` judges by what it does. Attempts to connect are never explained.
"""

import re
from collections.abc import Mapping
from itertools import takewhile
from typing import NamedTuple

from vedette.core import Row
from vedette.detect.behaviour.form import Form, launches
from vedette.detect.behaviour.scope import Forms
from vedette.detect.behaviour.trade import trade
from vedette.detect.inventory.fact import number
from vedette.detect.lineage import lineage
from vedette.detect.session import session_of
from vedette.detect.view import View
from vedette.detect.vitals.gauges import GAUGES

__all__ = ["CAP", "Errands", "High", "accounts_for", "errands", "somebody_clears"]

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
_SPARE = 3.0  # floors of a gauge that may be left unaccounted for

# What a person's work goes on under, once they have left or at the console itself.
_STAYS = re.compile(r"^(?:tmux|screen|login|zellij)")
_WAITS = re.compile(
    r"^(?:sleep|timeout|flock|vi|vim|view|nano|pico|joe|ed|emacs|mc|mcedit|man|watch|script|tmux|screen)(?:$|[.-])"
)
_DOES = frozenset(
    {"find", "xargs", "sort", "sed", "awk", "du", "tee"}
)  # of the tools to look with, what works for minutes
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


class Errands(NamedTuple):
    """What is at work: when the first process of each errand began (Unix seconds), and the ids of all its processes.

    `waits` are the times of those that hardly use the processor: a server may do the work for them. `people` says that a person's is among them.
    """

    began: tuple[float, ...] = ()
    waits: tuple[float, ...] = ()
    pids: frozenset[str] = frozenset()
    people: bool = False


class High(NamedTuple):
    """A gauge that is high: its value, the most that is usual, and since when (Unix seconds)."""

    metric: str
    value: float
    usual: float
    since: float


def errands(view: View) -> Errands:
    """What people, jobs and builds have under way."""
    rows = view.by_pid
    forms = Forms(rows)
    now = view.snapshot.taken_at.timestamp()
    began: list[float] = []
    waits: list[float] = []
    pids: set[str] = set()
    people = False
    for pid, row in rows.items():
        line = _line(pid, row, rows)
        top = _top(line, rows, forms)
        if top is None:
            continue
        pids.add(pid)
        if _works(forms[pid]):
            first = next((one for one in reversed(line[:top]) if _works(forms[one])), pid)
            those = began if _is_busy(row, now) else waits
            those.append(float(number(rows[first], "start_time", 0)))
            people = people or forms[line[top]].role in {"sshd", "sudo"}
    return Errands(tuple(began), tuple(waits), frozenset(pids), people)


def accounts_for(work: Errands, high: High, view: View, worked: float) -> bool:
    """Whether the errands may have made the gauge rise. `worked` is when some were last found to account for a gauge, or 0."""
    now = view.snapshot.taken_at.timestamp()
    since = high.since or now
    if now - since > _LONGEST or (high.metric in _FILLING and high.value >= _FULL):
        return False
    goes_on = 0.0 < now - worked <= _AFTER
    if not (
        goes_on
        or any(since - _OLDEST <= began <= since + _LATE for began in work.began)
        or any(since - _JUST <= began <= since + _LATE for began in work.waits)
    ):
        return False
    if high.metric in _FREE or (high.metric == _MEMORY and work.people):
        return True
    held = _held(work, high, view)
    return held > 0.0 and high.value - held <= high.usual + _SPARE * _FLOORS[high.metric]


def somebody_clears(view: View) -> bool:
    """Whether files may go by somebody's hands: a person with root's rights is in a session, or a program runs for a person or job.

    The shell of a job says nothing: some job is nearly always in its shell.
    """
    rows = view.by_pid
    forms = Forms(rows)
    now = view.snapshot.taken_at.timestamp()
    for pid, row in rows.items():
        line = _line(pid, row, rows)
        top = _top(line, rows, forms)
        if top is None:
            continue
        seen = forms[pid]
        person = forms[line[top]].role in {"sshd", "sudo"}
        if _works(seen) and _is_busy(row, now) and (person or seen.role != "shell"):
            return True
        if person and number(row, "euid", -1) == 0:
            return True
    return False


def _line(pid: str, row: Row, rows: Mapping[str, Row]) -> list[str]:
    """The ids of the process and of those above it, without the first of all."""
    above = lineage(str(row.get("parent")), rows)
    return [pid, *takewhile(lambda one: one not in {"0", "1", pid}, above)]


def _top(line: list[str], rows: Mapping[str, Row], forms: Mapping[str, Form]) -> int | None:
    """Where in a process's line the login, the scheduler or the build tool is that it works for."""
    for at in range(len(line) - 1, -1, -1):
        seen = forms[line[at]]
        command = str(rows[line[at]].get("cmdline") or "")
        session = seen.role == "sshd" and session_of(command)
        if at and (
            session or seen.role == "cron" or (seen.role == "sudo" and _STAYS.match(seen.base))
        ):
            return at
        if seen.role == "builder" and not _is_a_service([forms[pid] for pid in line[at:]]):
            return at
    return None


def _is_a_service(line: list[Form]) -> bool:
    """Whether a tool that runs a project's code has nothing but its like and shells above: so services are started too."""
    return launches(line[0]) and all(one.role == "shell" or launches(one) for one in line[1:])


def _works(seen: Form) -> bool:
    """Whether it does something by itself, as neither a shell that waits does nor what one looks and writes with."""
    if seen.role in {"sshd", "cron", "sudo", "init"} or _WAITS.match(seen.base):
        return False
    if seen.role == "shell":
        return seen.mode in {"script", "code"}
    return trade(seen) != "look" or seen.base in _DOES


def _is_busy(row: Row, now: float) -> bool:
    """Whether it has used the processor for a hundredth of its time. Of a row that says nothing of its time it is taken."""
    started = number(row, "start_time", 0)
    age = now - started
    if row.get("user_time") is None or started <= 0 or age <= 0.0:
        return True
    used = max(number(row, "user_time", 0), 0) + max(number(row, "system_time", 0), 0)
    return used >= _BUSY * age * 1_000.0  # milliseconds


def _held(work: Errands, high: High, view: View) -> float:
    """How much of a gauge the errands' own rows hold."""
    rows = [view.by_pid[pid] for pid in work.pids]
    if high.metric == "system.processes.count":
        return float(len(rows))
    if high.metric == "system.threads.count":
        return float(sum(max(number(row, "threads", 1), 1) for row in rows))
    if high.metric == _MEMORY:
        used = view.metrics.get("system.memory.usage", 0.0)
        size = used / high.value if high.value > 0.0 else 0.0
        return sum(number(row, "resident_size", 0) for row in rows) / size if size > 0.0 else 0.0
    table, ends = {
        "system.network.connections.established": ("process_open_sockets", 2),
        "system.network.connections.listen": ("listening_ports", 1),
    }.get(high.metric, ("", 0))
    # Of a connection to the machine itself both ends are counted.
    return float(ends * sum(str(row.get("pid")) in work.pids for row in view.rows(table)))
