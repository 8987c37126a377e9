"""Faults that show in the metrics of the machine, soon after they begin, and what moves them without harm."""

from functools import partial

from tests.detect.coverage.entry import Entry, gauge, silent
from tests.detect.coverage.stage import Change, Stage, together

__all__ = ["ENTRIES"]

_MEMORY, _DISK = "system.memory.utilization", "system.filesystem.utilization"
_WIRES = "system.network.connections.established"
_LOAD, _PAGING = "system.cpu.load_average.1m", "system.paging.operations.rate"
_ATTEMPTS, _MADE = "system.network.connections.syn_sent", "system.processes.created.rate"
_SENT = "system.network.io.transmit.rate"
_WRITTEN = "system.disk.io.write.rate"
_ERRORS, _DROPS = "system.network.errors.rate", "system.network.dropped.rate"


def _by(metric: str, *heights: float) -> tuple[Change, ...]:
    """The metric is higher by so much in each snapshot."""
    return tuple(lambda stage, up=up: stage.rise(metric, up) for up in heights)


def _to(metric: str, *values: float) -> tuple[Change, ...]:
    """The metric is this in each snapshot."""

    def step(value: float) -> Change:
        return lambda stage: stage.metrics.update({metric: value})

    return tuple(map(step, values))


def _ramp(first: float, pace: float, looks: int = 5) -> list[float]:
    return [first + pace * at for at in range(1, looks + 1)]


_harmless = partial(silent, least=12)


def _size(value: float) -> Change:
    return _to(_MEMORY, value)[0]


def _more_traffic(times: float) -> Change:
    def change(stage: Stage) -> None:
        for metric in (_WIRES, _SENT, "system.network.packets.receive.rate"):
            stage.metrics[metric] *= times
        stage.metrics["system.threads.count"] *= 1.0 + 0.2 * (times - 1.0)

    return change


_FAULTS = (
    gauge("ops.disk-io", "something writes 200 MB a second, look after look", _WRITTEN, *_by(_WRITTEN, *[2e8] * 16), within=14),
    gauge("ops.memory-leak", "the machine's memory fills by 3 percent a minute", _MEMORY, *_to(_MEMORY, *_ramp(0.36, 0.03))),
    gauge("ops.full-disk", "a file system fills by 1.5 percent a minute", _DISK, *_to(_DISK, *_ramp(0.41, 0.015))),
    gauge("ops.file-leak", "open files grow by 60 a minute", "system.open_files.count", *_to("system.open_files.count", *_ramp(410.0, 60.0))),
    gauge("ops.connection-leak", "the machine's connections grow by nine a minute", _WIRES, *_to(_WIRES, *_ramp(9.0, 9.0))),
    gauge("ops.process-leak", "the machine's processes grow by six a minute", "system.processes.count", *_to("system.processes.count", *_ramp(27.0, 6.0))),
    gauge("ops.thread-leak", "the machine's threads grow by twelve a minute", "system.threads.count", *_to("system.threads.count", *_ramp(62.0, 12.0))),
    gauge("ops.swap-storm", "the machine pages without end", _PAGING, *_by(_PAGING, *[450.0] * 5)),
    gauge("ops.overload", "eight processes wait for one processor", _LOAD, *_by(_LOAD, *[8.0] * 5)),
    gauge("ops.dead-dependency", "a dozen connections are tried and none is answered", _ATTEMPTS, *_by(_ATTEMPTS, *[14.0] * 5)),
    gauge("ops.network-errors", "a network card makes an error in one packet of ten", _ERRORS, *_to(_ERRORS, *[13.0] * 5)),
    gauge("ops.network-errors", "a network card drops a quarter of what comes", _DROPS, *_to(_DROPS, *[30.0] * 5)),
    gauge("T1499", "processes are made as fast as the machine can", _MADE, *_by(_MADE, *[120.0] * 5), told_as="none"),
    gauge("T1489", "a service is stopped: its connections are gone", _WIRES, *_to(_WIRES, *[0.0] * 5)),
    gauge("T1485", "half of what was on the disk is gone", _DISK, *_to(_DISK, *[0.2] * 5)),
)  # fmt: skip

_HARMLESS = (
    _harmless("backup", "a timer of systemd writes a backup at 100 MB a second for eight minutes", *_by(_WRITTEN, *[1e8] * 8, 0.0, 0.0)),
    _harmless("burst", "the page cache writes 200 MB a second in two looks", *_by(_WRITTEN, 2e8, 2e8, 0.0, 0.0, 0.0)),
    _harmless("load", "writes of twenty MB a second for half an hour", *_by(_WRITTEN, *[2e7] * 30)),
    _harmless("restart", "memory warms up to its old size", *_to(_MEMORY, 0.12, 0.22, 0.29, 0.33, 0.35, 0.36, 0.36)),
    _harmless("cache", "a cache of a new version warms up beyond the old size", *_to(_MEMORY, 0.36, 0.40, 0.425, 0.44, 0.449, 0.454, 0.457, 0.459)),
    _harmless("drift", "memory grows by a tenth of a percent a minute", *_to(_MEMORY, *_ramp(0.35, 0.001, 40))),
    _harmless("drift", "logs fill a file system slowly", *_to(_DISK, *_ramp(0.41, 0.0005, 40))),
    _harmless("backup", "a backup writes 2 percent of the disk in four minutes", *_to(_DISK, *_ramp(0.41, 0.005, 4), *[0.43] * 6)),
    _harmless("backup", "an old backup is deleted", *_to(_DISK, *[0.37] * 8)),
    _harmless("deploy", "a new version takes 3 percent more memory", *_to(_MEMORY, 0.37, 0.385, *[0.385] * 8)),
    _harmless("deploy", "a release is unpacked", *_to(_DISK, *_ramp(0.41, 0.01, 2), *[0.43] * 8)),
    _harmless("peak", "traffic grows to three times, and connections with it", *map(_more_traffic, (1.4, 1.8, 2.2, 2.6, 3.0, 3.0, 3.0, 3.0, 2.5, 2.0, 1.5))),
    _harmless("jobs", "a batch job keeps the processor busy for five minutes", *(together(*pair) for pair in zip(_to("system.cpu.utilization", *[1.0] * 5), _by(_LOAD, 0.6, 1.0, 1.2, 1.3, 1.3), strict=True))),
    _harmless("jobs", "a job of two minutes makes many processes", *_by(_MADE, 40.0, 40.0)),
    _harmless("peak", "packets are dropped for a minute", *_to(_DROPS, 40.0, 0.0, 0.0)),
    _harmless("restart", "a service is away for two minutes", *_to(_WIRES, 0.0, 0.0)),
    _harmless("jobs", "programs are read from the disk for two minutes", *_by(_PAGING, 300.0, 60.0)),
)  # fmt: skip

ENTRIES: tuple[Entry, ...] = (*_FAULTS, *_HARMLESS)
