"""The metrics that the installed agent prints, against independent programs."""

import re

import pytest
from tests.fixtures.looks import Look
from tests.fixtures.machine import Machine

# Its processes run what others trace.
pytestmark = pytest.mark.no_cover

_SETTLE = 0.5


def _counted(said: dict[str, str], what: str) -> float:
    """A counter of vmstat."""
    found = re.search(rf"^ *(\d+) {what}$", said["vmstat"], re.MULTILINE)
    assert found
    return float(found[1])


def test_memory_agrees_with_free(root_look: Look) -> None:
    used, totals = [], []
    for said in (root_look.before, root_look.after):
        total, *_, available = map(int, said["free"].splitlines()[1].split()[1:])
        used.append(total - available)
        totals.append(total)
    # Others use memory meanwhile: a twentieth of it at most.
    slack = totals[0] / 20
    usage = root_look.metrics["system.memory.usage"]
    assert min(used) - slack <= usage <= max(used) + slack
    assert root_look.metrics["system.memory.utilization"] == pytest.approx(usage / totals[0])


def test_uptime_and_boot_time_agree_with_uptime(root_look: Look, machine: Machine) -> None:
    early, late = (float(said["uptime"].split()[0]) for said in (root_look.before, root_look.after))
    assert early <= root_look.metrics["system.uptime"] <= late
    since = int(machine.run("date", "-d", root_look.after["since"].strip(), "+%s"))
    assert abs(root_look.snapshot["host"]["boot_time"] - since) <= 2


def test_load_lies_between_what_the_kernel_said_before_and_after(root_look: Look) -> None:
    for position, minutes in enumerate(("1m", "5m", "15m")):
        said = [float(one["load"].split()[position]) for one in (root_look.before, root_look.after)]
        ours = root_look.metrics[f"system.cpu.load_average.{minutes}"]
        # It may rise and fall in between; by how much follows from the number of tasks that could run.
        assert min(said) - 2 <= ours <= max(said) + 2


def test_the_file_system_agrees_with_df(root_look: Look) -> None:
    shares = [int(one["df"].split()[-1].rstrip("%")) for one in (root_look.before, root_look.after)]
    ours = root_look.metrics["system.filesystem.utilization"] * 100
    # df rounds up, and other tests write and delete files in between.
    assert min(shares) - 2 <= ours <= max(shares) + 1


def test_open_files_agree_with_sysctl(root_look: Look) -> None:
    said = [int(one["file-nr"].split()[0]) for one in (root_look.before, root_look.after)]
    ours = root_look.metrics["system.open_files.count"]
    assert min(said) / 2 <= ours <= max(said) * 2


@pytest.mark.parametrize(
    ("metric", "counter"),
    [
        ("system.context_switches.rate", "CPU context switches"),
        ("system.processes.created.rate", "forks"),
    ],
)
def test_rates_agree_with_the_growth_of_the_kernels_counters(
    root_look: Look, metric: str, counter: str
) -> None:
    early, late = (_counted(said, counter) for said in (root_look.before, root_look.after))
    # What grew in the half second between two looks is a part of what grew around them.
    assert 0 <= root_look.metrics[metric] * _SETTLE <= late - early


def test_disk_rates_are_part_of_what_vmstat_counts(root_look: Look) -> None:
    totals = []
    for said in (root_look.before, root_look.after):
        rows = [line.split() for line in said["disks"].splitlines()[2:]]
        totals.append([sum(int(row[at]) for row in rows) for at in (1, 3, 5, 7)])
    grown = [late - early for early, late in zip(*totals, strict=True)]
    ours = [
        root_look.metrics["system.disk.operations.read.rate"],
        root_look.metrics["system.disk.io.read.rate"] / 512,
        root_look.metrics["system.disk.operations.write.rate"],
        root_look.metrics["system.disk.io.write.rate"] / 512,
    ]
    assert all(
        0 <= rate * _SETTLE <= all_of_it for rate, all_of_it in zip(ours, grown, strict=True)
    )


def test_processes_and_threads_agree_with_ps(root_look: Look, machine: Machine) -> None:
    processes = machine.run("ps", "-eo", "nlwp=,comm=").splitlines()
    others = [line.split(None, 1) for line in processes if line.split()[1] != "ps"]
    # The agent itself is one more. It looks by threads: mostly one, beside the one that waits for it.
    (own,) = (r for r in root_look.tables["processes"] if " agent snapshot " in str(r["cmdline"]))
    assert root_look.metrics["system.processes.count"] == len(others) + 1
    threads = sum(int(line[0]) for line in others) + own["threads"]
    assert root_look.metrics["system.threads.count"] == threads
    assert root_look.metrics["system.processes.running"] == 0


def test_connections_agree_with_ss(root_look: Look, machine: Machine) -> None:
    states = [line.split()[0] for line in machine.run("ss", "-tanH").splitlines()]
    metrics = root_look.metrics
    assert metrics["system.network.connections.established"] == states.count("ESTAB") == 4
    assert metrics["system.network.connections.listen"] == states.count("LISTEN") == 3
    assert metrics["system.network.connections.syn_sent"] == 0
    # These end by themselves after a minute.
    assert states.count("TIME-WAIT") <= metrics["system.network.connections.time_wait"] <= 3


def test_utilization_is_a_share_and_only_loopback_carried_anything(root_look: Look) -> None:
    assert 0 <= root_look.metrics["system.cpu.utilization"] <= 1
    assert {
        value for name, value in root_look.metrics.items() if re.match(r"system\.network\.\w+\..*rate", name)
    } <= {0.0}  # fmt: skip


def test_the_host_is_described_as_uname_and_os_release_do(
    root_look: Look, machine: Machine
) -> None:
    host = root_look.snapshot["host"]
    release = machine.run("sh", "-c", '. /etc/os-release; echo "$NAME"; echo "$VERSION_ID"')
    assert [host["os"]["name"], host["os"]["version"]] == release.splitlines()
    assert host["os"]["kernel"] == machine.run("uname", "-r").strip()
    assert host["os"]["arch"] == machine.run("uname", "-m").strip()
    assert host["hostname"] == machine.run("uname", "-n").strip() == "furnished"
