"""An agent that is killed at any write of a renewal, release or cancel says after its start what is in force, and until when."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.respond.agent_host import AgentHost
from tests.respond.made_kernel import MadeMeasure
from tests.respond.world import START, TENANT

from vedette.agent.actions.kind import CannotDo
from vedette.agent.door import Answer, Unreachable
from vedette.core import (
    NOTHING_IN_FORCE,
    ActionId,
    ActionState,
    Command,
    CommandId,
    CommandResult,
    HostId,
    ManualClock,
    Verb,
)
from vedette.seal import SigningKey, sign_command

S = ActionState
KEY: Final = SigningKey.generate()
HOST: Final = HostId("h1")
FIRST, LONGER = 600.0, 900.0
# More than a renewal has.
WRITES: Final = range(14)
# Of a renewal's: the end is moved, and the answer is not written yet.
UNANSWERED: Final = 8


class Post:
    """Hands out one command until it is answered, and keeps what is told. While it is `cut`, the server is not reached."""

    def __init__(self) -> None:
        self.pending: Command | None = None
        self.told: dict[CommandId, CommandResult] = {}
        self.cut = False

    def request(self, method: str, path: str, *, body: bytes = b"", **_: Any) -> Answer:
        del path
        if self.cut:
            raise Unreachable("nothing is heard")
        if method == "GET":
            given = [] if self.pending is None else [sign_command(self.pending, KEY)]
            texts = [base64.b64encode(one).decode() for one in given]
            return Answer(status=200, body=json.dumps({"commands": texts}).encode())
        result = msgspec.json.decode(body, type=CommandResult)
        self.told[result.command] = result
        if self.pending and self.pending.id == result.command:
            self.pending = self.pending if result.state is S.ACKNOWLEDGED else None
        return Answer(status=202, body=b"{}")


class Leased:
    """A host with a quarantine of six hundred seconds in force."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(START + timedelta(seconds=10))
        self.post = Post()
        self.host = AgentHost(folder, self.clock, HOST, self.post, KEY.public)
        self.clock.advance(10)
        assert self.tell("c1", Verb.APPLY, FIRST).state is S.VERIFIED
        self.clock.advance(100)

    @property
    def ends(self) -> float | None:
        """In how many seconds, by the kernel."""
        until = self.host.kernel.in_force().get(ActionId("a1"))
        return None if until is None else until - self.host.kernel.seconds

    def give(
        self, name: str, verb: Verb, seconds: float = 0.0, *, kind: str = "quarantine"
    ) -> None:
        now = self.host.clock.now()
        self.post.pending = Command(
            id=CommandId(name),
            tenant=TENANT,
            host=HOST,
            action=ActionId("a1"),
            kind=kind,
            verb=verb,
            parameters={"lease_seconds": seconds, "grace_seconds": seconds} if seconds else {},
            dry_run=False,
            issued_at=now,
            expires_at=now + timedelta(minutes=5),
            nonce=name,
        )
        self.host.step()

    def tell(self, name: str, verb: Verb, seconds: float = 0.0) -> CommandResult:
        self.give(name, verb, seconds)
        return self.post.told[CommandId(name)]

    def killed_in(
        self, verb: Verb, write: int, seconds: float = 0.0, *, kind: str = "quarantine"
    ) -> bool:
        """Whether it was killed, and not through already."""
        self.host.fuse.left = write
        self.give("c2", verb, seconds, kind=kind)
        killed = not self.host.runs
        self.host.fuse.left = None
        return killed

    def started(self) -> CommandResult:
        """What it says of that command right after its start."""
        self.host.start()
        self.host.step()
        return self.post.told[CommandId("c2")]

    def left(self, result: CommandResult) -> float:
        """In how many seconds the lease ends by that word."""
        until = datetime.fromisoformat(result.data["until"])
        return (until - self.host.clock.now()).total_seconds()


@pytest.fixture
def leased(tmp_path: Path) -> Iterator[Leased]:
    made = Leased(tmp_path)
    yield made
    made.host.close()


@pytest.mark.parametrize("write", WRITES)
def test_killed_in_a_renewal_it_says_the_end_of_what_is_in_force(
    leased: Leased, write: int
) -> None:
    killed = leased.killed_in(Verb.RENEW, write, LONGER)
    told = leased.started()
    if told.state is S.VERIFIED:
        assert leased.ends == LONGER
        assert told.data["probe"]
    else:
        assert killed
        assert (told.state, leased.ends) == (S.FAILED, FIRST - 100)
        assert "not renewed, its lease ends as before: the agent was stopped" in told.detail
    assert leased.left(told) == leased.ends
    # And by the agent's own book it ends then, too.
    leased.clock.advance(leased.left(told) + 1)
    leased.host.tend()
    assert leased.host.kernel.held == {}


def test_killed_when_the_end_is_moved_it_says_so(leased: Leased) -> None:
    assert leased.killed_in(Verb.RENEW, UNANSWERED, LONGER)
    assert leased.started().state is S.VERIFIED


def test_killed_before_its_book_has_the_new_end_the_old_one_stands_everywhere(
    leased: Leased,
) -> None:
    assert leased.killed_in(Verb.RENEW, UNANSWERED - 2, LONGER)
    assert leased.ends == LONGER
    assert leased.started().state is S.FAILED
    assert leased.ends == FIRST - 100


def test_an_answer_that_could_not_be_kept_is_given_when_it_is_asked_for_again(
    leased: Leased, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(result: CommandResult) -> None:
        raise sqlite3.OperationalError(f"disk is full: {result.command}")

    monkeypatch.setattr(leased.host.journal, "finish", full)
    with pytest.raises(sqlite3.OperationalError):
        leased.give("c2", Verb.RENEW, LONGER)
    monkeypatch.undo()
    leased.host.step()
    told = leased.post.told[CommandId("c2")]
    assert (told.state, leased.left(told)) == (S.VERIFIED, LONGER)


def test_a_renewal_that_fails_before_the_end_is_moved_says_the_end_that_stands(
    leased: Leased, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bool:
        raise CannotDo("nft failed")

    monkeypatch.setattr(MadeMeasure, "stands", broken)
    told = leased.tell("c2", Verb.RENEW, LONGER)
    assert (told.state, "not renewed" in told.detail) == (S.FAILED, True)
    assert leased.left(told) == leased.ends == FIRST - 100


def test_where_it_can_not_be_told_no_end_is_claimed(
    leased: Leased, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bool:
        raise CannotDo("nft failed")

    assert leased.killed_in(Verb.RENEW, UNANSWERED, LONGER)
    monkeypatch.setattr(MadeMeasure, "stands", broken)
    told = leased.started()
    assert (told.state, told.data) == (S.FAILED, {})
    assert "the agent was stopped while carrying it out: nft failed" in told.detail


def test_a_server_that_is_not_reached_at_the_start_makes_it_no_failure(leased: Leased) -> None:
    assert leased.killed_in(Verb.RENEW, UNANSWERED, LONGER)
    assert leased.ends == LONGER
    leased.post.cut = True
    leased.host.start()
    leased.clock.advance(30)
    leased.host.step()
    leased.post.cut = False
    leased.host.step()
    told = leased.post.told[CommandId("c2")]
    assert (told.state, leased.left(told)) == (S.VERIFIED, LONGER - 30)


def test_what_ran_out_while_the_agent_was_dead_is_said_to_be_over(leased: Leased) -> None:
    assert leased.killed_in(Verb.RENEW, UNANSWERED, LONGER)
    leased.clock.advance(LONGER + 1)
    told = leased.started()
    assert (told.state, told.data) == (S.REFUSED, {NOTHING_IN_FORCE: True})
    assert leased.post.told[CommandId("c1")].state is S.RELEASED


def test_a_machine_that_started_anew_has_it_back_with_the_end_that_it_says(
    leased: Leased,
) -> None:
    assert leased.killed_in(Verb.RENEW, UNANSWERED, LONGER)
    leased.host.boot()
    leased.host.step()
    told = leased.post.told[CommandId("c2")]
    assert (told.state, leased.left(told)) == (S.VERIFIED, LONGER)
    assert leased.ends == LONGER
    assert len(told.data["put_back"]) == 1


@pytest.mark.parametrize("write", WRITES)
def test_killed_in_a_release_it_says_that_it_is_gone_or_until_when_it_is_not(
    leased: Leased, write: int
) -> None:
    leased.killed_in(Verb.RELEASE, write)
    told = leased.started()
    if leased.ends is None:
        over = told.state is S.RELEASED or told.data.get(NOTHING_IN_FORCE) is True
        assert over, told
    else:
        assert (told.state, leased.left(told)) == (S.FAILED, leased.ends)
        assert leased.tell("c3", Verb.RELEASE).state is S.RELEASED


@pytest.mark.parametrize("write", WRITES)
def test_killed_in_a_cancel_it_says_that_it_called_off_what_it_did(
    leased: Leased, write: int
) -> None:
    leased.give("s1", Verb.APPLY, LONGER, kind="shutdown")
    assert leased.post.told[CommandId("s1")].state is S.APPLIED
    leased.killed_in(Verb.CANCEL, write, kind="shutdown")
    told = leased.started()
    coming = "shutdown" in leased.host.kernel.coming
    assert told.state is (S.FAILED if coming else S.CANCELLED)
