"""The action `collect` on the host: planned, written down, collected, sealed, delivered; and every way in which that can be cut short."""

import random
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.agent.box import Box
from tests.agent.enrolled import Agent
from tests.agent.server import Reply, Seen, Server
from tests.agent.tree import Tree

from vedette.agent.actions.collect import Collect
from vedette.agent.actions.scene import Check, Outcome, Scene, ThisMachine
from vedette.agent.collect.source import Source
from vedette.agent.evidence.courier import Courier
from vedette.agent.evidence.gatherer import Gatherer
from vedette.agent.ledger import Ledger
from vedette.agent.obedience import Obedience
from vedette.agent.permission import Permission
from vedette.app.evidence import open_evidence
from vedette.core import ActionState, Command, Verb, digest
from vedette.seal import read_bundle_header

S = ActionState
FILE = {"files": ["/etc/hosts", "/etc/shadow"]}


class Room(Box):
    """A server that takes evidence, as a test wants it to."""

    def __init__(self) -> None:
        super().__init__(forgets=True)
        self.kept: dict[str, bytes] = {}
        self.answers: list[Reply] = []
        self.tried = 0

    def __call__(self, seen: Seen) -> Reply:
        if not seen.path.endswith("/evidence"):
            return super().__call__(seen)
        self.tried += 1
        assert seen.headers["Content-Type"] == "application/vedette-evidence"
        if self.answers and (answer := self.answers.pop(0)).status != 201:
            return answer
        self.kept[seen.path.split("/")[3]] = seen.body
        return Reply(201, {"digest": digest(seen.body), "bytes": len(seen.body)})


class Desk:
    """An agent's parts that collect, over a made host; `restart` is the next life of the agent."""

    def __init__(self, agent: Agent, server: Server, tree: Tree) -> None:
        self.agent, self.tree, self.room = agent, tree, Room()
        server.script = self.room
        self.server = server
        self.source = Source(str(tree.root))
        self.permission = Permission(kinds=frozenset({"collect"}))
        self.kind = Collect()
        self.folder = agent.state / "evidence"
        self.restart()

    def restart(self) -> None:
        lock = self.agent.state / "leases.lock"
        self.ledger = Ledger(self.agent.journal, self.agent.clock, self.source, lock)
        self.scene = Scene(
            server=self.agent.enrolment.server,
            source=self.source,
            system=ThisMachine(self.source),
            reach=lambda: Check(name="server_reached", ok=False, detail="not tried"),
            permission=self.permission,
        )
        self.obedience = Obedience(
            self.agent.enrolment,
            self.agent.door,
            self.agent.journal,
            self.agent.clock,
            self.scene,
            {"collect": self.kind},
            self.ledger,
        )
        self.gatherer = Gatherer(self.source, self.permission, self.agent.clock)
        self.courier = Courier(
            self.agent.enrolment,
            self.agent.door,
            self.ledger,
            self.agent.clock,
            self.gatherer,
            self.folder,
            self.obedience.report,
            chance=random.Random(3),
        )
        self.kind.tend(self.scene, self.ledger, first=True)

    def command(self, name: str = "c1", **changes: Any) -> Command:
        given = {"kind": "collect", "dry_run": False, "parameters": FILE}
        return self.agent.command(name, **(given | changes))

    def obey(self, command: Command | None = None) -> tuple[ActionState, str]:
        self.obedience.obey(command or self.command())
        self.obedience.report()
        return self.room.told[-1].state, self.room.told[-1].detail

    @property
    def last(self) -> tuple[ActionState, str]:
        return self.room.told[-1].state, self.room.told[-1].detail

    @property
    def idle(self) -> bool:
        """Nothing is in hand, and nothing lies on the disk."""
        return self.ledger.held("collect") is None and not (
            self.folder.is_dir() and list(self.folder.iterdir())
        )


@pytest.fixture
def desk(agent: Agent, server: Server, tree: Tree) -> Desk:
    tree.write("/proc/sys/kernel/random/boot_id", "boot-1\n")
    tree.write("/etc/hosts", "127.0.0.1 localhost\n")
    tree.write("/etc/shadow", "root:$6$salt$hash1234567:1::::::\n")
    return Desk(agent, server, tree)


def test_it_is_collected_sealed_delivered_and_only_then_verified(desk: Desk) -> None:
    state, words = desk.obey()
    assert (state, "it is delivered before" in words) == (S.ACKNOWLEDGED, True)
    desk.courier.step()
    sealed = (desk.folder / "c1.sealed").read_bytes()
    assert oct((desk.folder / "c1.sealed").stat().st_mode & 0o777) == "0o600"
    assert b"localhost" not in sealed
    assert desk.last[0] is S.APPLIED
    desk.courier.step()
    verified = desk.room.told[-1]
    assert verified.state is S.VERIFIED
    assert verified.data["digest"] == digest(desk.room.kept["c1"]) == digest(sealed)
    assert verified.data["probe"]
    assert [one.state for one in desk.room.told] == [
        S.ACKNOWLEDGED,
        S.ACKNOWLEDGED,
        S.APPLIED,
        S.VERIFIED,
    ]
    assert desk.idle
    opened = open_evidence(sealed, desk.agent.ring)
    assert (opened.header.host, opened.header.action) == ("h1", "a1")
    assert [one["of"] for one in opened.manifest["entries"]] == ["/etc/hosts"]
    assert [one["what"] for one in opened.manifest["omitted"]] == ["/etc/shadow"]
    assert verified.data["contents"] == ["files/etc/hosts (20 bytes)"]
    assert "secrets" in verified.data["left_out"][0]


def test_a_dry_run_tells_what_would_be_collected_with_sizes_and_opens_nothing(desk: Desk) -> None:
    parameters = {
        "files": ["/etc/hosts", "/etc/shadow", "/etc/none", "/srv/x"],
        "logs": ["/etc/hosts"],
        "tables": ["users"],
        "processes": [{"pid": 99999}],
        "unresolved": ["no process"],
    }
    state, _ = desk.obey(desk.command(dry_run=True, parameters=parameters))
    plan = desk.room.told[-1].data["plan"].splitlines()
    assert state is S.SIMULATED
    assert "file /etc/hosts: 20 bytes" in plan
    assert "log /etc/hosts: 20 bytes" in plan
    assert "table users" in plan
    assert [line.split(":")[0] for line in plan if line.startswith("left out")] == [
        "left out, process 99999",
        "left out, file /etc/shadow",
        "left out, file /etc/none",
        "left out, file /srv/x",
        "left out, what the incident's reasons name",
    ]
    assert plan[-1].startswith("at most 8388608 bytes in all")
    assert desk.idle


def test_there_is_one_at_a_time_and_nothing_begins_for_nothing(desk: Desk) -> None:
    desk.obey()
    state, words = desk.obey(desk.command("c2", nonce="n2"))
    assert (state, "collects already, for action a1" in words) == (S.REFUSED, True)
    empty = desk.obey(desk.command("c3", nonce="n3", parameters={"files": ["/etc/none"]}))
    assert (empty[0], "something_there" in empty[1]) == (S.REFUSED, True)


def test_a_server_that_is_busy_gets_it_later_and_the_same(desk: Desk) -> None:
    desk.room.answers = [Reply(503, headers={"Retry-After": "7"}), Reply(429), Reply(201)]
    desk.obey()
    desk.courier.step()
    assert desk.courier.step() >= 7
    desk.courier.step()
    assert desk.last[0] is S.APPLIED
    desk.courier.step()
    assert (desk.last[0], desk.room.tried) == (S.VERIFIED, 3)


def test_a_server_that_is_gone_for_too_long_gets_nothing_and_that_is_told(desk: Desk) -> None:
    desk.obey()
    desk.courier.step()
    desk.server.stop()
    desk.agent.door.renew()
    assert desk.courier.step() > 0
    assert desk.ledger.held("collect") is not None
    desk.agent.clock.advance(301)
    desk.courier.step()
    desk.server.start()
    desk.obedience.report()
    assert desk.last == (S.FAILED, "the command expired before the server had the bundle")
    assert desk.idle
    assert desk.room.kept == {}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Reply(404, {"detail": "no command"}), "404 no command"),
        (Reply(409, {"detail": "another bundle"}), "409 another bundle"),
        (Reply(413, {"detail": "too large"}), "413 too large"),
        (Reply(200, {"digest": "sha256:other"}), "keeps sha256:other"),
        (Reply(200, {}), "keeps None"),
    ],
)
def test_what_the_server_will_never_take_or_keeps_otherwise_has_failed(
    desk: Desk, answer: Reply, words: str
) -> None:
    desk.room.answers = [answer]
    desk.obey()
    desk.courier.step()
    desk.courier.step()
    assert desk.last[0] is S.FAILED
    assert words in desk.last[1]
    assert desk.idle


def test_an_agent_that_was_stopped_after_sealing_delivers_that_very_bundle(desk: Desk) -> None:
    desk.obey()
    desk.courier.step()
    sealed = (desk.folder / "c1.sealed").read_bytes()
    desk.tree.write("/etc/hosts", "changed since\n")
    desk.restart()
    desk.courier.step()
    assert desk.room.kept == {"c1": sealed}
    assert desk.last[0] is S.VERIFIED


def test_an_agent_that_was_stopped_just_after_writing_it_delivers_that_very_bundle(
    desk: Desk,
) -> None:
    desk.obey()
    desk.courier.step()
    sealed = (desk.folder / "c1.sealed").read_bytes()
    lease = desk.ledger.held("collect")
    assert lease is not None
    desk.ledger.keep(msgspec.structs.replace(lease, mark=""))
    desk.restart()
    desk.courier.step()
    desk.courier.step()
    assert desk.room.kept == {"c1": sealed}
    assert desk.last[0] is S.VERIFIED


def test_an_agent_that_was_stopped_after_the_server_had_it_delivers_it_again(desk: Desk) -> None:
    desk.obey()
    desk.courier.step()
    lease = desk.ledger.held("collect")
    assert lease is not None
    sealed = (desk.folder / "c1.sealed").read_bytes()
    desk.courier.step()
    # As it was on the disk just before the answer was written down.
    desk.ledger.keep(lease)
    desk.folder.mkdir(exist_ok=True)
    (desk.folder / "c1.sealed").write_bytes(sealed)
    desk.restart()
    desk.courier.step()
    assert desk.room.kept == {"c1": sealed}
    assert (desk.last[0], desk.room.tried) == (S.VERIFIED, 2)


def test_an_agent_that_was_stopped_while_collecting_collects_anew_once_and_then_gives_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As SIGKILL: nothing after it is done."""

    def killed(*_: object) -> Any:
        raise Killed

    desk.obey()
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(desk.gatherer, "gather", killed)
            with pytest.raises(Killed):
                desk.courier.step()
        desk.restart()
    desk.courier.step()
    assert (desk.last[0], "twice" in desk.last[1]) == (S.FAILED, True)
    assert desk.idle


def test_an_agent_that_was_stopped_between_writing_down_and_answering_goes_on(desk: Desk) -> None:
    command = desk.command()
    desk.agent.journal.begin(command)
    desk.kind.carry_out(command, desk.scene, desk.ledger)
    desk.restart()
    desk.obedience.report()
    assert desk.last == (S.ACKNOWLEDGED, "the agent was stopped as it began; it goes on")
    desk.courier.step()
    desk.courier.step()
    assert desk.last[0] is S.VERIFIED


def test_what_is_changed_or_lost_on_the_disk_is_not_delivered(desk: Desk) -> None:
    desk.obey()
    desk.courier.step()
    path = desk.folder / "c1.sealed"
    path.write_bytes(path.read_bytes()[:-1])
    desk.courier.step()
    assert (desk.last[0], "was changed" in desk.last[1]) == (S.FAILED, True)
    desk.obey(desk.command("c2", nonce="n2"))
    desk.courier.step()
    (desk.folder / "c2.sealed").unlink()
    desk.courier.step()
    assert (desk.last[0], "can't be read any more" in desk.last[1]) == (S.FAILED, True)
    assert desk.room.kept == {}


def test_a_full_disk_is_told(desk: Desk) -> None:
    desk.folder.write_text("in the way")
    desk.obey()
    desk.courier.step()
    assert desk.last[0] is S.FAILED
    assert "could not be collected" in desk.last[1]


def test_called_off_at_the_host_or_by_a_command_nothing_more_is_delivered(desk: Desk) -> None:
    desk.obey()
    desk.courier.step()
    outcome: Outcome | None = desk.kind.let_go(desk.scene, desk.ledger, "ann: no")
    assert outcome is not None
    assert outcome.state is S.CANCELLED
    desk.courier.step()
    desk.obedience.report()
    assert desk.last == (S.CANCELLED, "ann: no; nothing more of it is delivered")
    assert desk.idle
    desk.obey(desk.command("c2", nonce="n2"))
    desk.obey(desk.command("c3", nonce="n3", verb=Verb.CANCEL, parameters={}))
    assert {(one.command, one.state) for one in desk.room.told[-2:]} == {
        ("c3", S.CANCELLED),
        ("c2", S.CANCELLED),
    }
    desk.courier.step()
    assert desk.idle
    assert desk.room.kept == {}


def test_called_off_while_it_is_collected_it_stays_called_off(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    gather = desk.gatherer.gather

    def let_go(*given: Any) -> Any:
        desk.kind.let_go(desk.scene, desk.ledger, "ann: no")
        return gather(*given)

    desk.obey()
    monkeypatch.setattr(desk.gatherer, "gather", let_go)
    desk.courier.step()
    desk.obedience.report()
    assert S.APPLIED not in {one.state for one in desk.room.told}
    desk.courier.step()
    assert desk.idle


def test_the_courier_goes_on_after_trouble_and_ends_when_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, steps = threading.Event(), []

    def step() -> float:
        steps.append(1)
        if len(steps) == 1:
            raise OSError("the disk")
        stop.set()
        return 0.0

    monkeypatch.setattr("vedette.agent.evidence.courier._LOOK_SECONDS", 0.001)
    monkeypatch.setattr(desk.courier, "step", step)
    monkeypatch.setattr(desk.courier._backoff, "fail", lambda: 0.001)
    desk.courier.run(stop)
    assert len(steps) == 2


def test_the_header_names_host_action_and_command(desk: Desk) -> None:
    desk.obey()
    desk.courier.step()
    header = read_bundle_header(Path(desk.folder / "c1.sealed").read_bytes())
    assert msgspec.to_builtins(header)["command"] == "c1"
    assert header.sealed_at == desk.agent.clock.now()
    assert desk.command().expires_at - desk.agent.clock.now() == timedelta(minutes=5)
