"""Whether packages change on a host: by another content of the package tables, or a package manager at work."""

from collections.abc import Mapping

from vedette.detect.fingerprint import fingerprint
from vedette.detect.place import place
from vedette.detect.short import short
from vedette.detect.view import View

__all__ = ["PACKAGES", "package_manager_runs", "packages_brought", "packages_now"]

PACKAGES = ("deb_packages", "rpm_packages")
_LETTERS = 64  # of a name
_MANAGERS = frozenset(
    [
        "dpkg",
        "apt",
        "apt-get",
        "aptitude",
        "unattended-upgr",
        "unattended-upgrade",
        "rpm",
        "yum",
        "dnf",
        "zypper",
    ]
)


def packages_now(view: View, before: Mapping[str, int]) -> dict[str, int]:
    """The fingerprint of each package table; what it was `before` where it is unchanged or was not seen."""
    now = dict(before)
    for table in PACKAGES:
        if table in view.seen and not (table in before and table in view.unchanged):
            now[table] = fingerprint(view.digest(table))
    return now


def packages_brought(view: View) -> list[str] | None:
    """The names of packages that came or have another version now, in order; None where that can't be told."""
    names = set()
    for table in PACKAGES:
        if table not in view.seen or table in view.unchanged:
            continue
        if not view.held.get(table):
            return None
        rows = view.rows(table)
        names |= {short(str(rows[at].get("name")), _LETTERS) for at in view.turnover(table).came}
    return sorted(names)


def package_manager_runs(view: View) -> bool:
    """Whether a package manager of the system is running now."""
    return not _MANAGERS.isdisjoint(view.names) and any(
        row.get("name") in _MANAGERS and place(str(row.get("path") or "")) == "system"
        for row in view.rows("processes")
    )
