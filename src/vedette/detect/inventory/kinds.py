"""The kinds of facts, and the tables each is read from."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from vedette.detect.inventory import accounts, doors, files, starters
from vedette.detect.inventory.fact import Fact
from vedette.detect.view import View

__all__ = ["KINDS", "Kind"]


class Kind(NamedTuple):
    """A kind of facts.

    `tables` hold them: it is seen when one of them is, unchanged when all that are seen are. `needs` must be
    seen beside; `steady` kinds change only by an act, others (ports) come and go by themselves.
    """

    name: str
    tables: tuple[str, ...]
    read: Callable[[View], Iterable[Fact]]
    needs: frozenset[str] = frozenset()
    steady: bool = True

    def seen(self, view: View) -> bool:
        """Whether the view can say anything about this kind."""
        return self.needs <= view.seen and not view.seen.isdisjoint(self.tables)

    def unchanged(self, view: View) -> bool:
        """Whether the view is known to hold the same facts as last time."""
        return not self.needs and all(
            table in view.unchanged or table not in view.seen for table in self.tables
        )


KINDS = (
    Kind("user", ("users",), accounts.users),
    Kind("key", ("authorized_keys",), accounts.keys),
    Kind("sudo", ("sudoers",), accounts.rules),
    Kind("login", ("logged_in_users",), accounts.logins),
    Kind("cron", ("crontab",), starters.jobs),
    Kind("unit", ("systemd_units",), starters.units),
    Kind("module", ("kernel_modules",), starters.modules),
    Kind("mount", ("mounts",), starters.mounts),
    Kind("suid", ("suid_bin",), files.raised),
    Kind("hash", ("hash",), files.digests),
    Kind("listen", ("listening_ports",), doors.ports, frozenset({"processes"}), steady=False),
    Kind("tool", ("deb_packages", "rpm_packages"), doors.packages),
)
