"""A real agent in a namespace is quarantined by signed commands, and freed whatever becomes of it or of its server."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from tests.e2e.far import AGENT, OWN_RULES, Far

from vedette.agent.actions.ruleset import gate, ruleset
from vedette.core import ActionId, ActionState, CommandId, HostId, SystemClock, Verb

S = ActionState


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
