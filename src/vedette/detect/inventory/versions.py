"""Versions of the packages that matter: which moved, and which went back."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence

from vedette.core import Row
from vedette.detect.inventory.excuses import OWNED
from vedette.detect.inventory.fact import Fact, text
from vedette.detect.short import short
from vedette.detect.view import View

__all__ = ["FOLLOWED", "Versions", "followed", "older", "versions", "versions_now"]

Versions = Mapping[str, Mapping[str, str]]
"""By the kind of facts they make, the followed packages' versions by name."""

FOLLOWED = OWNED | frozenset(
    [
        "libc6",
        "glibc",
        "libssl3",
        "libssl3t64",
        "openssl-libs",
        "libpam0g",
        "pam",
        "polkitd",
        "polkit",
        "policykit-1",
        "systemd",
        "dbus",
        "nginx",
        "apache2",
        "httpd",
        "postgresql-common",
        "mariadb-server",
        "redis-server",
        "redis",
        "docker-ce",
        "docker.io",
        "containerd.io",
        "containerd",
        "runc",
        "samba",
        "bind9",
        "exim4-base",
        "postfix",
        "dnsmasq-base",
        "xz-utils",
        "liblzma5",
    ]
)
"""Packages whose going back to a version never seen here matters, and those that explain a changed program."""

_READ_AS = {"deb_packages": "version", "rpm_packages": "version.rpm"}
_LETTERS = 64
_RUNS = re.compile(r"([^0-9]*)([0-9]*)")
_Part = tuple[tuple[int, ...], int]


def versions_now(view: View, before: Versions, known: Container[str]) -> Versions:
    """The followed packages' versions; of a table that is unchanged or was not seen as `before`.

    `known` are the kinds that were read before. Where nothing is read, `before` itself is given.
    """
    read = {
        kind: _read(view.rows(table))
        for table, kind in _READ_AS.items()
        if table in view.seen and not (table in view.unchanged and kind in known)
    }
    return {**before, **read} if read else before


def _read(rows: Sequence[Row]) -> dict[str, str]:
    names = [row.get("name") for row in rows]
    here = FOLLOWED.intersection(names)
    if not here:
        return {}
    return {
        name: short(text(row, "version"), _LETTERS)
        for name, row in zip(names, rows, strict=True)
        if name in here and isinstance(name, str)
    }


def followed(versions: Versions) -> frozenset[str]:
    """The names of all that is followed on a host."""
    return frozenset().union(*versions.values())


def versions(kind: str, now: Versions, before: Versions) -> Iterator[Fact]:
    """The followed packages of one table: one by name, its version is the value."""
    lasting = before.get(kind, {})
    for name, version in now.get(kind, {}).items():
        last = lasting.get(name, version)
        down = older(version, last)
        yield Fact(
            kind,
            name,
            version,
            ("version.moved",),
            f"package:{name}",
            f"{name} {version}, it was {last}" if down else f"{name} {version}",
            "version.down" if down else "version.moved",
            "core-package" if name in _CORE else "",
        )


_CORE = frozenset(
    [
        "openssh-server",
        "sudo",
        "sudo-rs",
        "cron",
        "cronie",
        "systemd",
        "rsyslog",
        "bash",
        "coreutils",
        "procps",
        "procps-ng",
        "nginx",
        "apache2",
        "httpd",
        "postgresql-common",
        "mariadb-server",
        "redis-server",
        "docker-ce",
        "docker.io",
    ]
)


def older(version: str, other: str) -> bool:
    """Whether the version sorts before the other, as deb-version(7) orders them."""
    if version == other:
        return False
    return _order(version) < _order(other)


def _order(version: str) -> tuple[int, list[_Part], list[_Part]]:
    epoch, colon, rest = version.partition(":")
    whole = int(epoch[:9]) if colon and epoch.isascii() and epoch.isdecimal() else 0
    upstream, _, revision = (rest if colon else version).rpartition("-")
    return whole, *((_parts(upstream), _parts(revision)) if upstream else (_parts(revision), []))


def _parts(some: str) -> list[_Part]:
    """Runs of other signs and of digits by turns; of signs, a tilde comes before the end, letters before the rest."""
    return [
        ((*(map(_rank, signs)), 0), int(digits[:18] or 0)) for signs, digits in _RUNS.findall(some)
    ]


def _rank(sign: str) -> int:
    if sign == "~":
        return -1
    return ord(sign) if sign.isalpha() else ord(sign) + 0x110000
