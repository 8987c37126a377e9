"""A real PostgreSQL server of one's own, for a bench or a test: made from the system's programs, and removed afterwards.

It listens on a Unix socket only, in a directory that nobody else may enter, so it needs no port and no password.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypedDict

import psycopg
from psycopg import sql

from vedette.core import ConfigError

__all__ = ["PostgresServer", "running_postgres"]

_SUPERUSER = "vedette"
_START_SECONDS = 60.0


class _Identity(TypedDict, total=False):
    """Keyword arguments of subprocess that drop root's rights."""

    user: int
    group: int
    extra_groups: list[int]


class PostgresServer:
    """A running server; `directory` holds its data, socket and log."""

    def __init__(self, directory: Path, command: list[str], identity: _Identity) -> None:
        self.directory = directory
        self._command = command
        self._identity = identity
        self.process = self._start()
        self._names = (f"vedette_{number}" for number in count(1))

    def _start(self) -> subprocess.Popen[bytes]:
        with (self.directory / "log").open("ab") as log:
            process = subprocess.Popen(
                self._command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._identity,
            )
        _await_start(self, process)
        return process

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends it: SIGINT is a fast shutdown that waits for no client, SIGQUIT leaves recovery to the next start."""
        self.process.send_signal(how)
        self.process.wait(timeout=_START_SECONDS)

    def crash(self) -> None:
        """An immediate shutdown and a start, which recovers from the write-ahead log."""
        self.stop(signal.SIGQUIT)
        self.process = self._start()

    def kill_backend(self, database: str) -> bool:
        """SIGKILL for one of the processes that serve a database; the server then restarts all of them by itself.

        False while there is none, as when it is still restarting from the kill before.
        """
        try:
            with self.connect("postgres") as connection:
                row = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = %s ORDER BY random() LIMIT 1",
                    [database],
                ).fetchone()
        except psycopg.OperationalError:
            return False
        if row is None:
            return False
        os.kill(row[0], signal.SIGKILL)
        return True

    def url(self, database: str) -> str:
        """The database as SQLAlchemy addresses it."""
        return f"postgresql+psycopg://{_SUPERUSER}@/{database}?host={self.directory}"

    def create(self, template: str = "template1") -> str:
        """Makes an empty database, or a copy of one that nobody is connected to, and gives its name."""
        name = next(self._names)
        self._admin("CREATE DATABASE {} TEMPLATE {}", name, template)
        return name

    def drop(self, name: str) -> None:
        """Removes the database, ending whatever connections it still has."""
        self._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _admin(self, statement: Any, *names: str) -> None:
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        """A bare connection in autocommit."""
        return psycopg.connect(
            host=str(self.directory), user=_SUPERUSER, dbname=database, autocommit=True
        )

    def log_tail(self) -> str:
        """The last lines that the server wrote."""
        return "\n".join((self.directory / "log").read_text("utf-8", "replace").splitlines()[-15:])


def _programs() -> Path:
    """The directory with initdb and postgres; Debian keeps them off PATH, one directory for each version."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).parent] if on_path else []
    candidates += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: float(path.parent.name),
        reverse=True,
    )
    for candidate in candidates:
        if (candidate / "initdb").exists() and (candidate / "postgres").exists():
            return candidate
    raise ConfigError(
        "PostgreSQL's programs are missing: neither PATH nor /usr/lib/postgresql/*/bin has initdb and postgres"
    )


def _unprivileged() -> _Identity:
    """The programs refuse root, so root becomes `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise ConfigError(
        "PostgreSQL refuses to run as root, and there is no user named postgres or nobody"
    )


def _await_start(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            server.connect("postgres").close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                message = f"PostgreSQL did not start:\n{server.log_tail()}"
                raise RuntimeError(message) from error
            time.sleep(0.05)
        else:
            return


@contextmanager
def running_postgres(
    *, fsync: bool = False, folder: Path | None = None
) -> Iterator[PostgresServer]:
    """Makes a cluster, runs its server, and ends it by its own process. `folder` is where others may enter.

    Without `fsync` a power cut could lose data, a killed process could not: tests kill processes only.

    Raises:
        ConfigError: the programs are missing, or refuse this user.
    """
    programs = _programs()
    identity = _unprivileged()
    # Not pytest's own directory: it is closed to other users, and its path too long for a socket's name.
    directory = Path(tempfile.mkdtemp(prefix="vedette-pg-", dir=folder))
    try:
        if identity:
            os.chown(directory, identity["user"], identity["group"])
        with (directory / "log").open("wb") as log:
            subprocess.run(
                [
                    programs / "initdb",
                    f"--pgdata={directory / 'data'}",
                    f"--username={_SUPERUSER}",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--no-sync",
                ],
                cwd=directory,
                check=True,
                stdout=log,
                stderr=log,
                **identity,
            )
        server = PostgresServer(directory, _command(programs, directory, fsync=fsync), identity)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory)


def _command(programs: Path, directory: Path, *, fsync: bool) -> list[str]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(directory),
        "fsync": "on" if fsync else "off",
        "full_page_writes": "on" if fsync else "off",
        "max_connections": "60",
        "shared_buffers": "32MB",
        "log_line_prefix": "%m [%p] ",
    }
    command = [str(programs / "postgres"), "-D", str(directory / "data")]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    # A test run that is killed outright runs no finaliser; the kernel then ends the server for it.
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT", *command] if setpriv else command
