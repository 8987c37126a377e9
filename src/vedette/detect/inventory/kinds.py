"""The kinds of facts, and the tables each is read from."""

from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import NamedTuple

from vedette.detect.inventory import accounts, doors, files, lists, mounts, starters, versions
from vedette.detect.inventory.fact import Fact
from vedette.detect.view import View

__all__ = ["EXPLAINING", "KINDS", "PASSING", "WIDENING", "Kind", "Memory", "kinds_of"]


class Memory(NamedTuple):
    """What some readers must know beside the rows.

    The names of service accounts that can't log in, and the versions of followed packages now and when last read.
    """

    closed: Collection[str]
    versions: versions.Versions
    before: versions.Versions


class Kind(NamedTuple):
    """A kind of facts. One whose keys or values are formed anew gets another name: a host's state then reads it anew.

    `table` holds them; `needs` must be seen beside. `steady` kinds change only by an act, others (ports) come and go
    by themselves. `reader` gets the memory too where `with_memory` says so.
    """

    name: str
    table: str
    reader: Callable[..., Iterable[Fact]]
    needs: frozenset[str] = frozenset()
    steady: bool = True
    with_memory: bool = False

    def here(self, seen: AbstractSet[str]) -> bool:
        """Whether a view that has the rows of these tables has those of this kind."""
        return self.needs <= seen and self.table in seen

    def told(self, seen: AbstractSet[str], unchanged: AbstractSet[str]) -> bool:
        """Whether such a view can say anything about this kind, be it only that it is as it was."""
        return self.here(seen) or (not self.needs and self.table in unchanged)

    def read_before(self, unchanged: AbstractSet[str], *, same_listeners: bool) -> bool:
        """Whether reading it again would give what it last gave, with the ports held by the same or by others."""
        return same_listeners if self.needs else self.table in unchanged

    def whole(self, doubted: AbstractSet[str]) -> bool:
        """Whether what is not among its facts has gone, given the tables that are in doubt."""
        return self.table not in doubted and self.needs.isdisjoint(doubted)

    def read(self, view: View, memory: Memory) -> Iterable[Fact]:
        """Its facts, from rows that are here."""
        return self.reader(view, memory) if self.with_memory else self.reader(view)


def _logins(view: View, memory: Memory) -> Iterable[Fact]:
    return accounts.logins(view, memory.closed)


def _jobs(view: View, memory: Memory) -> Iterable[Fact]:
    return starters.jobs(view, memory.closed)


def _debs(_: View, memory: Memory) -> Iterable[Fact]:
    return versions.versions("version", memory.versions, memory.before)


def _rpms(_: View, memory: Memory) -> Iterable[Fact]:
    return versions.versions("version.rpm", memory.versions, memory.before)


class Kinds(NamedTuple):
    """The kinds that a view tells of, those whose rows it has, and of these the ones that may have changed."""

    told: tuple[Kind, ...]
    here: Mapping[str, Kind]
    moved: Mapping[str, Kind]


@lru_cache(maxsize=1024)
def kinds_of(seen: frozenset[str], unchanged: frozenset[str], *, same_listeners: bool) -> Kinds:
    """What such a view has. Most views are of one sort, so this is seldom worked out."""
    here = [kind for kind in KINDS if kind.here(seen)]
    moved = [k for k in here if not k.read_before(unchanged, same_listeners=same_listeners)]
    return Kinds(
        tuple(kind for kind in KINDS if kind.told(seen, unchanged)),
        {kind.name: kind for kind in here},
        {kind.name: kind for kind in moved},
    )


_WITH_PROCESSES = frozenset({"processes"})

KINDS = (
    Kind("user", "users", accounts.users),
    Kind("home", "users", accounts.homes),
    Kind("twin", "users", accounts.twins),
    Kind("key", "authorized_keys", accounts.keys),
    Kind("keyring", "authorized_keys", accounts.keyring),
    Kind("sudo", "sudoers", accounts.rules),
    Kind("login", "logged_in_users", _logins, with_memory=True),
    Kind("origin", "logged_in_users", accounts.origins),
    Kind("network", "logged_in_users", accounts.networks),
    Kind("cron", "crontab", _jobs, with_memory=True),
    Kind("care", "crontab", starters.care),
    Kind("unit.file", "systemd_units", starters.units),
    Kind("unit.state", "systemd_units", starters.unit_states),
    Kind("module", "kernel_modules", starters.modules),
    Kind("mount", "mounts", mounts.mounts),
    Kind("mount.flags", "mounts", mounts.flags),
    Kind("suid", "suid_bin", files.raised),
    Kind("hash", "hash", files.digests),
    Kind("port", "listening_ports", doors.ports, _WITH_PROCESSES, steady=False),
    Kind("door", "listening_ports", doors.owners, _WITH_PROCESSES, steady=False),
    Kind("reach", "listening_ports", doors.reaches, _WITH_PROCESSES, steady=False),
    Kind("tool", "deb_packages", lists.deb_packages),
    Kind("tool.rpm", "rpm_packages", lists.rpm_packages),
    Kind("version", "deb_packages", _debs, with_memory=True),
    Kind("version.rpm", "rpm_packages", _rpms, with_memory=True),
)

EXPLAINING = frozenset({"user", "home", "key", "cron"})
"""Kinds of which any change explains others: the file that holds them changes with them."""

WIDENING = frozenset({"hash", "mount.flags"})
"""Kinds of which an agent of another version, or told otherwise, shows more: that is newly looked at, not new."""

PASSING = frozenset({"login", "origin", "network"})
"""Kinds whose facts seldom stay for long: people come and go."""
