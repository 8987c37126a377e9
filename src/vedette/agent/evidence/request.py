"""What a command asks this host to collect, and the bounds that hold for it."""

from typing import Annotated, Any

import msgspec

from vedette.agent.evidence.settings import EvidenceSettings
from vedette.core import Command, InvalidInput, Record

__all__ = ["MOST_PROCESSES", "Bounds", "Named", "Request", "asked"]

MOST_PROCESSES = 16
_PATH_LETTERS = 4_096
_Path = Annotated[str, msgspec.Meta(min_length=1, max_length=_PATH_LETTERS)]
_Word = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]{1,64}$")]
_Why = Annotated[str, msgspec.Meta(max_length=1_000)]


class Named(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A process. With `start_time` (Unix seconds) and `path` it is that very one; with neither, whoever has the pid."""

    pid: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    start_time: Annotated[float, msgspec.Meta(ge=0, le=1e11)] | None = None
    path: Annotated[str, msgspec.Meta(max_length=_PATH_LETTERS)] | None = None


class Request(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command's parameters. Of `files` the beginning is kept, of `logs` the end. `unresolved` is what nobody found before."""

    processes: Annotated[tuple[Named, ...], msgspec.Meta(max_length=MOST_PROCESSES)] = ()
    files: Annotated[tuple[_Path, ...], msgspec.Meta(max_length=256)] = ()
    logs: Annotated[tuple[_Path, ...], msgspec.Meta(max_length=64)] = ()
    tables: Annotated[tuple[_Word, ...], msgspec.Meta(max_length=64)] = ()
    environ: bool = False
    executable: bool = False
    most_bytes: Annotated[int, msgspec.Meta(ge=1)] = 8 * 1024 * 1024
    most_file_bytes: Annotated[int, msgspec.Meta(ge=1)] = 1024 * 1024
    most_files: Annotated[int, msgspec.Meta(ge=1)] = 64
    most_seconds: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    unresolved: Annotated[tuple[_Why, ...], msgspec.Meta(max_length=8)] = ()


class Bounds(Record, frozen=True, kw_only=True):
    """What holds: the lesser of what is asked for and what this host allows."""

    most_bytes: int
    most_file_bytes: int
    most_files: int
    most_seconds: float

    @classmethod
    def of(cls, request: Request, host: EvidenceSettings) -> "Bounds":
        """For this request on this host."""
        return cls(
            most_bytes=min(request.most_bytes, host.max_bytes),
            most_file_bytes=min(request.most_file_bytes, host.max_file_bytes),
            most_files=min(request.most_files, host.max_files),
            most_seconds=min(request.most_seconds, host.max_seconds),
        )


def asked(parameters: dict[str, Any] | Command) -> Request:
    """What is asked for.

    Raises:
        InvalidInput: parameters that can't be used.
    """
    given = parameters.parameters if isinstance(parameters, Command) else parameters
    try:
        return msgspec.convert(given, Request)
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from error
