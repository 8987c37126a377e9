"""What of this host may be collected as evidence, and how much: the operator's word, whatever the server asks."""

import posixpath
from typing import Annotated

from msgspec import Meta

from vedette.core import ConfigError, Record

__all__ = ["EvidenceSettings"]

_KIB = 1024
_MIB = 1024 * _KIB


class EvidenceSettings(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `[evidence]`. Bounds hold whatever more the server asks for."""

    paths: Annotated[
        tuple[str, ...],
        Meta(
            max_length=64,
            description="Folders and files of which files may be collected, with all below; never secrets",
        ),
    ] = (
        "/dev/shm",  # noqa: S108 - read, never written
        "/etc",
        "/opt",
        "/run",
        "/tmp",  # noqa: S108
        "/usr",
        "/var/log",
        "/var/spool/cron",
        "/var/tmp",  # noqa: S108
    )
    max_bytes: Annotated[
        int, Meta(ge=64 * _KIB, le=32 * _MIB, description="Most bytes in all, before compression")
    ] = 8 * _MIB
    max_file_bytes: Annotated[
        int, Meta(ge=_KIB, le=32 * _MIB, description="Most bytes of one file")
    ] = 4 * _MIB
    max_files: Annotated[int, Meta(ge=1, le=1_000, description="Most files")] = 256
    max_seconds: Annotated[
        float, Meta(ge=1, le=600, description="Most seconds that collecting takes")
    ] = 60.0
    environ: Annotated[
        bool, Meta(description="Whether processes' environments, which often hold secrets, may be")
    ] = False
    executables: Annotated[
        bool, Meta(description="Whether copies of processes' programs may be collected")
    ] = True

    def check(self) -> None:
        """What types can't say. Raises ConfigError."""
        for path in self.paths:
            if not path.startswith("/") or posixpath.normpath(path) != path or path == "//":
                raise ConfigError(
                    f"evidence.paths has {path!r}; write an absolute path without . or .., such as /var/log"
                )

    def allows(self, path: str) -> bool:
        """Whether a file of that path may be collected, as far as the setting says."""
        return any(within(path, prefix) for prefix in self.paths)


def within(path: str, prefix: str) -> bool:
    """Whether the path is that one, or below it."""
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")
