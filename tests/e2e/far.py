"""A real agent on a machine of its own (a namespace), its server here, and a neighbour of both."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

from tests.agent.box import Box
from tests.agent.enrolled import Agent
from tests.agent.server import Server
from tests.fixtures.neighbour import Neighbour
from tests.fixtures.network import Network

from vedette.core import ActionState, CommandResult, SystemClock, Verb

__all__ = ["AGENT", "OWN_RULES", "Far"]

AGENT = (sys.executable, "-m", "vedette", "agent")
OWN_RULES = """
table inet filter {
  chain input { type filter hook input priority filter; policy accept; tcp dport 22 counter accept; }
}
"""


class Far:
    """An agent's machine, its server here, and a neighbour."""

    def __init__(self, folder: Path, stack: ExitStack, settings: str = "") -> None:
        self.folder = folder
        self.network = stack.enter_context(Network())
        self.neighbour = stack.enter_context(Neighbour(self.network))
        self.box = Box(forgets=True)
        self.server = stack.enter_context(
            Server(folder / "authority", self.box, at=self.network.here)
        )
        self.enrolled = Agent(folder / "state", self.server)
        self.enrolled.close()
        self.config = folder / "agent.toml"
        self.config.write_text(
            f'state_dir = "{folder / "state"}"\ninterval = 5\ncommand_wait = 1\nrequest_timeout = 3\n'
            "backoff_cap = 1\ncpu_percent = 100\nmemory_mib = 4096\n" + settings
        )
        self.nft("-f", "-", stdin=OWN_RULES)
        self.before = self.rules()
        self.boot = "the first life of this machine"

    def rules(self) -> str:
        return self.nft("--stateless", "list", "ruleset")

    def nft(self, *words: str, stdin: str = "") -> str:
        return self.run("nft", *words, stdin=stdin)

    def run(self, *command: str, stdin: str = "") -> str:
        done = subprocess.run(
            self.network.inside(*command),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=_environment(),
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def agent(self) -> Iterator["subprocess.Popen[bytes]"]:
        """The agent at work, in the present life of the machine; killed at the end if it still runs."""
        words = self.network.inside(*self.living("run"))
        with (self.folder / "agent.log").open("ab") as log:
            process = subprocess.Popen(words, stdout=log, stderr=log, env=_environment())
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def living(self, verb: str) -> list[str]:
        """A command of the agent in the present life of the machine (no other process sees that mount), with its unit's rights."""
        boot_id = self.folder / "boot_id"
        boot_id.write_text(self.boot)
        unit = (files("vedette.agent") / "vedette-agent.service").read_text()
        granted = re.search(r"^CapabilityBoundingSet=(.+)$", unit, re.MULTILINE)
        assert granted
        bounds = ",".join(["-all", *(f"+{name[4:].lower()}" for name in granted[1].split())])
        script = (
            f'mount --bind "{boot_id}" /proc/sys/kernel/random/boot_id && '
            f'exec setpriv --bounding-set {bounds} --no-new-privs "$@"'
        )
        return ["sh", "-c", script, "sh", *AGENT, verb, "--config", str(self.config)]

    def give(self, name: str, verb: Verb = Verb.APPLY, **changes: object) -> None:
        """A command of action `a1`, signed, for the agent to fetch."""
        now = SystemClock().now()
        fields = {
            "verb": verb,
            "dry_run": False,
            "issued_at": now,
            "expires_at": now + timedelta(minutes=5),
            "parameters": {"lease_seconds": changes.pop("seconds", 600)},
        } | changes
        self.box.give(self.enrolled.command(name, **fields), self.enrolled.commanding)

    def told(self, name: str, state: ActionState) -> CommandResult:
        """What the agent says of a command, once it is that."""
        found: list[CommandResult] = []

        def is_told() -> bool:
            found[:] = [one for one in self.box.told if (one.command, one.state) == (name, state)]
            return bool(found)

        self.wait(is_told)
        return found[0]

    def wait(self, holds: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                said = [(one.command, one.state, one.detail) for one in self.box.told]
                raise AssertionError(f"{said}\n{(self.folder / 'agent.log').read_text()[-3000:]}")
            time.sleep(0.1)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")}
