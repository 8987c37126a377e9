"""A machine in a network namespace, with real nftables, for an agent's parts that run in the test's own process."""

import contextlib
import errno
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

from tests.agent.tree import Tree
from tests.fixtures.neighbour import asked
from tests.fixtures.network import Network

from vedette.agent.actions.leased import Leased
from vedette.agent.actions.quarantine import Quarantine
from vedette.agent.actions.scene import Address, Check, Outcome, Ran, Scene, ThisMachine
from vedette.agent.collect.source import Source
from vedette.agent.journal import Journal
from vedette.agent.keeper import Keeper
from vedette.agent.ledger import Ledger
from vedette.agent.permission import Permission
from vedette.core import (
    ActionId,
    Command,
    CommandId,
    HostId,
    ManualClock,
    TenantId,
    Verb,
)

__all__ = ["FarMachine", "Host"]

_KNOCKS = """
import socket, sys
address, interface = sys.argv[1], sys.argv[2]
try:
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    if interface:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    s.sendto(b"", (address, 9))
except OSError as error:
    sys.exit(error.errno)
"""


class FarMachine(ThisMachine):
    """Does in the namespace what `ThisMachine` does here."""

    def __init__(self, network: Network) -> None:
        super().__init__(Source())
        self._network = network

    def run(self, command: list[str], stdin: str) -> Ran:
        ip = shutil.which("ip")
        assert ip is not None
        return super().run([ip, *self._network.inside(*command)[1:]], stdin)

    def interfaces(self) -> list[str]:
        listed = subprocess.run(
            ["ip", "-n", self._network.name, "-o", "link"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        names = [line.split()[1].partition("@")[0].strip(":") for line in listed.splitlines()]
        return [name for name in names if name != "lo"]

    def knock(self, address: Address, interface: str = "") -> int:
        words = self._network.inside(sys.executable, "-c", _KNOCKS, str(address), interface)
        status = subprocess.run(words, capture_output=True, timeout=60, check=False).returncode
        assert status in {0, *errno.errorcode}
        return status


class Host:
    """The parts of an agent on a far machine, and its server: a socket on this one that takes connections."""

    def __init__(self, tree: Tree, network: Network) -> None:
        self.tree, self.network = tree, network
        self._server = socket.create_server((network.here, 0))
        self._serving = threading.Thread(target=self._serve, daemon=True)
        self._serving.start()
        port = self._server.getsockname()[1]
        self.server = f"https://{network.here}:{port}"
        self.machine = FarMachine(network)
        self.clock = ManualClock()
        self.permission = Permission()
        tree.link("/proc/1/ns/net", str(Path("/proc/self/ns/net").readlink()))
        tree.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
        self._path = tree.path("/state/journal.sqlite")
        self.journal = Journal(self._path, self.clock)
        self.boot("boot-1")

    def boot(self, name: str) -> None:
        """An agent's start, in that life of the machine: its journal and ledger as they lie there."""
        self.journal.close()
        self.tree.write("/proc/sys/kernel/random/boot_id", f"{name}\n")
        self.kind = Leased(Quarantine())
        self.journal = Journal(self._path, self.clock)
        lock = self.tree.path("/state/leases.lock")
        self.ledger = Ledger(self.journal, self.clock, self.tree.source, lock)

    @property
    def scene(self) -> Scene:
        return Scene(
            server=self.server,
            source=self.tree.source,
            system=self.machine,
            reach=self.reach,
            permission=self.permission,
        )

    @property
    def keeper(self) -> Keeper:
        return Keeper([self.kind], self.scene, self.ledger)

    def reach(self) -> Check:
        """A fresh connection from the far machine, which the kernel takes for the server."""
        ok = self.reaches_server()
        return Check(name="server_reached", ok=ok, detail="tried by a fresh connection")

    def reaches_server(self) -> bool:
        """Whether the far machine does now."""
        port = int(self.server.rpartition(":")[2])
        return asked(self.network.name, self.network.here, port, 1.0) == "here"

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed at the test's end
            while True:
                connection, _ = self._server.accept()
                connection.sendall(b"here")
                connection.close()

    def command(self, name: str, verb: Verb = Verb.APPLY, **changes: object) -> Command:
        """Of action `a1`, for five minutes unless `seconds` says else."""
        now = self.clock.now()
        seconds = changes.pop("seconds", 300.0)
        exceptions = changes.pop("exceptions", [])
        fields: dict[str, object] = {
            "id": CommandId(name),
            "tenant": TenantId("default"),
            "host": HostId("h1"),
            "action": ActionId("a1"),
            "kind": "quarantine",
            "verb": verb,
            "parameters": {"lease_seconds": seconds, "exceptions": exceptions},
            "dry_run": False,
            "issued_at": now,
            "expires_at": now,
            "nonce": name,
        } | changes
        return Command(**fields)  # type: ignore[arg-type] # the fields above, some replaced

    def do(self, command: Command) -> Outcome:
        """As the commander does it: begun, carried out, finished."""
        self.journal.begin(command)
        outcome = self.kind.carry_out(command, self.scene, self.ledger)
        self.journal.finish(
            self.ledger.result(command.id, outcome.state, outcome.detail, outcome.data)
        )
        return outcome

    def nft(self, *words: str, stdin: str = "") -> str:
        """Nft in the far machine; what it prints."""
        return subprocess.run(
            self.network.inside("nft", *words),
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout

    def close(self) -> None:
        """Ends its use."""
        self.journal.close()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._serving.join()
