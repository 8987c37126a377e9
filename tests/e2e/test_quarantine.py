"""A real agent in a namespace is quarantined by signed commands, and freed whatever becomes of it or of its server."""

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

import pytest
from tests.agent.box import Box
from tests.agent.enrolled import Agent
from tests.agent.server import Server
from tests.fixtures.neighbour import Neighbour
from tests.fixtures.network import Network

from vedette.agent.actions.ruleset import gate, ruleset
from vedette.core import (
    ActionId,
    ActionState,
    CommandId,
    CommandResult,
    HostId,
    SystemClock,
    Verb,
)

S = ActionState
AGENT = (sys.executable, "-m", "vedette", "agent")
OWN_RULES = """
table inet filter {
  chain input { type filter hook input priority filter; policy accept; tcp dport 22 counter accept; }
}
"""


class Far:
    """An agent's machine, its server here, and a neighbour."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.network = stack.enter_context(Network())
        self.neighbour = stack.enter_context(Neighbour(self.network))
        self.box = Box(forgets=True)
        self.server = stack.enter_context(
            Server(folder / "authority", self.box, at=self.network.here)
        )
        self._enrolled = Agent(folder / "state", self.server)
        self._enrolled.close()
        self.config = folder / "agent.toml"
        self.config.write_text(
            f'state_dir = "{folder / "state"}"\ninterval = 5\ncommand_wait = 1\nrequest_timeout = 3\n'
            "backoff_cap = 1\ncpu_percent = 100\nmemory_mib = 4096\n"
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
        self.box.give(self._enrolled.command(name, **fields), self._enrolled.commanding)

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


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    with ExitStack() as stack:
        yield Far(tmp_path, stack)


def test_an_agent_killed_while_quarantined_strands_nobody(far: Far) -> None:
    with far.agent() as agent:
        far.give("c1", seconds=8)
        verified = far.told("c1", S.VERIFIED)
        assert "over a fresh connection" in verified.data["probe"]["server_reached"]
        assert not far.neighbour.reached()
        assert not far.neighbour.reaches()
        agent.kill()
        agent.wait()
    far.wait(far.neighbour.reached)
    assert far.neighbour.reaches()
    assert "vedette_quarantine" in far.rules()
    with far.agent():
        released = far.told("c1", S.RELEASED)
        assert "was not renewed" in released.detail
        assert released.data["restored"] is True
    assert far.rules() == far.before
    states = [one.state for one in far.box.told if one.command == "c1"]
    assert states == [S.ACKNOWLEDGED, S.APPLIED, S.VERIFIED, S.RELEASED]


def test_a_server_that_is_gone_renews_nothing_so_the_host_is_freed(far: Far) -> None:
    with far.agent():
        far.give("c1", seconds=8)
        far.told("c1", S.VERIFIED)
        far.give("c2", Verb.RENEW, seconds=10)
        renewed = far.told("c2", S.VERIFIED)
        assert renewed.data["until"] > far.told("c1", S.VERIFIED).data["until"]
        far.server.stop()
        assert not far.neighbour.reached()
        far.wait(lambda: far.rules() == far.before)
        assert far.neighbour.reached()
        assert far.neighbour.reaches()
        far.server.start()
        assert far.told("c1", S.RELEASED).data["restored"] is True


def test_a_reboot_frees_nobody_and_replays_strangers_and_the_late_are_refused(far: Far) -> None:
    with far.agent() as agent:
        far.give("c1")
        far.told("c1", S.VERIFIED)
        agent.kill()
        agent.wait()
    far.nft("flush", "ruleset")
    assert far.neighbour.reached()
    far.boot = "the second life of this machine"
    far.run(*far.living("hold"))
    assert not far.neighbour.reached()
    far.nft("flush", "ruleset")
    with far.agent():
        far.wait(lambda: not far.neighbour.reached())
        far.nft("-f", "-", stdin=OWN_RULES)
        far.give("c2", Verb.RENEW)
        assert len(far.told("c2", S.VERIFIED).data["put_back"]) == 2
        _is_not_obeyed(far)
        said = far.run(*AGENT, "release", "-m", "a drill", "--config", str(far.config))
        assert (
            said
            == "quarantine: released: released at the host by root: a drill; all is as before\n"
        )
        assert far.neighbour.reached()
        assert far.told("c1", S.RELEASED).detail.startswith("released at the host by root: a drill")
        far.give("c9", Verb.RENEW)
        assert "nothing is in force" in far.told("c9", S.REFUSED).detail
    assert far.rules() == far.before
    again = far.run(*AGENT, "release", "--config", str(far.config))
    assert again == "nothing is in force on this host\n"


def _is_not_obeyed(far: Far) -> None:
    before = len(far.box.told)
    far.give("c1")
    far.wait(lambda: len(far.box.told) > before)
    assert [one.state for one in far.box.told[before:]] == [S.VERIFIED]
    past = SystemClock().now() - timedelta(seconds=1)
    far.give("c3", Verb.RELEASE, expires_at=past)
    assert "expired" in far.told("c3", S.REFUSED).detail
    far.give("c4", Verb.RELEASE, host=HostId("h2"))
    assert "another host" in far.told("c4", S.REFUSED).detail
    far.give("c5", Verb.RELEASE, nonce="nonce-c1")
    assert "nonce was used" in far.told("c5", S.REFUSED).detail
    far.give("c6", Verb.RELEASE, action=ActionId("a2"))
    assert "by action a1" in far.told("c6", S.REFUSED).detail
    assert CommandId("c1") in {one.command for one in far.box.told}
    assert not far.neighbour.reached()


def test_root_at_the_host_ends_what_no_journal_knows_of(far: Far) -> None:
    rules = ruleset(server=[], port=443, resolvers=[], exceptions=[]) + gate(600)
    far.nft("-f", "-", stdin=rules)
    assert not far.neighbour.reached()
    said = far.run(*AGENT, "release", "--state-dir", str(far.folder / "nowhere"))
    assert "quarantine: released" in said
    assert "the journal knew of no lease" in said
    assert far.rules() == far.before
    assert far.neighbour.reached()
