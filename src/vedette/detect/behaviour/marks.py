"""What a process's context says of it: who runs it, with whose rights, and whom it newly talks to."""

import re
from collections import Counter
from typing import NamedTuple

from vedette.detect.behaviour.age import Family, is_settled, is_the_same_as_ever
from vedette.detect.behaviour.alone import has_entered, is_loose, names_stranger
from vedette.detect.behaviour.form import Form
from vedette.detect.behaviour.guise import is_posed, is_twin, names_its_script
from vedette.detect.behaviour.shape import Contact, Process, program_of
from vedette.detect.behaviour.sockets import Peer, Wires
from vedette.detect.behaviour.state import BehaviourState
from vedette.detect.behaviour.trade import SUID, is_bare, served, trade
from vedette.detect.behaviour.traffic import Surge
from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.fact import number
from vedette.detect.place import hidden, known_hidden, place
from vedette.detect.ports import WEB

__all__ = ["Setting", "flags_of", "marks_of"]

_BAD_PORTS = frozenset(
    {
        1337,
        3333,
        4242,
        4444,
        4445,
        5555,
        6666,
        6667,
        6697,
        7777,
        9001,
        9999,
        12345,
        13337,
        14444,
        31337,
        45560,
    }
)
_FLOOD = 40  # connections at once of one process to one peer it never had
_SSH, _DNS = 22, 53
_IDENTITY = "169.254.169.254"  # where clouds hand out a machine's own credentials
_CLIENTS = r"ssh|scp|sftp|rsync|git|ansible|salt|fabric|paramiko|borg|restic|backup|duplicity|rdiff|unison|mosh|jump"
# Ports that belong to few kinds of programs, and these.
_OWNERS: dict[int, re.Pattern[str]] = {
    22: re.compile(_CLIENTS),
    23: re.compile(r"telnet|expect"),
    139: re.compile(r"smb|cifs|samba|winbind"),
    445: re.compile(r"smb|cifs|samba|winbind|gvfs"),
    2375: re.compile(r"docker|containerd|portainer|traefik|telegraf"),
    3389: re.compile(r"rdp|remmina|guac"),
    5900: re.compile(r"vnc|guac|remmina|websockify"),
    5985: re.compile(r"winrm|ansible|pwsh"),
    53: re.compile(
        r"named|unbound|dnsmasq|resolve|pdns|coredns|dig|host|nslookup|stubby|consul|kube|avahi|NetworkManager|dns"
    ),
    10250: re.compile(r"kube|prometheus|metrics|k3s|vmagent|telegraf"),
}
_CLOUD = re.compile(
    r"cloud|ssm|aws|waagent|google|guest|ec2|kube|agent|telegraf|fluent|vector|consul|vault|nomad|dhclient|networkd|chrony|docker|containerd|dockerd|otel"
)
_STORE = re.compile(
    r"^(postgres|postmaster|mysqld|mariadbd|redis-server|redis-check-rdb|valkey-server|memcached)$"
)
_STORE_PORTS = frozenset(
    {3306, 5432, 5433, 6379, 6380, 16379, 26379, 389, 636, 88, 4444, 4567, 4568, 33060, 33061}
)
# Parts of the system that talk to the machine alone, whoever's names they look up; and those that write logs.
_MUTE = re.compile(
    r"^(cron|crond|atd|agetty|getty|dbus-daemon|dbus-broker\S*|systemd-logind|elogind|systemd-udevd|udevd|auditd|acpid|irqbalance|polkitd|rngd|gpm)$"
)
_LOGGER = re.compile(r"^(rsyslogd|syslog-ng|systemd-journald)$")
_DIRECTORIES = frozenset({53, 88, 123, 389, 636, 749, 3268, 3269})
_QUIET_PORTS = frozenset({22, 25, 53, 80, 123, 443, 587})

_CARRIES = frozenset({"send", "upload", "exfil"})
_COMMON_PORTS = _QUIET_PORTS | {465, 993, 995, 8_080, 8_443, 853}
_BROKERS = frozenset({1_883, 4_222, 5_671, 5_672, 8_883, 9_092, 9_093, 27_017, 27_018})
_MARGIN = 60  # seconds after a change of packages in which what it replaces may still start


class Setting(NamedTuple):
    """What of the host a mark may hang on: its state, time and processes, its connections, and what it sends beside what is usual."""

    family: Family
    net: Wires
    surge: Surge


def flags_of(process: Process, net: Wires, locked: frozenset[int]) -> tuple[str, ...]:
    """What of the context belongs to the shape: a locked account, a shell's own connection, another's rights."""
    shell = process.form.role == "shell"
    flags = []
    if shell and process.uid in locked:
        flags.append("locked")
    if shell and net.ends.get(process.pid, set()) - net.ends.get(process.above, set()):
        flags.append("wired")
    return (*flags, *_rights(process, shell=shell))


def _rights(process: Process, *, shell: bool) -> list[str]:
    """Root's rights that neither a login nor a program made for it gave."""
    seen = process.form
    if SUID.match(seen.base) or SUID.match(seen.name):
        return []
    if process.uid and number(process.row, "euid", process.uid) == 0:
        tool = shell or seen.role in {"interpreter", "server"} or trade(seen)
        return ["raised" if tool else "lifted"]
    above = process.parent
    if process.uid or process.above_uid <= 0 or above is None:
        return []
    return [] if SUID.match(above.base) or SUID.match(above.name) else ["jumped"]


def marks_of(
    process: Process,
    behind: str,
    talk: Contact,
    flags: tuple[str, ...],
    setting: Setting,
) -> tuple[str, ...]:
    """All marks of a process: those of its form, and those of its context."""
    family, seen = setting.family, process.form
    state = family.state
    marks = _of_form(process, behind, talk, family)
    if setting.surge.far and _carries(process, behind):
        marks.append("bulk")
    if _is_late(process, state):
        marks.append("late")
    if "locked" in flags and process.account == "service" and seen.mode in {"interactive", "login"}:
        marks.append("nologin")
    marks += [flag for flag in flags if flag != "locked"]
    marks += _served(process, behind)
    marks += _guised(process, behind, family)
    if behind == "init" and process.account != "service":
        stranger = names_stranger(process)
        marks += [stranger] if stranger is not None else []
    if has_entered(process):
        marks.append("entered")
    marks += _talked(process, behind, talk, setting)
    if _asks_identity(process, talk, family):
        marks.append("identity")
    if talk.kind == "new" and _talks_anew(process, behind, talk, family):
        marks.append("talk")
    return tuple(dict.fromkeys(marks))


def _of_form(process: Process, behind: str, talk: Contact, family: Family) -> list[str]:
    """The marks of its form, as what is known of the host lets them be read."""
    state, marks = family.state, list(process.form.marks)
    if "gone.system" in marks and _is_fresh(process, state, family.now):
        marks[marks.index("gone.system")] = "gone.fresh"
    if "gone.home" in marks and behind == "init" and _is_strange(process, state):
        marks[marks.index("gone.home")] = "gone.strange"
    if "retitled" in marks and names_its_script(process):
        marks.remove("retitled")
    if "blank" in marks and not talk.fresh:
        # What ended while it was read shows no command line either.
        marks.remove("blank")
    return marks


def _guised(process: Process, behind: str, family: Family) -> list[str]:
    """The marks of another's name that its form alone does not show."""
    marks = ["posed"] if is_posed(process) else []
    if "double" not in process.form.marks and behind != "work" and is_twin(process, family):
        marks.append("twin")
    return marks


def _is_fresh(process: Process, state: BehaviourState, now: float) -> bool:
    """Whether it was started after the last change of packages: so it was not that which replaced it."""
    path = process.form.path
    if path.startswith(("/snap/", "/nix/")):
        return False
    return number(process.row, "start_time", 0) > (state.packaged or now) + _MARGIN


def _is_strange(process: Process, state: BehaviourState) -> bool:
    """Whether its program was never seen here before it was deleted: nothing replaced it. In a container all paths may look so."""
    return (
        place(process.form.path) != "layer"
        and fingerprint(program_of(process)) not in state.programs
    )


def _carries(process: Process, behind: str) -> bool:
    """Whether it carries files off, and neither people nor the machine's own jobs do."""
    if behind == "work" or (behind == "cron" and process.account == "root"):
        return False
    return process.form.deed in _CARRIES or trade(process.form) in {"cloud", "copy"}


def _is_late(process: Process, state: BehaviourState) -> bool:
    """Whether it is the daemon of put-off jobs, or one of these, where that daemon was never seen."""
    daemons = [
        one for one in (process.form, process.parent) if one is not None and one.base == "atd"
    ]
    return bool(daemons) and not any(
        fingerprint(program_of(process._replace(form=one, account=who))) in state.programs
        for one in daemons
        for who in ("root", "service")
    )


def _leaks(process: Process, behind: str, talk: Contact, setting: Setting) -> str | None:
    """The mark of a long-running service that sends more than usual, and newly talks to somebody.

    Outside to an address, where it is far more; or to a port that it never used, where it is more: partners have several addresses.
    """
    sent = setting.surge
    if not sent.more or behind not in {"init", "server"}:
        return None
    opened = [peer for peer in talk.fresh if peer.port in talk.ports]
    far = any(not peer.private for peer in (talk.fresh if sent.far else opened))
    if not _is_odd(process, setting.family, far=far):
        return None
    if far:
        return "leak"
    return "leak.near" if any(peer.port in _QUIET_PORTS for peer in opened) else None


def _is_mute(process: Process, talk: Contact) -> bool:
    """Whether a part of the system talks to somebody that has nothing to say, or a writer of logs does as browsers do.

    The SSH server's listener hands its connections on, and so does the first process; what they start may well call out.
    """
    seen = process.form
    listens = seen.base == "sshd" and "[listener]" in seen.shown
    first = process.pid == "1" and seen.base in {"init", "systemd"}
    if listens or first or _MUTE.match(seen.base):
        return any(peer.port not in _DIRECTORIES for peer in talk.fresh)
    if _LOGGER.match(seen.base):
        return any(not peer.private and peer.port in WEB for peer in talk.fresh)
    return False


def _calls(process: Process, behind: str, talk: Contact) -> bool:
    """Whether a program from an odd place, with nobody behind it, calls an odd port outside.

    People keep scripts at home that talk to databases and brokers: of theirs and of root's only programs by themselves count, and other ports.
    """
    seen = process.form
    if not process.alone or behind != "init":
        return False
    thing, usual = seen.script or seen.path, _COMMON_PORTS
    if process.account != "service":
        if seen.role != "other" or known_hidden(thing):
            return False
        usual = _COMMON_PORTS | _STORE_PORTS | _BROKERS
    odd = place(thing) in {"home", "roothome"} or hidden(thing) or known_hidden(thing)
    return (odd or "data" in seen.marks) and any(
        not peer.private and peer.port not in usual for peer in talk.fresh
    )


def _talked(process: Process, behind: str, talk: Contact, setting: Setting) -> list[str]:
    """The marks of new contacts."""
    if not talk.fresh:
        return []
    net, seen, found = setting.net, process.form, []
    if talk.kind == "fan":
        found.append("fan")
    leak = _leaks(process, behind, talk, setting)
    if leak is not None:
        found.append(leak)
    if _is_mute(process, talk):
        found.append("mute")
    if _calls(process, behind, talk):
        found.append("caller" if process.account == "service" else "caller.own")
    if seen.role == "interpreter" and (seen.mode == "code" or is_bare(seen)):
        found.append("coded")
    if any(peer.port in _BAD_PORTS for peer in talk.fresh):
        found.append("badport")
    if len(net.ends.get(process.pid, ())) >= _FLOOD and _floods(process, talk, net):
        found.append("flood")
    if behind != "work":
        found += dict.fromkeys(
            mark for peer in talk.fresh if (mark := _purpose(seen, peer)) is not None
        )
    if _STORE.match(seen.base) and any(peer.port not in _STORE_PORTS for peer in talk.fresh):
        found.append("store")
    return found


def _floods(process: Process, talk: Contact, net: Wires) -> bool:
    ends = Counter((far, port) for _, far, port in net.ends[process.pid])
    return max(ends[peer.address, peer.port] for peer in talk.fresh) >= _FLOOD


def _purpose(seen: Form, peer: Peer) -> str | None:
    """The mark of a port that belongs to other kinds of programs."""
    owners = _OWNERS.get(peer.port)
    if owners is None or owners.search(seen.base) or owners.search(seen.script):
        return None
    if peer.port == _DNS:
        return None if peer.private else "foreign.dns"
    return "foreign.ssh" if peer.port == _SSH else "foreign"


def _served(process: Process, behind: str) -> list[str]:
    """A tool, a shell or inline code where a service runs; a shell that no login started."""
    seen, alone = process.form, process.alone
    if behind in {"cron", "work"}:
        return []
    if process.account == "root":
        return ["loose"] if behind == "init" and is_loose(process) else []
    if process.account == "user" and alone:
        return []
    marks = served(seen, process.parent, process.starter, alone=alone)
    return [*(["service.recon"] if marks and seen.deed == "recon" else ()), *marks]


def _is_odd(process: Process, family: Family, *, far: bool) -> bool:
    """Whether its new contacts are not its service's start's. One that started again as it was may find new partners inside."""
    return is_settled(process, family) or (far and is_the_same_as_ever(process, family))


def _asks_identity(process: Process, talk: Contact, family: Family) -> bool:
    return (
        any(peer.address == _IDENTITY for peer in talk.fresh)
        and not _CLOUD.search(process.form.base)
        and is_settled(process, family)
    )


def _talks_anew(process: Process, behind: str, talk: Contact, family: Family) -> bool:
    if behind not in {"init", "server"}:
        return False
    opened = [peer for peer in talk.fresh if peer.port in set(talk.ports) - _QUIET_PORTS]
    return bool(opened) and _is_odd(process, family, far=any(not one.private for one in opened))
