"""An agent that is stopped between any two steps of a quarantine: at its next start nothing is half done."""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from tests.agent.far_machine import Host
from tests.agent.tree import Tree
from tests.fixtures.network import Network

from vedette.agent.actions.scene import Ran
from vedette.core import ActionState, Command, Verb

S = ActionState
# How often nft is called: by an apply, a renewal, a release.
APPLY, RENEW, RELEASE = range(1, 8), range(1, 4), range(1, 3)


class _KilledError(BaseException):
    """The process is gone: nothing of it cleans up."""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network() as made:
        yield made


@pytest.fixture
def host(tmp_path: Path, network: Network) -> Iterator[Host]:
    made = Host(Tree(tmp_path), network)
    made.nft("flush", "ruleset")
    made.nft("add", "table", "inet", "own")
    yield made
    made.close()


def _killed_in(host: Host, command: Command, call: int, *, after: bool) -> bool:
    """Carries it out, but for an end at its nth call of nft. Gives False when it came to its own end before."""
    honest, calls = host.machine.run, 0

    def run(words: list[str], stdin: str) -> Ran:
        nonlocal calls
        calls += 1
        if calls == call and not after:
            raise _KilledError
        ran = honest(words, stdin)
        if calls == call:
            raise _KilledError
        return ran

    def nothing(*_: object) -> NoReturn:
        raise _KilledError

    host.machine.run = run  # type: ignore[method-assign,assignment] # the machine's end
    host.kind._holding.take_back = nothing  # type: ignore[method-assign,assignment] # the dead take nothing back
    host.journal.begin(command)
    try:
        host.kind.carry_out(command, host.scene, host.ledger)
    except _KilledError:
        return True
    finally:
        host.machine.run = honest  # type: ignore[method-assign] # and its next start
    return False


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", APPLY)
def test_stopped_in_an_apply_nothing_of_it_is_left(host: Host, call: int, after: bool) -> None:
    before = host.nft("list", "ruleset")
    assert _killed_in(host, host.command("c1", seconds=600), call, after=after)
    host.boot("boot-1")
    host.keeper.begin()
    assert host.nft("list", "ruleset") == before
    assert host.ledger.held("quarantine") is None
    # The command itself is owned up to by the commander.
    assert host.journal.interrupted() == ["c1"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", RELEASE)
def test_stopped_in_a_release_it_is_completed_and_told_as_that(
    host: Host, call: int, after: bool
) -> None:
    before = host.nft("list", "ruleset")
    assert host.do(host.command("c1", seconds=600)).state is S.VERIFIED
    assert _killed_in(host, host.command("c2", Verb.RELEASE), call, after=after)
    host.boot("boot-1")
    host.keeper.begin()
    assert host.nft("list", "ruleset") == before
    assert host.ledger.held("quarantine") is None
    (told,) = [one for one in host.journal.unreported() if one.command == "c2"]
    assert (told.state, told.data["restored"]) == (S.RELEASED, True)


@pytest.mark.parametrize("call", RENEW)
def test_stopped_in_a_renewal_it_stays_in_force_and_ends_by_the_journal(
    host: Host, call: int
) -> None:
    assert host.do(host.command("c1", seconds=600)).state is S.VERIFIED
    assert _killed_in(host, host.command("c2", Verb.RENEW, seconds=900), call, after=True)
    host.boot("boot-1")
    host.keeper.begin()
    lease = host.ledger.held("quarantine")
    assert lease is not None
    assert host.ledger.left(lease) in {600.0, 900.0}
    assert "vedette_quarantine" in host.nft("list", "ruleset")
    host.clock.advance(901)
    host.kind.tend(host.scene, host.ledger, first=False)
    assert "vedette_quarantine" not in host.nft("list", "ruleset")
