"""The quarantine's plan, word for word, and its checks."""

import ipaddress
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.agent.tree import Tree
from tests.fixtures.services import require

from vedette.agent.actions import ACTIONS
from vedette.agent.actions.scene import Address, Outcome, Ran, Scene, ThisMachine
from vedette.agent.collect.source import Source
from vedette.core import ActionId, ActionState, Command, CommandId, HostId, TenantId

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
    made.write(
        "/etc/resolv.conf",
        "search x\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver 127.0.0.53\n",
    )
    return made


def _do(
    tree: Tree, machine: Machine, command: Command, server: str = "https://vedette.example:8443"
) -> Outcome:
    scene = Scene(server=server, source=tree.source, system=machine)
    return ACTIONS["quarantine"](command, scene)


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
    assert "policy drop" in outcome.data["plan"]


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


def test_applying_is_refused_honestly(tree: Tree) -> None:
    machine = Machine()
    outcome = _do(tree, machine, _command(dry_run=False))
    assert outcome.state is ActionState.REFUSED
    assert outcome.detail == "applying comes with a later version; use dry_run"
    assert machine.ran == []


def test_this_machine_answers_for_itself() -> None:
    source = Source()
    outcome = ACTIONS["quarantine"](
        _command(), Scene(server="https://localhost", source=source, system=ThisMachine(source))
    )
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
