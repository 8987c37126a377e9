"""osquery's `systemd_units`, from unit files alone: systemd itself is not asked, so it need not run."""

import os
import re
import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Misses, Table

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
# Links that the administrator's `systemctl enable` makes; those of vendors do not count as enabled.
_ENABLING = ("/etc/systemd/system", "/run/systemd/system")
_UNIT = re.compile(
    r"[^/]+\.(?:service|socket|timer|target|path|mount|automount|swap|slice|scope|device)"
)
_INSTALL_KEYS = re.compile(rb"^\s*(WantedBy|RequiredBy|UpheldBy|Alias|Also)\s*=\s*\S", re.MULTILINE)
_INSTALL = re.compile(rb"^\s*\[Install\]\s*$(.*?)(?=^\s*\[|\Z)", re.MULTILINE | re.DOTALL)
_UNIT_FILE_LIMIT = 1024 * 1024


class SystemdUnits:
    """Reads a unit file again only when it has changed."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._installs: dict[str, tuple[tuple[int, ...], str]] = {}

    def collect(self) -> Table:
        """One row per unit: id, fragment_path, unit_file_state as `systemctl list-unit-files` words it."""
        misses = Misses()
        directories = self._directories(misses)
        enabled = self._enabled(misses)
        rows: list[Row] = []
        seen: set[str] = set()
        for directory, names in directories.items():
            for name in names:
                # A unit file hides those of its name in less important folders.
                if name in seen or not _UNIT.fullmatch(name):
                    continue
                path = f"{directory}/{name}"
                with misses.noting(path):
                    state = self._state(path, name, directories, enabled)
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

    def _enabled(self, misses: Misses) -> set[str]:
        """Names of units that something wants, and of units that an alias points to."""
        wanted: set[str] = set()
        for directory in _ENABLING:
            with misses.noting(directory):
                for name in self._source.names(directory):
                    path = f"{directory}/{name}"
                    if name.endswith((".wants", ".requires", ".upholds")):
                        wanted.update(self._source.names(path))
                    elif _UNIT.fullmatch(name) and (target := self._source.link(path)):
                        # A link of the same name only brings a unit file in from elsewhere.
                        wanted.update({PurePosixPath(target).name} - {name})
        return wanted

    def _state(
        self, path: str, name: str, directories: dict[str, list[str]], enabled: set[str]
    ) -> str:
        """The state's word; empty where this is no unit (a folder, a dangling link)."""
        link = self._source.link(path)
        if link is not None:
            target = os.path.normpath(PurePosixPath(path).parent / link)
            if target == "/dev/null":
                return "masked"
            folder, _, target_name = target.rpartition("/")
            within = folder in _PATHS or folder in directories
            if within and target_name != name:
                return "alias"
            if not within and not _is_on(name, enabled):
                return "linked"
        about = self._source.stat(path)
        if not stat.S_ISREG(about.st_mode):
            return ""
        if about.st_size == 0:
            return "masked"
        install = self._install(path, about)
        return "enabled" if install == "disabled" and _is_on(name, enabled) else install

    def _install(self, path: str, about: os.stat_result) -> str:
        """What the [Install] section allows: static (nothing), indirect (only Also=), else disabled until enabled."""
        key = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
        known = self._installs.get(path)
        if known is not None and known[0] == key:
            return known[1]
        raw = self._source.read(path, _UNIT_FILE_LIMIT)
        keys = {
            found for section in _INSTALL.findall(raw) for found in _INSTALL_KEYS.findall(section)
        }
        state = "static" if not keys else "indirect" if keys == {b"Also"} else "disabled"
        self._installs[path] = (key, state)
        return state


def _is_on(name: str, enabled: set[str]) -> bool:
    """Whether the unit, or for a template one of its instances, is wanted."""
    if name in enabled:
        return True
    stem, template, rest = name.partition("@.")
    if not template:
        return False
    prefix, suffix = f"{stem}@", f".{rest}"
    return any(one.startswith(prefix) and one.endswith(suffix) for one in enabled)
