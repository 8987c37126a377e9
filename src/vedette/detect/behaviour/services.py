"""Services: what runs under the first process, and which of it has stopped."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from vedette.core import Row
from vedette.detect.behaviour.form import Form
from vedette.detect.behaviour.hostile import GONE
from vedette.detect.behaviour.part import BehaviourPart
from vedette.detect.behaviour.shape import Process
from vedette.detect.behaviour.state import BehaviourState, Resident
from vedette.detect.fingerprint import known_print
from vedette.detect.lasting import AFTER_START, is_lasting
from vedette.detect.odds import DAY, nats, rate
from vedette.detect.short import short

__all__ = ["EXPLAINED", "Services", "frozen", "here", "missing", "service_of", "service_print"]

EXPLAINED = 5
"""Snapshots after a package change in which it explains what is new, and what is gone."""

_PACKAGE = 4.0  # nats: whoever stops a service seldom changes packages too
_LETTERS = 256  # of a name that a state keeps
_GUARD = re.compile(
    r"^(rsyslogd|syslog-ng|syslogd|auditd|systemd-journal|systemd-journald|osqueryd|falco|clamd|fail2ban-server|wazuh-\S+"
    r"|auditbeat|filebeat|crowdsec|ossec-\S+|falcon-sensor|metalog|vector|fluent-bit|td-agent|promtail)$"
)
_NEARLY = 0.8
_PATIENCE = 3  # snapshots that a service may take to come back


class Services(NamedTuple):
    """What runs under the first process, and what of it is missing, with its nats; of those that were read, a process each."""

    here: dict[str, tuple[str, bool]]
    missing: tuple[tuple[str, Resident, float], ...]
    leads: dict[str, Process] = {}


def service_of(process: Process) -> str:
    """The name by which its host knows it as a service; empty when it is none."""
    seen = process.form
    if process.above not in {"0", "1"} or process.pid == "1":
        return ""
    if seen.role == "sudo" or (seen.role == "shell" and seen.mode != "script"):
        return ""
    return f"{seen.name} {_tool(seen)} {process.account}"


def service_print(name: str) -> int:
    """The fingerprint of a service's name; 0 for none."""
    return known_print(name) if name else 0


def here(
    read: Iterable[Process], kept: set[int], state: BehaviourState
) -> tuple[dict[str, tuple[str, bool]], dict[str, Process]]:
    """The services among processes that were read, and those whose fingerprints were `kept`: what to show, and a guard.

    Beside them, the first process of each service that was read.
    """
    found = {
        name: (resident.shown, resident.guard)
        for name, resident in state.residents.items()
        if service_print(name) in kept
    }
    leads: dict[str, Process] = {}
    for process in read:
        name = service_of(process)
        if name:
            found[name] = _tool(process.form), _GUARD.match(process.form.name) is not None
            leads.setdefault(name, process)
    return found, leads


def frozen(rows: Mapping[str, Row]) -> frozenset[str]:
    """The ids of processes that a signal has stopped: they are there, and do nothing."""
    return frozenset(pid for pid, row in rows.items() if row.get("state") == "T")


def missing(
    here: dict[str, tuple[str, bool]],
    state: BehaviourState,
    part: BehaviourPart,
    *,
    count: int,
    now: float,
    since_boot: int,
    since_package: int,
    followed: Callable[[Resident], bool],
) -> tuple[tuple[str, Resident, float], ...]:
    """The services that have stopped, with their nats.

    `since_package` are the snapshots since packages changed, and `followed` tells
    whether something honest has taken a service's place.
    """
    if since_boot < AFTER_START:
        return ()
    found = []
    for name, resident in sorted(state.residents.items()):
        settled = is_lasting(resident.seen, (resident.gone or now) - resident.first)
        if resident.script:
            # Such things are jobs as well: only what was nearly always there is missed.
            settled = settled and resident.seen >= _NEARLY * count
        if name not in here and settled and resident.missing + 1 >= _PATIENCE:
            evidence = GONE["guard" if resident.guard else "service"]
            kind = "gone:guard" if resident.guard else "gone:service"
            normal = rate(
                evidence.rate,
                fleet=part.marks.get(kind, 0),
                fleet_days=part.days,
                host=state.marks.get(kind, 0),
                host_days=count / DAY,
            )
            # A package that goes takes its service along for good, so the excuse lasts while the service is missed.
            explained = since_package < EXPLAINED + resident.missing + 1
            excused = _PACKAGE if explained and not resident.guard else 0.0
            if not resident.guard and followed(resident):
                continue
            found.append((name, resident, nats(evidence.seen, normal) - excused))
    return tuple(found)


def _tool(seen: Form) -> str:
    return short(seen.script.rsplit("/", 1)[-1] or seen.base, _LETTERS)
