"""The parameters of `collect`: what of a host, and how much of it at most."""

import posixpath
from collections.abc import Mapping
from typing import Any, Final

from vedette.core import InvalidInput
from vedette.respond.named import cause
from vedette.respond.parameters import flag, known_only, numbers, seconds, texts, whole

__all__ = ["CollectSchema"]

_KIB, _MIB = 1024, 1024 * 1024
_MOST_PATHS, _MOST_LOGS, _MOST_PIDS, _MOST_TABLES = 32, 16, 8, 32
_PATH_LETTERS = 4_096
_WHAT: Final = ("process", "pids", "file", "files", "logs", "tables")


class CollectSchema:
    """As policies write it. What a host gives of that, and how much, is the host's to say."""

    name: Final = "collect"
    disruptive: Final = False
    on_host: Final = True
    parameters: Final[Mapping[str, str]] = {
        "process": "`@cause`: the processes that the incident's reasons name, as its snapshot shows them",
        "pids": "Numbers of processes, whoever has them when the host collects; at most 8",
        "file": "`@cause`: the files that the incident's reasons name",
        "files": "Absolute paths of files, of which the beginning is kept; at most 32",
        "logs": "Absolute paths of files, of which the end is kept; at most 16",
        "tables": "Names of tables, as they are when the host collects, such as process_open_sockets; at most 32",
        "environ": "Whether the processes' environments are collected too, which often hold secrets; false if not given",
        "executable": "Whether copies of the processes' programs are collected too; false if not given",
        "bytes": "Most bytes in all, before compression: 65536 to 33554432; 8388608 if not given",
        "file_bytes": "Most bytes of one file: 1024 to 33554432; 1048576 if not given",
        "max_files": "Most files: 1 to 1000; 64 if not given",
        "within": "Most time that collecting takes: 1s to 10m; 30s if not given",
    }

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """All of them, with bounds in bytes and seconds.

        Raises:
            InvalidInput: what is wrong and where.
        """
        del dry_run
        known_only(parameters, self.parameters)
        if not any(parameters.get(name) for name in _WHAT):
            raise InvalidInput(f"say what to collect: one of {', '.join(_WHAT)}", at=[])
        found: dict[str, Any] = {
            name: cause(parameters, name) for name in ("process", "file") if name in parameters
        }
        return found | {
            "pids": numbers(parameters, "pids", least=1, most=2**31 - 1, many=_MOST_PIDS),
            "files": _paths(parameters, "files", _MOST_PATHS),
            "logs": _paths(parameters, "logs", _MOST_LOGS),
            "tables": _tables(parameters),
            "environ": flag(parameters, "environ"),
            "executable": flag(parameters, "executable"),
            "bytes": whole(
                parameters, "bytes", least=64 * _KIB, most=32 * _MIB, otherwise=8 * _MIB
            ),
            "file_bytes": whole(
                parameters, "file_bytes", least=_KIB, most=32 * _MIB, otherwise=_MIB
            ),
            "max_files": whole(parameters, "max_files", least=1, most=1_000, otherwise=64),
            "within": seconds({"within": "30s", **parameters}, "within", least=1.0, most=600.0),
        }


def _paths(parameters: Mapping[str, Any], name: str, most: int) -> list[str]:
    paths = texts(parameters, name, most=most)
    for index, path in enumerate(paths):
        plain = (
            posixpath.normpath(path) == path and path.startswith("/") and not path.startswith("//")
        )
        if not plain or len(path) > _PATH_LETTERS or not path.isprintable():
            raise InvalidInput(
                f"{name} has {path[:200]!r}; write the absolute path of a file, without . or ..",
                at=[name, index],
            )
    return paths


def _tables(parameters: Mapping[str, Any]) -> list[str]:
    names = texts(parameters, "tables", most=_MOST_TABLES)
    for index, name in enumerate(names):
        if not name.isascii() or not name.replace("_", "a").isalnum() or not name.islower():
            raise InvalidInput(
                f"tables has {name[:80]!r}, which names no table", at=["tables", index]
            )
    return names
