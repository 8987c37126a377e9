"""A process's mounts as /proc/PID/mountinfo has them (proc(5)), without what may hold names and passwords of file servers."""

from typing import Final

from vedette.agent.collect.mounts import FLAGS

__all__ = ["without_options"]

_OPTIONS: Final = 5
_AT: Final = b"@"


def without_options(raw: bytes) -> bytes:
    """Each line with the options that tell what a mount allows, and no other; one that can't be read is said to be so.

    Of a source such as `//user:password@server/share` stays what comes after the last @.
    """
    return b"".join(_bare(line) + b"\n" for line in raw.split(b"\n") if line)


def _bare(line: bytes) -> bytes:
    fields = line.split(b" ")
    try:
        dash = fields.index(b"-", _OPTIONS + 1)
        kind, source, options = fields[dash + 1 : dash + 4]
    except ValueError:
        return b"(a line that can't be read)"
    before = [*fields[:_OPTIONS], _allowed(fields[_OPTIONS]), *fields[_OPTIONS + 1 : dash]]
    return b" ".join([*before, b"-", kind, source.rpartition(_AT)[2], _allowed(options)])


def _allowed(options: bytes) -> bytes:
    kept = [one for one in options.split(b",") if one in FLAGS]
    return b",".join(kept) or b"none"
