"""osquery's `systemd_units`, from unit files alone: systemd itself is not asked, so it need not run."""

import os
import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Misses, Table
from vedette.agent.collect.unit_install import UNIT, Install, Links

if TYPE_CHECKING:
    from vedette.core import Row

__all__ = ["SystemdUnits"]

# systemd.unit(5), most important first; /lib before /usr/lib, which are one place on merged systems.
_PATHS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
)
# Where the administrator's links are, with what systemctl adds to a state that only lasts until the next boot.
_ENABLING = {"/etc/systemd/system": "", "/run/systemd/system": "-runtime"}
_UNIT_FILE_LIMIT = 1024 * 1024


class SystemdUnits:
    """Reads a unit file again only when it has changed."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._installs: dict[str, tuple[tuple[int, ...], Install]] = {}

    def forget(self) -> None:
        """Reads every file anew next time."""
        self._installs = {}

    def collect(self) -> Table:
        """One row per unit: id, fragment_path, unit_file_state as `systemctl list-unit-files` words it."""
        misses = Misses()
        directories = self._directories(misses)
        links = self._links(misses)
        rows: list[Row] = []
        seen: set[str] = set()
        for directory, names in directories.items():
            for name in names:
                # A unit file hides those of its name in less important folders.
                if name in seen or not UNIT.fullmatch(name):
                    continue
                path = f"{directory}/{name}"
                with misses.noting(path):
                    state = self._state(path, name, directories, links)
                    if state:
                        seen.add(name)
                        rows.append(
                            {
                                "id": text(name),
                                "fragment_path": text(path),
                                "unit_file_state": state,
                            }
                        )
        return Table(rows=rows, partly=str(misses))

    def _directories(self, misses: Misses) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        places: set[tuple[int, int]] = set()
        for directory in _PATHS:
            with misses.noting(directory):
                place = self._source.stat(directory)
                if (place.st_dev, place.st_ino) not in places:
                    places.add((place.st_dev, place.st_ino))
                    found[directory] = self._source.names(directory)
        return found

    def _links(self, misses: Misses) -> dict[str, Links]:
        found = {}
        for directory, suffix in _ENABLING.items():
            with misses.noting(directory):
                found[suffix] = Links(self._source, directory, misses)
        return found

    def _state(
        self, path: str, name: str, directories: dict[str, list[str]], links: dict[str, Links]
    ) -> str:
        """The state's word; empty where this is no unit (a folder, a dangling link)."""
        suffix = _ENABLING.get(path.rpartition("/")[0], "")
        word = self._linked(path, name, directories)
        if word in {"alias", "dangling"}:
            return "alias" if word == "alias" else f"linked{suffix}"
        about = None if word == "masked" else self._source.stat(path)
        if about is not None and not stat.S_ISREG(about.st_mode):
            return ""
        if about is None or about.st_size == 0:
            return f"masked{suffix}"
        install = self._install(path, about)
        for term, one in links.items():
            if one.enable(name, install):
                return f"enabled{term}"
        if word:
            return f"linked{suffix}"
        return "indirect" if any(one.touch(name) for one in links.values()) else install.state

    def _linked(self, path: str, name: str, directories: dict[str, list[str]]) -> str:
        """How it is a link: masked, alias, linked (from a file elsewhere) or dangling; else empty."""
        link = self._source.link(path)
        if link is None:
            return ""
        target = os.path.normpath(PurePosixPath(path).parent / link)
        if target == "/dev/null":
            return "masked"
        folder, _, target_name = target.rpartition("/")
        if folder in _PATHS or folder in directories:
            return "" if target_name == name else "alias"
        return "linked" if self._source.exists(path) else "dangling"

    def _install(self, path: str, about: os.stat_result) -> Install:
        key = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
        known = self._installs.get(path)
        if known is not None and known[0] == key:
            return known[1]
        install = Install.parse(self._source.read(path, _UNIT_FILE_LIMIT))
        self._installs[path] = (key, install)
        return install
