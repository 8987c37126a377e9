"""All checks, in the order in which one thing rests on the other."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from vedette.agent.collect.deadline import Deadlines
from vedette.agent.doctor import folder, identity, network, server, work
from vedette.agent.doctor.finding import Diagnosis, Finding, Outcome, fine, problem, unknown
from vedette.agent.doctor.patient import Patient
from vedette.agent.settings import AgentSettings
from vedette.core import Clock, ConfigError, Unavailable

__all__ = ["examine"]

T = TypeVar("T")
_LONGEST = 30.0
_Check = Callable[[Patient], Finding]
_FOLDER: tuple[tuple[str, _Check], ...] = (
    ("folder", folder.check_folder),
    ("disk", folder.check_disk),
    ("journal", folder.check_journal),
    ("spool", folder.check_spool),
)
_WAY: tuple[tuple[str, _Check], ...] = (
    ("keys", identity.check_keys),
    ("authority", identity.check_authority),
    ("name", network.check_name),
    ("connection", network.check_connection),
    ("proxy", network.check_proxy),
    ("tls", network.check_tls),
)
_WORK: tuple[tuple[str, _Check], ...] = (
    ("process", work.check_process),
    ("unit", work.check_unit),
    ("last error", work.check_last_error),
    ("losses", work.check_losses),
    ("sight", work.check_sight),
    ("cost", work.check_cost),
)


def examine(load: Callable[[], AgentSettings], clock: Clock, *, config: Path | None) -> Diagnosis:
    """Looks at everything. Never raises for what is wrong with the agent, and changes nothing.

    `load` reads the settings; `config` is their file, where one was named.
    """
    try:
        settings = load()
    except ConfigError as error:
        found = problem(
            error.detail, "correct it; vedette agent doctor --config FILE reads another file"
        )
        return _diagnosis([_named("settings", found)])
    patient = Patient(settings, clock, config=config)
    findings = [
        _named("settings", fine(f"they can be read; the state folder is {settings.state_dir}"))
    ]
    findings.append(_made("enrolment", identity.check_enrolment, patient))
    if findings[-1].outcome is not Outcome.PROBLEM or settings.state.is_dir():
        findings += [_made(name, check, patient) for name, check in _FOLDER]
    if patient.enrolment is not None:
        findings += [_made(name, check, patient) for name, check in _WAY]
        findings += _asked(patient)
        findings += [_made(name, check, patient) for name, check in _WORK]
    return _diagnosis(findings)


def _asked(patient: Patient) -> list[Finding]:
    """One request, from which two things are seen."""
    try:
        exchange: server.Exchange = _in_time(lambda: server.ask(patient))
    except Unavailable as error:
        exchange = server.Exchange(error=error.detail)
    return [
        _named("request", server.check_request(exchange)),
        _named("clock", server.check_clock(exchange)),
    ]


def _made(name: str, check: _Check, patient: Patient) -> Finding:
    """A check's finding; where it can't look, that."""
    try:
        found: Finding = _in_time(lambda: check(patient))
    except PermissionError as error:
        found = unknown(
            f"{patient.user()} may not look at {error.filename or patient.state}",
            "run it as root, or as the agent's user",
        )
    except (OSError, sqlite3.Error, Unavailable) as error:
        found = unknown(f"it can't be looked at: {error}")
    return _named(name, found)


def _in_time(call: Callable[[], T]) -> T:
    found: T = Deadlines(_LONGEST).run({"check": call}).outcomes["check"].take()
    return found


def _named(name: str, finding: Finding) -> Finding:
    return msgspec.structs.replace(finding, check=name)


def _diagnosis(findings: list[Finding]) -> Diagnosis:
    healthy = all(one.outcome in {Outcome.FINE, Outcome.WARNING} for one in findings)
    return Diagnosis(healthy=healthy, findings=tuple(findings))
