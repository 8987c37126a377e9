"""Readings of the kernel's figures, one function per family, with OpenTelemetry's names."""

import os
from collections.abc import Callable

from vedette.agent.collect.rates import Counters
from vedette.agent.collect.source import Source, Unreadable
from vedette.core import Record

__all__ = ["FAMILIES", "Reading"]

_SECTOR = 512


class Reading(Record, frozen=True, kw_only=True):
    """`gauges` are values now; `counters` become rates; `cpu` is (busy, total) in ticks."""

    gauges: dict[str, float] = {}
    counters: Counters = {}
    cpu: tuple[int, int] | None = None


def kernel(source: Source) -> Reading:
    """CPU time, context switches and processes made, from /proc/stat."""
    lines = dict(
        line.split(b" ", 1) for line in source.read("/proc/stat").split(b"\n") if b" " in line
    )
    # user, nice, system, idle, iowait, irq, softirq, steal; guest time is within user time.
    ticks = [int(field) for field in lines[b"cpu"].split()[:8]]
    total = sum(ticks)
    return Reading(
        cpu=(total - ticks[3] - ticks[4], total),
        counters={
            "system.context_switches.rate": {"": float(lines[b"ctxt"])},
            "system.processes.created.rate": {"": float(lines[b"processes"])},
        },
    )


def load(source: Source) -> Reading:
    """Load averages and uptime."""
    one, five, fifteen = source.read("/proc/loadavg").split()[:3]
    return Reading(
        gauges={
            "system.cpu.load_average.1m": float(one),
            "system.cpu.load_average.5m": float(five),
            "system.cpu.load_average.15m": float(fifteen),
            "system.uptime": float(source.read("/proc/uptime").split()[0]),
        }
    )


def memory(source: Source) -> Reading:
    """Memory that is not available to programs, in bytes and as a share; major faults."""
    fields = {}
    for line in source.read("/proc/meminfo").split(b"\n"):
        name, _, value = line.partition(b":")
        if value:
            fields[name] = int(value.split()[0]) * 1024
    total = fields[b"MemTotal"]
    used = total - fields[b"MemAvailable"]
    gauges = {"system.memory.usage": float(used), "system.memory.utilization": used / total}
    for line in source.read("/proc/vmstat").split(b"\n"):
        if line.startswith(b"pgmajfault "):
            faults = {"": float(line.split()[1])}
            return Reading(gauges=gauges, counters={"system.paging.operations.rate": faults})
    raise Unreadable("/proc/vmstat has no major faults")


def disk(source: Source) -> Reading:
    """Operations and bytes of whole physical disks; what lies on top of them (partitions, dm, md, loop) would count twice."""
    physical = {
        name for name in source.names("/sys/block") if source.exists(f"/sys/block/{name}/device")
    }
    counters: Counters = {
        "system.disk.operations.read.rate": {},
        "system.disk.operations.write.rate": {},
        "system.disk.io.read.rate": {},
        "system.disk.io.write.rate": {},
    }
    for line in source.read("/proc/diskstats").decode("ascii", "replace").split("\n"):
        fields = line.split()
        if len(fields) < 10 or fields[2] not in physical:
            continue
        name = fields[2]
        counters["system.disk.operations.read.rate"][name] = float(fields[3])
        counters["system.disk.io.read.rate"][name] = float(int(fields[5]) * _SECTOR)
        counters["system.disk.operations.write.rate"][name] = float(fields[7])
        counters["system.disk.io.write.rate"][name] = float(int(fields[9]) * _SECTOR)
    return Reading(counters=counters)


def filesystem(source: Source) -> Reading:
    """The used share of the root file system, as df(1) counts it: of what unprivileged users may use."""
    about = os.statvfs(source.at("/"))
    used = about.f_blocks - about.f_bfree
    usable = used + about.f_bavail
    return Reading(
        gauges={"system.filesystem.utilization": used / usable} if usable else {},
    )


def network(source: Source) -> Reading:
    """Traffic of physical interfaces; where none is physical (in a container), of all but loopback."""
    rows: dict[str, list[float]] = {}
    for line in source.read("/proc/net/dev").decode("ascii", "replace").split("\n")[2:]:
        name, _, values = line.partition(":")
        if values and name.strip() != "lo":
            rows[name.strip()] = [float(value) for value in values.split()]
    physical = [name for name in rows if source.exists(f"/sys/class/net/{name}/device")]
    counted = {name: rows[name] for name in physical or rows}
    columns = {
        "system.network.io.receive.rate": (0,),
        "system.network.packets.receive.rate": (1,),
        "system.network.io.transmit.rate": (8,),
        "system.network.packets.transmit.rate": (9,),
        "system.network.errors.rate": (2, 10),
        "system.network.dropped.rate": (3, 11),
    }
    return Reading(
        counters={
            metric: {name: sum(row[at] for at in places) for name, row in counted.items()}
            for metric, places in columns.items()
        }
    )


def open_files(source: Source) -> Reading:
    """File handles in use, machine-wide."""
    count = source.read("/proc/sys/fs/file-nr").split()[0]
    return Reading(gauges={"system.open_files.count": float(count)})


FAMILIES: dict[str, Callable[[Source], Reading]] = {
    "system.kernel": kernel,
    "system.load": load,
    "system.memory": memory,
    "system.disk": disk,
    "system.filesystem": filesystem,
    "system.network": network,
    "system.open_files": open_files,
}
