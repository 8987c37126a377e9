"""Sessions over SSH, by the title that the server gives the process of each, with a terminal or without."""

import re

__all__ = ["session_of"]

# Accounts of a directory bear its name: `ana@corp.example`, `CORP\ana`.
_SESSION = re.compile(r"^sshd(?:-session)?: (\S{1,256})@(?:pts/|notty)")


def session_of(command: str) -> str:
    """Whose session it is; empty where it is none."""
    match = _SESSION.match(command)
    return match[1] if match is not None else ""
