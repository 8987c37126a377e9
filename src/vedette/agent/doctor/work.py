"""The agent at work: its process, its unit, what it last said, what it can't read, and what it costs."""

import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from vedette.agent.doctor.finding import Finding, fine, problem, unknown, warning
from vedette.agent.doctor.patient import Patient
from vedette.agent.state import StateLock, holder

__all__ = [
    "check_cost",
    "check_last_error",
    "check_losses",
    "check_process",
    "check_sight",
    "check_unit",
    "judge_unit",
]

_MIB = 1024 * 1024
_UNIT = "vedette-agent.service"
_SYSTEMD = Path("/run/systemd/system")
_WANTED = "LoadState,ActiveState,SubState,Result,NRestarts"
_MANY_RESTARTS = 3
_NAMED = 3
_LATELY = timedelta(days=1)
_TREMBLE = timedelta(seconds=5)
_STOPPED = frozenset({"T", "t"})


def check_process(patient: Patient) -> Finding:
    """An agent holds the folder's lock, and looks at its pace."""
    if not StateLock.held(patient.state):
        return problem(
            f"no agent works with {patient.state}",
            "systemctl start vedette-agent, or: vedette agent run",
        )
    pid = holder(patient.state)
    if pid is not None and _state(pid) in _STOPPED:
        return problem(
            f"the agent, process {pid}, is stopped by a signal: it does nothing",
            f"find out who stopped it; then: kill -CONT {pid}",
        )
    last = patient.report.last_taken_at
    if last is None:
        return unknown("an agent runs, and has not looked yet", "run it again after one interval")
    if _is_to_come(patient, last):
        return unknown(
            f"an agent runs; its last look was at {_at(last)}, which is yet to come: the clock was set back",
            "run it again after one interval",
        )
    age = (patient.clock.now() - last).total_seconds()
    if age > 3 * patient.interval + 60:
        return problem(
            f"an agent runs, but its last look was {age:.0f} s ago",
            "see cost, below, and its log: journalctl -u vedette-agent",
        )
    return fine(f"an agent runs; its last look was {max(age, 0):.0f} s ago")


def check_unit(_: Patient) -> Finding:
    """The systemd unit, where there is one, is not failed."""
    systemctl = shutil.which("systemctl")
    if systemctl is None or not _SYSTEMD.is_dir():
        return fine("systemd does not run here")
    done = subprocess.run(
        [systemctl, "show", f"--property={_WANTED}", _UNIT],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    if done.returncode:
        return unknown(f"systemd does not tell of {_UNIT}: {done.stderr.strip()}")
    return judge_unit(done.stdout)


def judge_unit(shown: str) -> Finding:
    """From what `systemctl show` prints: a line of name=value for each property."""
    unit = dict(line.partition("=")[::2] for line in shown.splitlines())
    if unit.get("LoadState") != "loaded":
        return fine(f"{_UNIT} is not installed")
    stands = f"{_UNIT} is {unit.get('ActiveState')} ({unit.get('SubState')})"
    if unit.get("ActiveState") == "failed":
        return problem(
            f"{stands}: {unit.get('Result')}",
            "journalctl -u vedette-agent says why; then: systemctl restart vedette-agent",
        )
    restarts = int(unit.get("NRestarts") or 0)
    if restarts > _MANY_RESTARTS:
        return warning(
            f"{stands}, and was started again {restarts} times",
            "journalctl -u vedette-agent says why",
        )
    return fine(stands)


def check_last_error(patient: Patient) -> Finding:
    """Nothing went wrong since the last success."""
    report = patient.report
    success, failure = report.last_success_at, report.last_error_at
    for what, at in (("success", success), ("error", failure)):
        if at is not None and _is_to_come(patient, at):
            told = f"; the last error: {report.last_error}" if report.last_error else ""
            return unknown(
                f"the last {what} was at {_at(at)}, which is yet to come: the clock was set back{told}",
                "run it again after the next snapshot was sent",
            )
    if failure is not None and (success is None or failure > success):
        return warning(
            f"since {_at(failure)}: {report.last_error}",
            "it passes when what is named above is mended",
        )
    if success is None:
        return unknown("nothing was sent yet")
    before = f"; before that: {report.last_error}" if failure is not None else ""
    return fine(f"none since the last success at {_at(success)}{before}")


def check_losses(patient: Patient) -> Finding:
    """No snapshot was refused, lost on the way to the spool, or in conflict."""
    report = patient.report
    counts = {
        "refused by the server": report.refused,
        "lost before the spool": report.lost,
        "in conflict with another of the same number": report.conflicts,
    }
    text = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    if not text:
        return fine("no snapshot was refused, lost or in conflict")
    if not (report.refused or report.lost):
        return warning(text, "see keys, above: this machine was copied or restored")
    advice = (
        "each is a gap in which the server is blind; the log's ship.refused and agent.look_failed say why "
        "(journalctl -u vedette-agent)"
    )
    if report.last_loss_at is None:
        return problem(f"{text}; when is not known", advice)
    text += f"; the last at {_at(report.last_loss_at)}"
    if patient.clock.now() - report.last_loss_at < _LATELY:
        return problem(text, advice)
    return warning(text, advice)


def check_sight(patient: Patient) -> Finding:
    """The agent reads every table and metric in full."""
    report = patient.report
    if report.last_taken_at is None:
        return unknown(
            "the agent has not looked yet", "vedette agent snapshot shows what it would see"
        )
    if not report.unread:
        return fine("every table and metric is read in full")
    named = [f"{name} ({why})" for name, why in sorted(report.unread.items())]
    rest = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    text = f"not read in full: {', '.join(named[:_NAMED])}{rest}"
    if any("timed out" in why for why in report.unread.values()):
        return warning(text, "a disk or a file server does not answer: dmesg and mount say which")
    return warning(
        text, "run the agent as root, or with the unit's capabilities, if these are to be seen"
    )


def check_cost(patient: Patient) -> Finding:
    """The agent keeps to its ceilings."""
    report, settings = patient.report, patient.settings
    if report.cost is None:
        return unknown("the agent has not looked yet")
    cost = report.cost
    text = f"{cost.cpu_seconds * 1000:.0f} ms CPU for the last look, {cost.rss_bytes / _MIB:.0f} of {settings.memory_mib} MiB"
    if report.cpu_percent is not None:
        text += f", {report.cpu_percent:.1f} % of a core since the look before ({settings.cpu_percent:g} % on average are allowed)"
    if report.over_ceiling:
        return warning(
            f"{text}; {report.over_ceiling}",
            "raise cpu_percent or memory_mib (and the unit's limits), or the interval",
        )
    return fine(text)


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _is_to_come(patient: Patient, moment: datetime) -> bool:
    """By the wall clock, which somebody may have set back; a moment's trembling is none of it."""
    return moment - patient.clock.now() > _TREMBLE


def _state(pid: int) -> str:
    """The letter of proc(5); empty for a process that is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return stat[stat.rindex(")") + 2 :][:1]
