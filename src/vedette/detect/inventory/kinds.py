"""The kinds of facts, and the tables each is read from."""

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from vedette.detect.inventory import accounts, doors, files, starters
from vedette.detect.inventory.fact import Fact
from vedette.detect.view import View

__all__ = ["KINDS", "Kind"]


class Kind(NamedTuple):
    """A kind of facts.

    `table` holds them; `needs` must be seen beside. `steady` kinds change only by an act, others (ports) come and go
    by themselves. `reader` gets the names of closed accounts too where `by_account` says so.
    """

    name: str
    table: str
    reader: Callable[..., Iterable[Fact]]
    needs: frozenset[str] = frozenset()
    steady: bool = True
    by_account: bool = False

    def here(self, view: View) -> bool:
        """Whether the view has the rows of this kind."""
        return self.needs <= view.seen and self.table in view.seen

    def told(self, view: View) -> bool:
        """Whether the view can say anything about this kind, be it only that it is as it was."""
        return self.here(view) or self.unchanged(view)

    def unchanged(self, view: View) -> bool:
        """Whether the view is known to hold the same facts as last time, with rows or by digest alone."""
        return not self.needs and self.table in view.unchanged

    def read(self, view: View, closed: Collection[str]) -> Iterable[Fact]:
        """Its facts, from rows that are here. `closed` are the names of service accounts that can't log in."""
        return self.reader(view, closed) if self.by_account else self.reader(view)


KINDS = (
    Kind("user", "users", accounts.users),
    Kind("key", "authorized_keys", accounts.keys),
    Kind("sudo", "sudoers", accounts.rules),
    Kind("login", "logged_in_users", accounts.logins, by_account=True),
    Kind("cron", "crontab", starters.jobs),
    Kind("unit", "systemd_units", starters.units),
    Kind("module", "kernel_modules", starters.modules),
    Kind("mount", "mounts", starters.mounts),
    Kind("suid", "suid_bin", files.raised),
    Kind("hash", "hash", files.digests),
    Kind("listen", "listening_ports", doors.ports, frozenset({"processes"}), steady=False),
    Kind("tool", "deb_packages", doors.deb_packages),
    Kind("tool.rpm", "rpm_packages", doors.rpm_packages),
)
