"""Verdicts that are waited for: what is checked of them, and what the host does on them by its own settings."""

import base64
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.agent.box import Box
from tests.agent.enrolled import Agent
from tests.agent.server import Reply, Seen, Server

from vedette.agent.actions.scene import Outcome, Scene, ThisMachine
from vedette.agent.collect.source import Source
from vedette.agent.journal_file import Damaged, put
from vedette.agent.ledger import Ledger
from vedette.agent.obedience import Obedience
from vedette.agent.own_policy import OwnPolicy
from vedette.agent.permission import Permission
from vedette.agent.reflex import Reflex
from vedette.agent.ship import Shipped, Shipper
from vedette.core import (
    ActionState,
    Command,
    Confirmation,
    Epoch,
    HostId,
    Label,
    Ruling,
    Severity,
    TenantId,
    Verb,
    VerdictId,
    digest,
)
from vedette.seal import SigningKey, read_header, sign_command, sign_ruling

S = ActionState
POLICY = OwnPolicy(enabled=True, min_severity=Severity.HIGH, lease=300.0, actions_per_day=2)


class Deed:
    """Stands for quarantine: keeps what it was told."""

    name = "quarantine"
    verbs = frozenset({Verb.APPLY})
    by_default = True
    disruptive = True

    def __init__(self) -> None:
        self.done: list[Command] = []

    def carry_out(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        del scene, ledger
        self.done.append(command)
        return Outcome(state=S.VERIFIED, detail="done", data={"probe": {"it": "works"}})

    def own_up(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome | None:
        """Nothing shows what came of it."""

    def tend(self, scene: Scene, ledger: Ledger, *, first: bool) -> None:
        """Nothing is in force."""

    def let_go(self, scene: Scene, ledger: Ledger, why: str) -> Outcome | None:
        """Nothing is."""


@dataclass
class Waiting:
    """An agent that waits, and a server that answers what it is told to."""

    agent: Agent
    box: Box
    deed: Deed
    rule: Callable[[Seen], str] = lambda _: ""
    pushes: list[Seen] = field(default_factory=list)

    def __call__(self, seen: Seen) -> Reply:
        if seen.path != "/v1/snapshots":
            return self.box(seen)
        self.pushes.append(seen)
        return Reply(202, {"accepted": True, "verdict": self.rule(seen)})

    def shipper(self, policy: OwnPolicy = POLICY, wait: float = 5.0, **allowed: Any) -> Shipper:
        agent = self.agent
        source = Source("/")
        scene = Scene(
            server=agent.enrolment.server,
            source=source,
            system=ThisMachine(source),
            reach=lambda: pytest.fail("nothing is tested here"),
            permission=Permission(**allowed),
        )
        self.ledger = Ledger(agent.journal, agent.clock, source, agent.state / "leases.lock")
        obedience = Obedience(
            agent.enrolment,
            agent.door,
            agent.journal,
            agent.clock,
            scene,
            {"quarantine": self.deed},
            self.ledger,
        )
        reflex = Reflex(
            agent.enrolment,
            obedience,
            agent.journal,
            self.ledger,
            agent.health,
            agent.clock,
            wait=wait,
            policy=policy,
        )
        return Shipper(
            agent.outgoing,
            agent.door,
            agent.health,
            agent.clock,
            chance=random.Random(7),
            reflex=reflex,
        )

    def ruling(self, seen: Seen, *, number: int = 1, **changes: Any) -> Ruling:
        header, now = read_header(seen.body), self.agent.clock.now()
        told = {
            "dry_run": False,
            "parameters": {"lease_seconds": 300.0, "exceptions": []},
            "expires_at": now + timedelta(seconds=60),
        } | changes.pop("told", {})
        given: dict[str, Any] = {
            "verdict": VerdictId("v"),
            "tenant": header.tenant,
            "host": header.host,
            "epoch": header.epoch,
            "seq": header.seq,
            "digest": digest(seen.body),
            "label": Label.ABNORMAL,
            "severity": Severity.HIGH,
            "score": 0.99,
            "model": "sha256:m",
            "confirmation": Confirmation(abnormal=2, of=2, experts=1),
            "late": False,
            "reasons": (),
            "signed_at": now,
            "expires_at": now + timedelta(seconds=60),
            "command": self.agent.command(f"c{number}", **told),
        }
        return Ruling(**(given | changes))

    def signed(self, ruling: Ruling, key: SigningKey | None = None) -> str:
        return base64.b64encode(sign_ruling(ruling, key or self.agent.commanding)).decode()

    def live(self, shipper: Shipper, **changes: Any) -> None:
        """One snapshot, and a verdict on it."""
        self.rule = lambda seen: self.signed(self.ruling(seen, **changes))
        self.push(shipper)

    def push(self, shipper: Shipper) -> None:
        self.agent.fill(1)
        assert shipper.step()[0] is Shipped.SENT

    @property
    def error(self) -> str:
        return self.agent.health.report.last_error


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Waiting]:
    box = Box()
    with Server(tmp_path / "authority", box) as server:
        agent = Agent(tmp_path / "state", server)
        made = Waiting(agent=agent, box=box, deed=Deed())
        server.script = made
        yield made
        agent.close()


def test_leave_that_fits_is_carried_out_at_once_and_told(waiting: Waiting) -> None:
    waiting.live(waiting.shipper())
    (done,) = waiting.deed.done
    assert done.id == "c1"
    assert waiting.box.states() == [S.ACKNOWLEDGED, S.VERIFIED]
    (seen,) = waiting.pushes
    seen.verify(waiting.agent.key.public)
    assert seen.query == "self_quarantine=high&confirmed=true&lease=300"
    assert seen.headers["Prefer"] == "wait=5"
    assert waiting.ledger.own_deeds() == 1
    assert waiting.agent.spool.depth == 0


def test_an_agent_that_is_not_set_so_asks_for_nothing_and_looks_at_nothing(
    waiting: Waiting,
) -> None:
    waiting.live(waiting.shipper(wait=0.0))
    (seen,) = waiting.pushes
    assert (seen.query, "Prefer" in seen.headers) == ("", False)
    assert waiting.deed.done == []
    waiting.live(waiting.shipper(OwnPolicy()), number=2)
    assert (waiting.pushes[1].query, waiting.pushes[1].headers["Prefer"]) == ("", "wait=5")
    assert "does nothing by itself" in waiting.box.told[-1].detail


def test_what_is_behind_the_newest_does_not_wait(waiting: Waiting) -> None:
    shipper = waiting.shipper()
    waiting.agent.fill(3)
    while shipper.step()[0] is not Shipped.IDLE:
        pass
    assert ["Prefer" in seen.headers for seen in waiting.pushes] == [False, False, True]


def _other(name: str, value: object) -> Callable[[Ruling], Ruling]:
    return lambda one: msgspec.structs.replace(one, **{name: value})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_other("host", HostId("h2")), "another host"),
        (_other("tenant", TenantId("t2")), "another host"),
        (_other("seq", 99), "another snapshot"),
        (_other("epoch", Epoch("0" * 32)), "another snapshot"),
        (_other("digest", "sha256:x"), "another snapshot"),
        (lambda one: msgspec.structs.replace(one, expires_at=one.signed_at), "expired"),
    ],
)
def test_a_verdict_that_is_not_of_what_was_sent_is_refused(
    waiting: Waiting, change: Callable[[Ruling], Ruling], words: str
) -> None:
    waiting.rule = lambda seen: waiting.signed(change(waiting.ruling(seen)))
    waiting.push(waiting.shipper())
    assert words in waiting.error
    assert (waiting.deed.done, waiting.box.told) == ([], [])


def test_another_key_a_command_and_a_replay_are_refused(waiting: Waiting) -> None:
    shipper = waiting.shipper()
    waiting.rule = lambda seen: waiting.signed(waiting.ruling(seen), SigningKey.generate())
    waiting.push(shipper)
    assert "was signed by key" in waiting.error
    told = waiting.agent.command("c9", dry_run=False)
    blob = base64.b64encode(sign_command(told, waiting.agent.commanding)).decode()
    waiting.rule = lambda _: blob
    waiting.push(shipper)
    assert "signature does not hold" in waiting.error
    kept: list[str] = []

    def replayed(seen: Seen) -> str:
        kept.append(waiting.signed(waiting.ruling(seen)))
        return kept[0]

    waiting.rule = replayed
    waiting.push(shipper)
    assert len(waiting.deed.done) == 1
    waiting.push(shipper)
    assert "another snapshot" in waiting.error
    assert len(waiting.deed.done) == 1


@pytest.mark.parametrize("text", ["%", "AAAA", "A" * 600_000, "é"])
def test_what_is_no_verdict_is_refused_and_the_snapshot_is_sent(
    waiting: Waiting, text: str
) -> None:
    waiting.rule = lambda _: text
    waiting.push(waiting.shipper())
    assert "a verdict that was waited for is refused" in waiting.error


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"severity": Severity.MEDIUM}, "only high or worse"),
        ({"label": Label.UNKNOWN}, "is unknown, not abnormal"),
        ({"late": True}, "came late"),
        ({"confirmation": Confirmation(abnormal=1, of=1, experts=1)}, "not confirmed"),
        ({"told": {"kind": "shutdown"}}, "this agent can't do"),
        ({"told": {"dry_run": True}}, "leave is for a quarantine"),
        ({"told": {"verb": Verb.RELEASE}}, "knows no release"),
        ({"told": {"parameters": {"lease_seconds": 301}}}, "this host asked for 300"),
        ({"told": {"parameters": {}}}, "leave is for None seconds"),
        ({"told": {"host": HostId("h2")}}, "another host"),
    ],
)
def test_leave_that_does_not_fit_is_refused_in_words_that_people_see(
    waiting: Waiting, changes: dict[str, Any], words: str
) -> None:
    waiting.live(waiting.shipper(), **changes)
    assert waiting.deed.done == []
    (told,) = waiting.box.told
    assert told.state is S.REFUSED
    assert words in told.detail
    assert words in waiting.error
    assert waiting.ledger.own_deeds() <= 1


def test_the_hosts_allow_list_outranks_leave(waiting: Waiting) -> None:
    waiting.live(waiting.shipper(kinds=frozenset()))
    assert "does not allow" in waiting.box.told[0].detail
    assert waiting.deed.done == []


def test_no_more_in_a_day_than_the_host_allows(waiting: Waiting) -> None:
    shipper = waiting.shipper()
    for number in (1, 2, 3):
        waiting.live(shipper, number=number)
    assert [one.id for one in waiting.deed.done] == ["c1", "c2"]
    assert "2 times a day at most" in waiting.box.told[-1].detail
    waiting.agent.clock.advance(86_401)
    waiting.live(shipper, number=4)
    assert waiting.deed.done[-1].id == "c4"


def test_no_leave_is_told_with_the_servers_reason(waiting: Waiting) -> None:
    waiting.live(waiting.shipper(), command=None, withheld="the kill switch is thrown")
    assert "no leave to quarantine: the kill switch is thrown" in waiting.error
    assert waiting.box.told == []


def test_a_normal_verdict_is_nothing_to_tell(waiting: Waiting) -> None:
    waiting.live(waiting.shipper(), command=None, label=Label.NORMAL)
    assert (waiting.error, waiting.box.told) == ("", [])


def test_the_same_leave_again_is_answered_as_before_and_not_done_again(waiting: Waiting) -> None:
    shipper = waiting.shipper()
    waiting.live(shipper)
    waiting.live(shipper)
    assert len(waiting.deed.done) == 1
    assert waiting.box.states()[-1] is S.VERIFIED
    assert waiting.ledger.own_deeds() == 1


def test_a_book_of_own_deeds_that_is_damaged_lets_nothing_be_done(waiting: Waiting) -> None:
    shipper = waiting.shipper()
    with waiting.agent.journal.changing() as db:
        put(db, "own_deeds", "c1@yesterday")
    with pytest.raises(Damaged):
        waiting.live(shipper)
    assert waiting.deed.done == []
