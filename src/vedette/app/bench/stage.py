"""A server of the bench's own, with its fleet, and runs of sender processes against it."""

import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress

from vedette.app.bench.cluster import running_postgres
from vedette.app.bench.job import Job, SenderPlan, Sent, write_record
from vedette.app.bench.meter import Meter
from vedette.app.bench.rows import VerdictWatch
from vedette.app.demo.port import free_port
from vedette.app.demo.server import Api, running
from vedette.app.settings import Settings, load_settings
from vedette.core import Clock, SystemClock, Unavailable
from vedette.seal import write_file
from vedette.store import Store

__all__ = ["Bench", "bench_database", "bench_server", "percentile"]

_SETTLE_SECONDS = 600.0


class Bench:
    """A running server under measure."""

    def __init__(
        self, folder: Path, settings: Settings, store: Store, supervisor: int, watch: VerdictWatch
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.store = store
        self.watch = watch
        self.clock: Clock = SystemClock()
        self.meter = Meter(settings, supervisor)
        self.console = Console(stderr=True, highlight=False)
        self._runs = 0

    def say(self, text: str) -> None:
        """Progress, on standard error."""
        self.console.print(text, markup=False)

    @contextmanager
    def progress(self, text: str, total: int) -> Iterator[Callable[[], None]]:
        """A bar; what is given moves it on by one."""
        with Progress(console=self.console, transient=True) as bar:
            task = bar.add_task(text, total=total)
            yield lambda: bar.advance(task)

    def send(self, plans: Sequence[SenderPlan], *, seconds: float) -> tuple[float, list[Sent]]:
        """Runs one process of senders to its end; when it started, and what became of each post."""
        start = self.soon(len(plans))
        return start, self.launch(plans, start, stop_sending=start + seconds).result()

    def soon(self, senders: int) -> float:
        """A moment by which a process of so many senders has connected, in monotonic seconds."""
        return self.clock.monotonic() + 2.0 + senders * 0.02

    def launch(
        self, plans: Sequence[SenderPlan], start: float, *, stop_sending: float
    ) -> "SenderProcess":
        """Starts one process of senders. Nothing new is sent after `stop_sending`, and nothing tried again after a while."""
        self._runs += 1
        job = Job(
            port=self.settings.server.port,
            ca_file=str(self.settings.data / "tls" / "ca.pem"),
            start=start,
            stop_sending=stop_sending,
            give_up=stop_sending + _SETTLE_SECONDS,
            stop_file=str(self.folder / f"stop-{self._runs}"),
            senders=tuple(plans),
        )
        return SenderProcess(self.folder, self._runs, job)

    def settle(self, hosts: dict[str, str], sent: Sequence[Sent]) -> float:
        """Waits until every accepted snapshot has its verdict; when the last one appeared.

        Raises:
            Unavailable: they did not all come.
        """
        wanted: dict[str, int] = {}
        for each in sent:
            if each.accepted:
                host = hosts[each.name]
                wanted[host] = max(wanted.get(host, 0), each.seq)
        until = self.clock.monotonic() + _SETTLE_SECONDS
        with self.progress("verdicts", len(sent)):
            while any(self.watch.last(host) < seq for host, seq in wanted.items()):
                if self.clock.monotonic() > until:
                    raise Unavailable("the server did not judge all it accepted in time")
                self.clock.sleep(0.02)
        return max(
            (self.watch.seen[hosts[s.name], s.seq] for s in sent if s.accepted),
            default=self.clock.monotonic(),
        )


@contextmanager
def bench_database(*, postgres: bool, url: str) -> Iterator[str]:
    """The URL for store and queue: the given one, that of a server started for the run, or empty for SQLite's files.

    Raises:
        ConfigError: PostgreSQL's programs are not on this machine.
    """
    if url or not postgres:
        yield url
        return
    with running_postgres(fsync=True) as server:
        yield server.url(server.create())


class SenderProcess:
    """Simulated senders at work, with a processor's time of their own."""

    def __init__(self, folder: Path, number: int, job: Job) -> None:
        self._job_file = folder / f"job-{number}"
        self._result = folder / f"sent-{number}"
        self._stop = Path(job.stop_file)
        write_record(self._job_file, job)
        environment = {name: v for name, v in os.environ.items() if not name.startswith("VEDETTE_")}
        command = ["vedette.app.bench", str(self._job_file), str(self._result)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=environment,
        )

    def stop(self) -> None:
        """Asks its senders to begin nothing new."""
        self._stop.touch()

    def result(self) -> list[Sent]:
        """Waits for its end; what became of each post.

        Raises:
            Unavailable: it failed.
        """
        code = self._process.wait()
        self._job_file.unlink()
        if code != 0:
            raise Unavailable(f"the senders' process ended with code {code}")
        return msgspec.msgpack.decode(self._result.read_bytes(), type=list[Sent])


@contextmanager
def bench_server(folder: Path, *, store_url: str = "", more: str = "") -> Iterator[Bench]:
    """`vedette up` with defaults and a data folder of its own."""
    data = folder / "data"
    config = folder / "vedette.toml"
    text = (
        f'data_dir = "{data}"\n[server]\nport = {free_port()}\nmetrics_port = {free_port()}\n'
        f'[store]\nurl = "{store_url}"\n[queue]\nurl = "{store_url}"\n{more}\n'
    )
    write_file(config, text.encode())
    settings = load_settings(config, {})
    clock = SystemClock()
    log = folder / "server.log"
    with running(log, "up", "--config", str(config)) as process:
        _await_certificate(settings, process, clock, log)
        Api(settings.server.port, settings.data / "tls" / "ca.pem", clock).wait_ready(process, log)
        store = Store(settings.store_url, clock)
        try:
            with VerdictWatch(settings, clock) as watch:
                yield Bench(folder, settings, store, process.pid, watch)
        finally:
            store.close()


def _await_certificate(
    settings: Settings, process: "subprocess.Popen[bytes]", clock: Clock, log: Path
) -> None:
    until = clock.monotonic() + 60.0
    while not (settings.data / "tls" / "ca.pem").is_file():
        if process.poll() is not None or clock.monotonic() > until:
            raise Unavailable(f"the server did not start; its log is {log}")
        threading.Event().wait(0.1)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; 0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
