"""How often a host collects is counted apart from what disturbs it, and what was declined before it began is not counted."""

from datetime import timedelta

import pytest
from tests.agent.commander import Deed
from tests.agent.enrolled import Agent
from tests.agent.server import Server
from tests.agent.test_collect import Desk
from tests.agent.tree import Tree

from vedette.agent.actions.kind import Kind
from vedette.agent.actions.scene import Outcome, Scene
from vedette.agent.ledger import Ledger
from vedette.agent.obedience import Obedience
from vedette.agent.permission import Permission
from vedette.core import NOTHING_IN_FORCE, ActionId, ActionState, Command, Verb

S = ActionState
NOTHING = {"files": ["/etc/shadow"]}


class Declining(Deed):
    """Finds each time that it must not be done."""

    def carry_out(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        del command, scene, ledger
        return Outcome(state=S.REFUSED, detail="its checks failed")


@pytest.fixture
def host(agent: Agent, server: Server, tree: Tree) -> Desk:
    tree.write("/proc/sys/kernel/random/boot_id", "boot-1\n")
    tree.write("/etc/hosts", "127.0.0.1 localhost\n")
    tree.write("/etc/shadow", "root:*:1::::::\n")
    made = Desk(agent, server, tree)
    made.permission = Permission(kinds=frozenset({"collect", "quarantine"}), per_hour=2)
    made.restart()
    return made


def give(host: Desk, name: str, kind: Kind) -> tuple[ActionState, str]:
    obedience = Obedience(
        host.agent.enrolment,
        host.agent.door,
        host.agent.journal,
        host.agent.clock,
        host.scene,
        {kind.name: kind},
        host.ledger,
    )
    obedience.obey(host.command(name, kind=kind.name))
    obedience.report()
    return host.last


def collect(host: Desk, name: str) -> tuple[ActionState, str]:
    """To its end, if it is begun."""
    begun = host.obey(host.command(name))
    if begun[0] is S.ACKNOWLEDGED:
        host.courier.step()
        host.courier.step()
        assert host.last[0] is S.VERIFIED
    return begun


def test_a_flood_of_collects_is_bounded_and_leaves_room_for_a_quarantine(host: Desk) -> None:
    for name in ("c1", "c2"):
        assert collect(host, name)[0] is S.ACKNOWLEDGED
    host.restart()
    state, words = collect(host, "c3")
    assert state is S.REFUSED
    assert words == (
        "this host takes 2 collects an hour (its setting `actions_per_hour`), and has had 2"
    )
    assert host.ledger.deeds() == 0
    deed = Deed()
    assert give(host, "q1", deed)[0] is S.SIMULATED
    assert deed.done == host.ledger.deeds() == 1
    host.agent.clock.advance(timedelta(hours=1, seconds=1).total_seconds())
    assert collect(host, "c4")[0] is S.ACKNOWLEDGED


def test_what_disturbs_the_host_leaves_room_for_evidence(host: Desk) -> None:
    for name in ("q1", "q2"):
        assert give(host, name, Deed())[0] is S.SIMULATED
    assert give(host, "q3", Deed())[0] is S.REFUSED
    assert collect(host, "c1")[0] is S.ACKNOWLEDGED


def test_a_collect_that_is_declined_before_it_began_is_not_counted(host: Desk) -> None:
    assert host.obey(host.command("c1", parameters=NOTHING))[0] is S.REFUSED
    assert host.ledger.collects() == 0
    assert host.obey(host.command("c2"))[0] is S.ACKNOWLEDGED
    for name in ("c3", "c4", "c5"):
        assert "this host collects already" in host.obey(host.command(name))[1]
    assert host.ledger.collects() == 1


def test_a_deed_that_is_declined_before_it_began_is_not_counted(host: Desk) -> None:
    for name in ("q1", "q2", "q3"):
        assert give(host, name, Declining()) == (S.REFUSED, "its checks failed")
    assert host.ledger.deeds() == 0


def test_what_is_collected_for_another_action_is_not_called_off(host: Desk) -> None:
    host.obey(host.command("c1"))
    other = host.command("c2", action=ActionId("a2"), verb=Verb.CANCEL, parameters={})
    assert host.obey(other) == (S.REFUSED, "nothing is being collected for it")
    assert host.room.told[-1].data == {NOTHING_IN_FORCE: True}
    assert host.ledger.held("collect") is not None
