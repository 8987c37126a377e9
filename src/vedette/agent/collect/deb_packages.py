"""osquery's `deb_packages`, from dpkg's status file."""

from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Table
from vedette.core import Row

__all__ = ["DebPackages"]

_STATUS = "/var/lib/dpkg/status"
_WANTED = (b"Package:", b"Version:", b"Status:")


class DebPackages:
    """Parses the file again only when it has changed. A host without dpkg has no packages of this kind."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._key: tuple[int, ...] | None = None
        self._rows: list[Row] = []

    def forget(self) -> None:
        """Reads the file anew next time."""
        self._key, self._rows = None, []

    def collect(self) -> Table:
        """One row per installed package: name and version, sorted by name."""
        try:
            seen = self._source.stat(_STATUS)
        except FileNotFoundError:
            return Table(rows=[])
        key = (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
        if key != self._key:
            self._rows = _parse(self._source.read(_STATUS, 512 * 1024 * 1024))
            self._key = key
        return Table(rows=self._rows)


def _parse(raw: bytes) -> list[Row]:
    found: list[tuple[str, str]] = []
    fields: dict[bytes, bytes] = {}
    for line in raw.split(b"\n"):
        if line.startswith(_WANTED):
            name, _, value = line.partition(b":")
            fields[name] = value.strip()
        elif not line.strip():
            _keep(fields, found)
            fields = {}
    _keep(fields, found)
    return [{"name": name, "version": version} for name, version in sorted(found)]


def _keep(fields: dict[bytes, bytes], found: list[tuple[str, str]]) -> None:
    if fields.get(b"Status", b"").endswith(b" installed") and b"Package" in fields:
        found.append((text(fields[b"Package"]), text(fields.get(b"Version", b""))))
