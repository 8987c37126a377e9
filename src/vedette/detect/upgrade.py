"""Whether packages change on a host: by another content of the package tables, or a package manager at work."""

import re

from vedette.detect.fingerprint import fingerprint
from vedette.detect.place import place
from vedette.detect.view import View

__all__ = ["PACKAGES", "package_manager_runs", "packages_now"]

PACKAGES = ("deb_packages", "rpm_packages")
_MANAGERS = re.compile(
    r"^(dpkg|apt|apt-get|aptitude|unattended-upgr|unattended-upgrade|rpm|yum|dnf|zypper)$"
)


def packages_now(view: View, before: int | None) -> int | None:
    """The fingerprint of the package tables; what it was `before` when they are unchanged or were not seen."""
    tables = [table for table in PACKAGES if table in view.seen]
    if not tables or (before is not None and all(table in view.unchanged for table in tables)):
        return before
    rows = (
        f"{row.get('name')}\0{row.get('version')}" for table in tables for row in view.rows(table)
    )
    return fingerprint(*sorted(rows))


def package_manager_runs(view: View) -> bool:
    """Whether a package manager of the system is running now."""
    return any(
        _MANAGERS.match(str(row.get("name"))) is not None
        and place(str(row.get("path") or "")) == "system"
        for row in view.rows("processes")
    )
