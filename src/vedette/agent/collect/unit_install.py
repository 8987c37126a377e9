"""What a unit file's [Install] section allows, and which links the administrator has made: systemd.unit(5), systemctl(1)."""

import re
from pathlib import PurePosixPath

from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Misses
from vedette.core import Record

__all__ = ["UNIT", "Install", "Links"]

UNIT = re.compile(
    r"[^/]+\.(?:service|socket|timer|target|path|mount|automount|swap|slice|scope|device)"
)
_SECTION = re.compile(rb"^\s*\[Install\]\s*$(.*?)(?=^\s*\[|\Z)", re.MULTILINE | re.DOTALL)
_LINE = re.compile(
    rb"^\s*(WantedBy|RequiredBy|UpheldBy|Alias|Also|DefaultInstance)\s*=[^\S\n]*(\S.*)$",
    re.MULTILINE,
)
_WANTING = (".wants", ".requires", ".upholds")


class Install(Record, frozen=True, kw_only=True):
    """`state` is the unit's while nothing enables it: static (nothing can), indirect (only Also=), or disabled."""

    state: str
    aliases: frozenset[str]
    instance: str

    @classmethod
    def parse(cls, raw: bytes) -> "Install":
        """Reads a unit file."""
        found: dict[bytes, str] = {}
        for section in _SECTION.findall(raw):
            for key, value in _LINE.findall(section):
                found[key] = f"{found.get(key, '')} {text(value)}".strip()
        keys = found.keys() - {b"DefaultInstance"}
        return cls(
            state="static" if not keys else "indirect" if keys == {b"Also"} else "disabled",
            aliases=frozenset(found.get(b"Alias", "").split()),
            instance=found.get(b"DefaultInstance", ""),
        )


class Links:
    """The links in one of the folders in which `systemctl enable` makes them; those of vendors do not enable."""

    def __init__(self, source: Source, directory: str, misses: Misses) -> None:
        self._wanted: set[str] = set()
        self._aliases: dict[str, set[str]] = {}
        for name in source.names(directory):
            path = f"{directory}/{name}"
            with misses.noting(path):
                if name.endswith(_WANTING):
                    self._wanted.update(source.names(path))
                elif UNIT.fullmatch(name):
                    other = PurePosixPath(source.link(path) or name).name
                    # A link of the same name only brings a unit file in from elsewhere.
                    if other != name:
                        self._aliases.setdefault(other, set()).add(name)

    def enable(self, name: str, install: Install) -> bool:
        """Whether something wants the unit (of a template: its default instance), or an alias that it declares is there."""
        stem, template, rest = name.partition("@.")
        if template and install.instance and f"{stem}@{install.instance}.{rest}" in self._wanted:
            return True
        return name in self._wanted or not install.aliases.isdisjoint(self._aliases.get(name, ()))

    def touch(self, name: str) -> bool:
        """Whether it is reached in another way: a template by one of its instances, any unit by a name it does not declare."""
        if name in self._aliases:
            return True
        stem, template, rest = name.partition("@.")
        prefix, suffix = f"{stem}@", f".{rest}"
        return bool(template) and any(
            one.startswith(prefix) and one.endswith(suffix) for one in self._wanted
        )
