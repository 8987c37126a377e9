"""The agent's folder: whose it is, whether there is room, and whether what is in it is whole."""

import os
import pwd
import sqlite3
import stat
from pathlib import Path

from vedette.agent.doctor.finding import Finding, fine, problem, unknown, warning
from vedette.agent.doctor.patient import Patient
from vedette.agent.journal_file import Damaged, read_fields
from vedette.agent.spool import Spool
from vedette.agent.state import JOURNAL, SPOOL
from vedette.core import InvalidInput
from vedette.seal import read_header

__all__ = ["check_disk", "check_folder", "check_journal", "check_spool"]

_MIB = 1024 * 1024
_LEAST_FREE = 16 * _MIB
_FRESH_SECONDS = 600.0
_TREMBLE = 5.0


def check_folder(patient: Patient) -> Finding:
    """Only its owner can enter it, all in it is of one owner, and it can be written to."""
    state = patient.state
    about = state.stat()
    if mode := stat.S_IMODE(about.st_mode) & 0o077:
        return problem(
            f"{state} is open to others (mode {stat.S_IMODE(about.st_mode):04o}, {mode:03o} too much)",
            f"chmod 700 {state}",
        )
    strangers = sorted(
        path.name for path in state.iterdir() if _owner(path) not in {about.st_uid, None}
    )
    if strangers:
        return problem(
            f"{', '.join(strangers)} in {state} are not of its owner, {_name(about.st_uid)}",
            f"run the agent and its commands as one user, then: chown -R {_name(about.st_uid)} {state}",
        )
    if not os.access(state, os.W_OK | os.X_OK):
        return problem(
            f"{state} can't be written to by {patient.user()}",
            "mount its file system for writing, or run as the agent's user",
        )
    return fine(f"{state} is {_name(about.st_uid)}'s alone, and can be written to")


def check_disk(patient: Patient) -> Finding:
    """There is room for a full spool."""
    about = os.statvfs(patient.state)
    free = about.f_bavail * about.f_frsize
    need = max(patient.settings.spool_bytes - Spool.peek(patient.state / SPOOL).size, 0)
    text = f"{free // _MIB} MiB are free, the spool may yet take {need // _MIB} MiB"
    if free < _LEAST_FREE:
        return problem(text, f"make room below {patient.state}: snapshots are being lost")
    if free < need:
        return warning(text, "make room, or lower spool_bytes")
    return fine(text)


def check_journal(patient: Patient) -> Finding:
    """SQLite finds no damage in it, and it has its fields."""
    path = patient.state / JOURNAL
    if not path.exists():
        return warning(
            f"{path} is missing",
            "nothing; the agent makes one with a new epoch, and the host is unknown once",
        )
    try:
        fields = read_fields(path)
        at = f"epoch {fields.epoch[:8]}, the next snapshot is {fields.next_seq}"
    except sqlite3.Error as error:
        return unknown(f"{path} can't be read now: {error}", "run it again")
    except Damaged as error:
        return problem(
            f"{path} is damaged: {error}",
            "restart the agent: it keeps the damaged file aside and begins a new epoch; then look at the disk (dmesg)",
        )
    if path.with_name(path.name + ".damaged").exists():
        return warning(
            f"it is whole ({at}), but an earlier one was damaged",
            f"look at the disk (dmesg); then remove {path}.damaged",
        )
    return fine(f"it is whole: {at}")


def check_spool(patient: Patient) -> Finding:
    """Nothing waits for long, and nothing was lost."""
    size = Spool.peek(patient.state / SPOOL)
    lost = (
        f"; {size.dropped} dropped and {size.torn} torn so far" if size.dropped + size.torn else ""
    )
    if not size.depth:
        return fine(f"it is empty{lost}")
    text = f"{size.depth} snapshots wait ({size.size // 1024} KiB){lost}"
    envelope = Spool.first(patient.state / SPOOL)
    if envelope is None:
        if Spool.peek(patient.state / SPOOL).depth < size.depth:
            return fine(f"it is emptied just now{lost}")
        return warning(f"{text}; the oldest is damaged", "nothing: it is passed over and counted")
    try:
        age = (patient.clock.now() - read_header(envelope).taken_at).total_seconds()
    except InvalidInput as error:
        return warning(
            f"{text}; the oldest is no envelope: {error}", "nothing: it is refused and counted"
        )
    settings = patient.settings
    text += (
        f", the oldest for {age:.0f} s" if age >= 0 else f", the oldest is of {-age:.0f} s from now"
    )
    if size.size > 0.9 * settings.spool_bytes or size.depth > 0.9 * settings.spool_count:
        return problem(
            text,
            "mend what keeps them (below): the spool is nearly full, and then the oldest are lost",
        )
    advice = ""
    if age < -_TREMBLE:
        advice = (
            "the clock was set back since: keep it by chrony or systemd-timesyncd (timedatectl)"
        )
    elif age > max(_FRESH_SECONDS, 10 * patient.interval):
        advice = "mend what keeps them (below); nothing is lost while there is room"
    return warning(text, advice) if advice else fine(text)


def _owner(path: Path) -> int | None:
    """None for a file that is gone by now: a running agent writes new ones all the time."""
    try:
        return path.lstat().st_uid
    except FileNotFoundError:
        return None


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
