"""What happens on the host in the demonstration: a benign change, then a harmless abnormal behaviour."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import mkdtemp

__all__ = ["Scene", "abnormal_behaviour", "benign_change"]

Scene = AbstractContextManager[str]

_DISGUISE = "[kworker/u9:2-events]"


@contextmanager
def benign_change(folder: Path) -> Iterator[str]:
    """A deployment: a new release is written and an ordinary web server starts on the loopback address."""
    release = folder / "site" / "releases" / "2"
    release.mkdir(parents=True)
    for number in range(20):
        (release / f"page-{number}.html").write_text(f"<p>page {number}</p>\n")
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=release,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield "a new release of a site is deployed and served on the loopback address"
    finally:
        _end(server)


@contextmanager
def abnormal_behaviour() -> Iterator[str]:
    """A copy of `sleep` in a hidden folder of shared memory, under a kernel thread's name, its file deleted.

    It does nothing but wait; the folder and the process are gone when the block ends.
    """
    hidden = Path(mkdtemp(prefix=".x11-", dir=_executable_place()))
    program = hidden / "kworker"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    program.chmod(0o700)
    process = subprocess.Popen(
        [_DISGUISE, "600"],
        executable=program,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        program.unlink()
        yield f"a program runs from the hidden folder {hidden} as {_DISGUISE}, its file deleted"
    finally:
        _end(process)
        shutil.rmtree(hidden, ignore_errors=True)


def _executable_place() -> str:
    """Shared memory where programs may run from it, else the temporary folder."""
    place = "/dev/shm"  # noqa: S108 - running from here is what is to be found
    if os.access(place, os.W_OK) and not os.statvfs(place).f_flag & os.ST_NOEXEC:
        return place
    return "/tmp"  # noqa: S108 - as above


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
