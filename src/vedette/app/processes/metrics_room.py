"""Room on the disk for a process's metrics, taken before there are any."""

import os
import sys
from pathlib import Path
from typing import Final

__all__ = ["take_metrics_room"]

_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
_FILES: Final = ("counter", "histogram", "gauge_mostrecent")
_BYTES: Final = 512 * 1024


def take_metrics_room() -> None:
    """Makes the files that prometheus_client maps into memory, with all their blocks.

    It makes them sparse, and a store into a mapped page for which a full disk has no block ends the process with SIGBUS:
    the first error counted would be the last. Where there is no room now the metrics stay in this process, unseen.
    """
    directory = os.environ.get(_VARIABLE)
    if not directory:
        return
    paths = [Path(directory) / f"{name}_{os.getpid()}.db" for name in _FILES]
    try:
        for path in paths:
            with path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, _BYTES)
    except OSError as error:
        del os.environ[_VARIABLE]
        sys.stderr.write(f"metrics of this process are not kept: {error.strerror}\n")
        for path in paths:
            path.unlink(missing_ok=True)
