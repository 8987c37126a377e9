"""Locks accounts and lets them expire, for the time of a lease; then lock and expiry are as they were."""

import os
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from vedette.agent.actions.kind import Gone, Plan, parameters_of
from vedette.agent.actions.scene import Check, Scene
from vedette.agent.actions.shadow import (
    Account,
    accounts,
    administrators,
    can_enter,
    end_sessions,
    standing,
    usermod,
    usermod_words,
)
from vedette.agent.actions.switch import Switch
from vedette.agent.permission import Untouchable
from vedette.core import Command, Record

__all__ = ["DisableAccount"]

_LONGEST = 31_536_000
_MOST = 8
# The first uid of people's accounts (UID_MIN of login.defs(5)); below are root and services.
_PEOPLE = 1_000
_NOBODY = 65_534
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}")
# The second day of 1970. The first, 0, is taken for never by some programs: shadow(5).
_LONG_AGO = "1"
_HOLD = "vedette-agent-hold.service"
_WANTS = f"/etc/systemd/system/sysinit.target.wants/{_HOLD}"
# Who holds the files' lock lets go soon; a switch that gave up at once would leave the account shut.
_RESTORE = """
program=$1; root=$2; shift 2
change() { if [ -n "$root" ]; then "$program" --prefix "$root" "$@"; else "$program" "$@"; fi; }
for one; do
  name=${one%%:*}; rest=${one#*:}; locked=${rest%%:*}; expires=${rest#*:}
  for try in 1 2 3 4 5; do
    if [ "$locked" = 1 ]; then change -e "$expires" "$name"; else change -U -e "$expires" "$name"; fi && break
    sleep 2
  done
done
exit 0
"""


class _Parameters(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    accounts: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=_MOST)]
    end_sessions: bool = False
    lease_seconds: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST)] = 0.0


class _Former(Record, frozen=True, kw_only=True):
    """How an account was before."""

    name: str
    uid: int
    locked: bool
    expires: str


class DisableAccount:
    """See `Measure`. What is locked is the password; an expired account is let in by no key either."""

    name: Final = "disable_account"
    by_default: Final = False

    def __init__(self) -> None:
        self._switch = Switch(self.name, _RESTORE)

    def plan(self, command: Command, scene: Scene) -> Plan:
        """Which accounts, and how they are now.

        Raises:
            InvalidInput: parameters that can't be used.
        """
        given = parameters_of(command, _Parameters)
        names = tuple(dict.fromkeys(given.accounts))
        known = accounts(scene)
        checks = [_writable(scene), _outlasts_a_reboot(scene), _present("usermod", scene)]
        if given.end_sessions:
            checks.append(_present("loginctl", scene))
        checks.extend(_may(name, known, scene) for name in names)
        checks.append(_somebody_left(names, known, scene))
        former = [
            _Former(
                name=name,
                uid=known[name].uid,
                locked=known[name].locked,
                expires=known[name].expires,
            )
            for name in names
            if name in known
        ]
        term = (
            f"for {given.lease_seconds:g} seconds unless renewed"
            if given.lease_seconds
            else "for a lease"
        )
        return Plan(
            data={"accounts": msgspec.to_builtins(former), "end_sessions": given.end_sessions},
            text="\n".join(_line(one, end=given.end_sessions) for one in former),
            checks=tuple(checks),
            would=f"lock and expire {len(former)} accounts of this host {term}",
        )

    def former(self, scene: Scene) -> str:
        """Lock and expiry of all accounts."""
        return standing(scene)

    def put(self, data: dict[str, Any], seconds: float, scene: Scene) -> str:
        """The switch first: what is locked is never without it."""
        former = _chosen(data)
        known = accounts(scene)
        there = [one for one in former if _same(one, known)]
        if not there:
            raise Gone("none of the accounts is there any more")
        self.extend(data, seconds, scene)
        for one in there:
            lock = [] if one.locked else ["-L"]
            usermod([*lock, "-e", _LONG_AGO, one.name], scene)
            if data["end_sessions"]:
                end_sessions(one.name, scene)
        return " ".join(one.name for one in there)

    def still_meant(
        self, data: dict[str, Any], scene: Scene
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """All of it: `put` and `stands` leave out by themselves what is not there."""
        del scene
        return data, ()

    def extend(self, data: dict[str, Any], seconds: float, scene: Scene) -> None:
        """A switch with that time, and then none of the former."""
        program, *prefix = usermod_words(scene)
        named = [f"{one.name}:{int(one.locked)}:{one.expires}" for one in _chosen(data)]
        self._switch.arm(seconds, [program, prefix[-1] if prefix else "", *named], scene)

    def stands(self, mark: str, scene: Scene) -> bool:
        """All that are there yet are locked and expired, and the switch waits."""
        known = accounts(scene)
        there = [known[name] for name in mark.split() if name in known]
        return bool(there) and all(map(_shut, there)) and self._switch.armed(scene)

    def stray(self, scene: Scene) -> bool | None:
        """A switch that waits knows of accounts that are shut; one that is itself stopped will not end that any more."""
        if self._switch.armed(scene):
            return True
        return False if self._switch.there(scene) else None

    def probe(self, data: dict[str, Any], scene: Scene) -> tuple[Check, ...]:
        """The files have them locked and expired, and the server answers."""
        known = accounts(scene)
        there = [known[one.name] for one in _chosen(data) if _same(one, known)]
        open_yet = [one.name for one in there if not _shut(one)]
        names = ", ".join(one.name for one in there) or "none is left"
        detail = f"open yet: {', '.join(open_yet)}" if open_yet else f"locked and expired: {names}"
        return Check(name="locked", ok=bool(there) and not open_yet, detail=detail), scene.reach()

    def undo(self, data: dict[str, Any] | None, scene: Scene) -> None:
        """Lock and expiry as they were."""
        if data is None:
            self._switch.fire(scene)
            return
        known = accounts(scene)
        for one in _chosen(data):
            if _same(one, known):
                unlock = ["-U"] if known[one.name].locked and not one.locked else []
                usermod([*unlock, "-e", one.expires, one.name], scene)
        self._switch.disarm(scene)


def _chosen(data: dict[str, Any]) -> tuple[_Former, ...]:
    return msgspec.convert(data["accounts"], tuple[_Former, ...])


def _same(one: _Former, known: dict[str, Account]) -> bool:
    """Whether the name is still that account's."""
    return one.name in known and known[one.name].uid == one.uid


def _shut(one: Account) -> bool:
    return one.locked and one.expires == _LONG_AGO


def _line(one: _Former, *, end: bool) -> str:
    lock = "" if one.locked else "-L "
    unlock = "" if one.locked else "-U "
    sessions = f"; loginctl terminate-user {one.name}" if end else ""
    return f"usermod {lock}-e {_LONG_AGO} {one.name}{sessions}; at the end usermod {unlock}-e '{one.expires}' {one.name}"


def _may(name: str, known: dict[str, Account], scene: Scene) -> Check:
    """Why an account is left alone, whoever asks."""
    wrong = ""
    if not _NAME.fullmatch(name):
        wrong = f"{name[:64]!r} is no name of an account"
    elif name not in known:
        wrong = f"{name} is no account of this host's files"
    elif not _PEOPLE <= known[name].uid < _NOBODY:
        wrong = f"{name} has uid {known[name].uid}: root and accounts of services are never locked"
    elif (Untouchable.ACCOUNT, name) in scene.permission.never_touch:
        wrong = f"never_touch names {name}"
    elif known[name].blank:
        wrong = f"{name} has no password, and usermod could not undo a lock of it"
    elif _shut(known[name]):
        wrong = f"{name} is locked and expired already"
    return Check(name="may_be_touched", ok=not wrong, detail=wrong or f"{name} may be locked")


def _somebody_left(names: Sequence[str], known: dict[str, Account], scene: Scene) -> Check:
    able = administrators(known, scene)
    left = {name for name in able.difference(names) if can_enter(known[name], scene)}
    if able.isdisjoint(names):
        return Check(
            name="administrator_left", ok=True, detail="none of them administers this host"
        )
    detail = (
        f"left: {', '.join(sorted(left))}" if left else "nobody who could become root would be left"
    )
    return Check(name="administrator_left", ok=bool(left), detail=detail)


def _present(program: str, scene: Scene) -> Check:
    where = scene.system.find(program)
    return Check(
        name=f"{program}_present",
        ok=where is not None,
        detail=where or f"{program} is not installed",
    )


def _writable(scene: Scene) -> Check:
    """Usermod writes new files beside the old ones."""
    places = [scene.source.at(path) for path in ("/etc", "/etc/shadow")]
    closed = [place for place in places if not os.access(place, os.W_OK)]
    detail = (
        f"can't be written: {', '.join(closed)}" if closed else "the accounts' files can be written"
    )
    return Check(name="privileged", ok=not closed, detail=detail)


def _outlasts_a_reboot(scene: Scene) -> Check:
    """A lock is in a file, so a reboot does not end it; something must set the switch anew, should the agent be dead by then."""
    try:
        there = scene.source.lstat(_WANTS) is not None
    except OSError:
        there = False
    words = "enabled" if there else "not enabled, so nothing would end the lock after a reboot"
    return Check(name="ends_after_reboot", ok=there, detail=f"{_HOLD} is {words}")
