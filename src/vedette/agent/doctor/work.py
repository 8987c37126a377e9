"""The agent at work: its process, its unit, what it last said, what it can't read, and what it costs."""

import shutil
import subprocess
from pathlib import Path

from vedette.agent.doctor.finding import Finding, fine, problem, unknown, warning
from vedette.agent.doctor.patient import Patient
from vedette.agent.state import StateLock

__all__ = [
    "check_cost",
    "check_last_error",
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


def check_process(patient: Patient) -> Finding:
    """An agent holds the folder's lock, and looks at its pace."""
    if not StateLock.held(patient.state):
        return problem(
            f"no agent works with {patient.state}",
            "systemctl start vedette-agent, or: vedette agent run",
        )
    last = patient.report.last_taken_at
    if last is None:
        return unknown("an agent runs, and has not looked yet", "run it again after one interval")
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
    if failure is not None and (success is None or failure > success):
        return warning(
            f"since {failure:%Y-%m-%d %H:%M:%S} UTC: {report.last_error}",
            "it passes when what is named above is mended",
        )
    if success is None:
        return unknown("nothing was sent yet")
    before = f"; before that: {report.last_error}" if failure is not None else ""
    return fine(f"none since the last success at {success:%Y-%m-%d %H:%M:%S} UTC{before}")


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
