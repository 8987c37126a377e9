"""The quarantine's plan, word for word, and its checks."""

import ipaddress
import re
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.agent.tree import Tree
from tests.fixtures.services import require

from vedette.agent.actions import ACTIONS
from vedette.agent.actions.scene import (
    Address,
    Check,
    Outcome,
    Ran,
    Scene,
    System,
    ThisMachine,
)
from vedette.agent.collect.source import Source
from vedette.agent.journal import Journal
from vedette.agent.ledger import Ledger
from vedette.agent.permission import Permission, Untouchable
from vedette.core import (
    ActionId,
    ActionState,
    Command,
    CommandId,
    HostId,
    ManualClock,
    TenantId,
)

GOLDEN = Path(__file__).parent / "quarantine.nft"
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Machine:
    """A made machine: with or without nft, a resolver that knows one name, capabilities."""

    def __init__(
        self, *, nft: str | None = "/usr/sbin/nft", status: int = 0, root: bool = True
    ) -> None:
        self.nft, self.status, self.root = nft, status, root
        self.ran: list[tuple[list[str], str]] = []
        self.breaks: Exception | None = None

    def find(self, program: str) -> str | None:
        assert program == "nft"
        return self.nft

    def run(self, command: list[str], stdin: str) -> Ran:
        if self.breaks:
            raise self.breaks
        self.ran.append((command, stdin))
        return Ran(
            status=self.status, stderr="" if self.status == 0 else "Operation not permitted\n"
        )

    def resolve(self, name: str, port: int) -> list[Address]:
        if name != "vedette.example" or port != 8443:
            raise OSError("Name or service not known")
        return [ipaddress.ip_address("192.0.2.10"), ipaddress.ip_address("2001:db8::10")]

    def capable(self, capability: int) -> bool:
        assert capability == 12
        return self.root

    def interfaces(self) -> list[str]:
        raise AssertionError("a plan needs no interfaces")

    def knock(self, address: Address, interface: str = "") -> int:
        raise AssertionError(f"a plan knocks nowhere, least at {address} by {interface}")


def _command(*, dry_run: bool = True, **parameters: Any) -> Command:
    return Command(
        id=CommandId("c"),
        tenant=TenantId("default"),
        host=HostId("h"),
        action=ActionId("a"),
        kind="quarantine",
        parameters=parameters,
        dry_run=dry_run,
        issued_at=AT,
        expires_at=AT + timedelta(minutes=5),
        nonce="n",
    )


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.link("/proc/1/ns/net", str(Path("/proc/self/ns/net").readlink()))
    made.write(
        "/etc/resolv.conf",
        "search x\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver 127.0.0.53\n",
    )
    return made


def _do(
    tree: Tree,
    machine: System,
    command: Command,
    server: str = "https://vedette.example:8443",
    **more: Any,
) -> Outcome:
    scene = Scene(server=server, source=tree.source, system=machine, reach=_reach, **more)
    clock = ManualClock(AT)
    with closing(Journal(tree.path("/state/journal.sqlite"), clock)) as journal:
        ledger = Ledger(journal, clock, tree.source, tree.path("/state/lock"))
        return ACTIONS["quarantine"].carry_out(command, scene, ledger)


def _reach() -> Check:
    raise AssertionError("nothing is in force, so there is nothing to test")


def _failed(outcome: Outcome) -> set[str]:
    return {check["name"] for check in outcome.data["checks"] if not check["ok"]}


EXCEPTIONS = [
    {"address": "198.51.100.0/24", "port": 22, "direction": "in"},
    {"address": "2001:db8:5::/48", "protocol": "udp"},
]


def test_the_plan_is_this_text_and_all_checks_pass(tree: Tree) -> None:
    machine = Machine()
    outcome = _do(tree, machine, _command(exceptions=EXCEPTIONS, lease_seconds=900))
    assert outcome.state is ActionState.SIMULATED
    assert outcome.data["plan"] == GOLDEN.read_text()
    assert _failed(outcome) == set()
    assert outcome.detail == "planned; all checks passed"
    assert "for 900 seconds unless renewed" in outcome.data["would"]
    assert "vedette.example:8443" in outcome.data["would"]
    assert machine.ran == [(["/usr/sbin/nft", "--check", "--file", "-"], GOLDEN.read_text())]


def test_without_nft_or_root_it_is_simulated_all_the_same_and_says_what_failed(tree: Tree) -> None:
    outcome = _do(tree, Machine(nft=None, root=False), _command())
    assert outcome.state is ActionState.SIMULATED
    assert _failed(outcome) == {"nft_present", "plan_accepted", "privileged"}
    assert "nft_present" in outcome.detail
    assert "jump incoming" in outcome.data["plan"]


def test_a_kernel_that_does_not_take_the_plan_is_a_failed_check(tree: Tree) -> None:
    outcome = _do(tree, Machine(status=1), _command())
    assert _failed(outcome) == {"plan_accepted"}
    assert "Operation not permitted" in str(outcome.data["checks"])


@pytest.mark.parametrize("error", [OSError("exec"), subprocess.TimeoutExpired("nft", 20)])
def test_an_nft_that_can_not_be_run_is_a_failed_check(tree: Tree, error: Exception) -> None:
    machine = Machine()
    machine.breaks = error
    assert _failed(_do(tree, machine, _command())) == {"plan_accepted"}


def test_a_server_that_does_not_resolve_is_a_failed_check(tree: Tree) -> None:
    outcome = _do(tree, Machine(), _command(), server="https://elsewhere.example")
    assert _failed(outcome) == {"server_resolves"}
    assert "elsewhere.example can't be resolved" in str(outcome.data["checks"])


def test_name_servers_that_are_not_known_are_a_failed_check(tree: Tree) -> None:
    tree.write("/etc/resolv.conf", "nameserver not-an-address\n")
    assert _failed(_do(tree, Machine(), _command())) == {"resolvers_known"}
    tree.path("/etc/resolv.conf").unlink()
    assert _failed(_do(tree, Machine(), _command())) == {"resolvers_known"}


def test_an_exception_that_would_undo_the_quarantine_is_a_failed_check(tree: Tree) -> None:
    outcome = _do(tree, Machine(), _command(exceptions=[{"address": "0.0.0.0/0"}]))
    assert _failed(outcome) == {"exceptions_narrow"}


@pytest.mark.parametrize(
    "exceptions",
    [
        [{"address": "nowhere"}],
        [{"address": "192.0.2.1", "port": 70000}],
        [{"address": "192.0.2.1", "protocol": "tcp; drop"}],
        [{"address": "192.0.2.1", "unknown": 1}],
        "all",
    ],
)
def test_parameters_that_can_not_be_used_are_refused(tree: Tree, exceptions: object) -> None:
    outcome = _do(tree, Machine(), _command(exceptions=exceptions))
    assert outcome.state is ActionState.REFUSED
    assert "can't be used" in outcome.detail


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({}, "a lease must have a length"),
        ({"lease_seconds": 0}, "a lease must have a length"),
        ({"lease_seconds": -1}, "can't be used"),
        ({"lease_seconds": 86_401}, "longer than this host allows (86400"),
        (
            {"lease_seconds": 60, "exceptions": [{"address": "::/0"}]},
            "exceptions_narrow: ::/0 is too wide",
        ),
        (
            {"lease_seconds": 60, "exceptions": [{"address": f"{n}.0.0.0/8"} for n in (1, 2, 3)]},
            "exceptions_narrow: together the exceptions cover 3 times a /8 of IPv4",
        ),
        (
            {
                "lease_seconds": 60,
                "exceptions": [
                    {"address": f"{n:x}::/16", "direction": "in", "port": 1}
                    for n in (0x2001, 0x2003, 0x2004)
                ],
            },
            "together the exceptions cover 3 times a /16 of IPv6",
        ),
        (
            {"lease_seconds": 60, "exceptions": [{"address": f"192.0.2.{n}"} for n in range(65)]},
            "65 networks are too many exceptions",
        ),
    ],
)
def test_a_quarantine_that_may_not_be_is_refused_and_changes_nothing(
    tree: Tree, parameters: dict[str, Any], why: str
) -> None:
    machine = Machine()
    outcome = _do(tree, machine, _command(dry_run=False, **parameters))
    assert outcome.state is ActionState.REFUSED
    assert why in outcome.detail
    assert all("--check" in command for command, _ in machine.ran)


def test_a_dry_run_tells_what_the_host_would_not_allow(tree: Tree) -> None:
    never = Permission(kinds=frozenset({"collect"}))
    short = Permission(max_lease=60.0)
    for permission, why in ((never, "allows collect"), (short, "longer than this host allows")):
        outcome = _do(tree, Machine(), _command(lease_seconds=61), permission=permission)
        assert _failed(outcome) == {"allowed"}
        assert why in str(outcome.data["checks"])


def test_by_way_of_a_proxy_the_proxy_is_what_stays_reachable(tree: Tree) -> None:
    proxied = _do(
        tree,
        Machine(),
        _command(),
        "https://unresolvable.example",
        proxy="http://name:secret@vedette.example:8443",
    )
    assert _failed(proxied) == set()
    assert "ip daddr 192.0.2.10 tcp dport 8443 accept" in proxied.data["plan"]
    assert "secret" not in str(proxied)


def test_whom_a_resolver_on_the_host_asks_stays_reachable_too(tree: Tree) -> None:
    tree.write("/etc/resolv.conf", "nameserver 127.0.0.53\n")
    tree.write("/run/systemd/resolve/resolv.conf", "nameserver 192.0.2.99\n")
    outcome = _do(tree, Machine(), _command())
    assert _failed(outcome) == set()
    assert (
        "ip daddr 192.0.2.99 meta l4proto { tcp, udp } th dport 53 accept" in outcome.data["plan"]
    )


def test_what_the_host_says_must_stay_reachable_does(tree: Tree) -> None:
    permission = Permission(never_touch=((Untouchable.NETWORK, "198.51.100.7"),))
    plan = _do(tree, Machine(), _command(), permission=permission).data["plan"]
    assert "ip daddr 198.51.100.7/32 meta l4proto tcp accept" in plan
    assert "ip saddr 198.51.100.7/32 meta l4proto udp accept" in plan


def test_an_agent_with_a_network_of_its_own_does_not_pass_for_its_host(tree: Tree) -> None:
    tree.path("/proc/1/ns/net").unlink()
    assert _failed(_do(tree, Machine(), _command())) == {"hosts_network"}
    tree.link("/proc/1/ns/net", "net:[1]")
    outcome = _do(tree, Machine(), _command(dry_run=False, lease_seconds=60))
    assert "another than the host's" in outcome.detail


_ADDRESS = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(v=4).flatmap(lambda one: st.integers(8, 32).map(lambda n: f"{one}/{n}")),
    st.text(max_size=20),
)
_EXCEPTION = st.fixed_dictionaries(
    {"address": _ADDRESS},
    optional={
        "port": st.one_of(st.integers(-1, 70_000), st.text(max_size=5)),
        "direction": st.sampled_from(["in", "out", "both", "in; drop"]),
        "protocol": st.sampled_from(["tcp", "udp", "icmp", "}"]),
    },
)
_LINE = re.compile(r"[\w :.,/@{}-]*;? ?(policy accept;)?")


@given(
    exceptions=st.lists(_EXCEPTION, max_size=4),
    lease=st.one_of(st.floats(), st.integers(-5, 10**9), st.text(max_size=3)),
)
@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_parameters_are_refused_or_give_a_plan_that_keeps_the_server_and_nothing_undeclared(
    tree: Tree, exceptions: list[dict[str, Any]], lease: Any
) -> None:
    outcome = _do(tree, Machine(), _command(exceptions=exceptions, lease_seconds=lease))
    if outcome.state is ActionState.REFUSED:
        assert "can't be used" in outcome.detail
        return
    lines = outcome.data["plan"].splitlines()
    assert all(_LINE.fullmatch(line) for line in lines)
    assert "    ip daddr 192.0.2.10 tcp dport 8443 accept" in lines
    assert lines.count("    meta nfproto @lease counter drop") == 1
    declared = {str(ipaddress.ip_network(one["address"], strict=False)) for one in exceptions}
    named = {word for line in lines for word in line.split() if "/" in word}
    assert named <= declared


def test_this_machine_answers_for_itself(tree: Tree) -> None:
    machine = ThisMachine(Source())
    outcome = _do(tree, machine, _command(), "https://localhost")
    assert outcome.state is ActionState.SIMULATED
    checks = {check["name"]: check["ok"] for check in outcome.data["checks"]}
    assert checks["server_resolves"]


def test_the_real_nft_takes_the_plan() -> None:
    machine = ThisMachine(Source())
    program = machine.find("nft")
    if program is None or not machine.capable(12):
        require("nft", "nft is not installed, or this user may not ask the kernel")
    ran = machine.run([program, "--check", "--file", "-"], GOLDEN.read_text())
    assert (ran.status, ran.stderr) == (0, "")
