"""Quarantine with the real nftables, in namespaces made by the test: an agent's machine, its server, a neighbour."""

import ipaddress
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.agent.far_machine import Host
from tests.agent.tree import Tree
from tests.fixtures.neighbour import Neighbour
from tests.fixtures.network import Network

from vedette.agent.actions.scene import Address, Check
from vedette.agent.permission import Permission, Untouchable
from vedette.core import NOTHING_IN_FORCE, ActionId, ActionState, CommandResult, Verb

S = ActionState
# What a host may have of its own: a firewall that counts, remembers senders for a while, and has a name for a counter.
OWN_RULES = """
table inet filter {
  counter seen { }
  set busy {
    type ipv4_addr
    flags dynamic,timeout
    timeout 1h
  }
  chain input {
    type filter hook input priority filter; policy accept;
    counter name seen
    tcp dport 22 ip saddr 198.51.100.0/24 counter accept comment "administrators"
    udp dport 7077 update @busy { ip saddr }
  }
}
table ip nat {
  chain postrouting { type nat hook postrouting priority srcnat; policy accept; }
}
"""
_FLOODS = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print("ready", flush=True)
sent = 0
while True:
    try:
        s.sendto(b"x", (sys.argv[1], 7077))
    except PermissionError:
        pass
"""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network() as made:
        yield made


@pytest.fixture
def neighbour(network: Network) -> Iterator[Neighbour]:
    with Neighbour(network) as made:
        yield made


@pytest.fixture
def host(tmp_path: Path, network: Network) -> Iterator[Host]:
    made = Host(Tree(tmp_path), network)
    made.nft("-f", "-", stdin="flush ruleset\n" + OWN_RULES)
    yield made
    made.close()


def _until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _told(host: Host) -> list[CommandResult]:
    return [result for _, result in host.ledger.remarks()]


def test_it_keeps_the_server_blocks_all_others_and_gives_the_rules_back_byte_for_byte(
    host: Host, neighbour: Neighbour
) -> None:
    before = host.nft("--stateless", "list", "ruleset")
    assert neighbour.reached()
    assert neighbour.reaches()
    assert host.reaches_server()
    applied = host.do(host.command("c1"))
    assert applied.state is S.VERIFIED, applied.detail
    assert set(applied.data["probe"]) == {"in_force", "server_reached", "forbidden_blocked"}
    assert "refused by the kernel's rules" in applied.data["probe"]["forbidden_blocked"]
    assert applied.data["until"] == (host.clock.now().replace(minute=5)).isoformat()
    assert [one.state for one in _told(host)] == [S.APPLIED]
    assert host.reaches_server()
    assert not neighbour.reached()
    assert not neighbour.reaches()
    released = host.do(host.command("c2", Verb.RELEASE))
    assert released.state is S.RELEASED
    assert released.data["restored"] is True
    assert released.data["after"] == released.data["before"] == applied.data["before"]
    assert host.nft("--stateless", "list", "ruleset") == before
    assert neighbour.reached()
    assert neighbour.reaches()
    assert host.reaches_server()
    assert host.ledger.held("quarantine") is None


def test_declared_exceptions_stay_open_in_their_direction_alone(
    host: Host, neighbour: Neighbour
) -> None:
    out = {"address": neighbour.address, "direction": "out", "port": 7077}
    assert host.do(host.command("c1", exceptions=[out])).state is S.VERIFIED
    assert neighbour.reached()
    assert not neighbour.reaches()
    assert host.do(host.command("c2", Verb.RELEASE)).state is S.RELEASED
    host.permission = Permission(never_touch=((Untouchable.NETWORK, neighbour.address),))
    assert host.do(host.command("c3")).state is S.VERIFIED
    assert neighbour.reached()
    assert neighbour.reaches()


def test_without_renewal_the_kernel_ends_it_while_nothing_of_the_agent_lives(
    host: Host, neighbour: Neighbour
) -> None:
    before = host.nft("--stateless", "list", "ruleset")
    assert host.do(host.command("c1", seconds=5)).state is S.VERIFIED
    assert not neighbour.reached()
    _until(neighbour.reached)
    assert neighbour.reaches()
    # What is left does nothing; the next agent clears it away and says so.
    assert "table inet vedette_quarantine" in host.nft("list", "ruleset")
    host.clock.advance(5)
    host.boot("boot-1")
    host.keeper.begin()
    assert host.nft("--stateless", "list", "ruleset") == before
    said = _told(host)[-1]
    assert (said.command, said.state, said.data["restored"]) == ("c1", S.RELEASED, True)
    assert "ran out" in said.detail


def test_rules_that_would_cut_off_the_server_are_taken_back_by_the_self_test(
    host: Host, neighbour: Neighbour
) -> None:
    before = host.nft("--stateless", "list", "ruleset")

    def elsewhere(name: str, port: int) -> list[Address]:
        del name, port
        return [ipaddress.ip_address("203.0.113.9")]

    host.machine.resolve = elsewhere  # type: ignore[method-assign] # the name leads elsewhere than the server is
    failed = host.do(host.command("c1"))
    assert failed.state is S.FAILED
    assert failed.data["rolled_back"] is True
    checks = {check["name"]: check["ok"] for check in failed.data["checks"]}
    assert checks == {"in_force": True, "server_reached": False, "forbidden_blocked": True}
    assert host.nft("--stateless", "list", "ruleset") == before
    assert neighbour.reached()
    assert host.reaches_server()
    assert host.ledger.held("quarantine") is None


def test_rules_that_do_not_block_are_no_quarantine(host: Host) -> None:
    honest = host.reach

    def undermined() -> Check:
        host.nft("flush", "chain", "inet", "vedette_quarantine", "output")
        return honest()

    host.reach = undermined  # type: ignore[method-assign] # somebody alters the rules meanwhile
    failed = host.do(host.command("c1"))
    assert failed.state is S.FAILED
    assert "left the host" in failed.detail
    assert "vedette_quarantine" not in host.nft("list", "ruleset")


def test_a_renewal_counts_from_now_and_lets_nothing_through_meanwhile(
    host: Host, neighbour: Neighbour
) -> None:
    assert host.do(host.command("c1", seconds=60)).state is S.VERIFIED
    flood = subprocess.Popen(
        host.network.inside(sys.executable, "-c", _FLOODS, neighbour.address),
        stdout=subprocess.PIPE,
    )
    try:
        assert flood.stdout is not None
        assert flood.stdout.readline() == b"ready\n"
        for _ in range(100):
            host.kind._measure.extend({}, 60.0, host.scene)
    finally:
        flood.kill()
        flood.communicate()
    dropped = host.nft("list", "chain", "inet", "vedette_quarantine", "outgoing")
    assert int(dropped.partition("counter packets ")[2].split()[0]) > 100
    host.clock.advance(50)
    renewed = host.do(host.command("c2", Verb.RENEW, seconds=120))
    assert renewed.state is S.VERIFIED
    assert "forbidden_blocked" in renewed.data["probe"]
    assert renewed.data["until"] == host.clock.now().replace(minute=2, second=50).isoformat()
    assert not neighbour.reached()
    # The last thing that the neighbour is asked: it hears nothing after.
    assert neighbour.datagrams() == []


@pytest.mark.parametrize("verb", [Verb.RENEW, Verb.RELEASE])
def test_where_nothing_of_the_action_is_in_force_there_is_nothing_to_renew_or_release(
    host: Host, verb: Verb
) -> None:
    refused = host.do(host.command("c1", verb))
    assert (refused.state, refused.data) == (S.REFUSED, {NOTHING_IN_FORCE: True})
    assert "nothing is in force for this action" in refused.detail
    assert host.do(host.command("c2")).state is S.VERIFIED
    other = host.do(host.command("c3", verb, action=ActionId("a2")))
    assert (other.state, other.data) == (S.REFUSED, {NOTHING_IN_FORCE: True})
    assert "quarantine is, by action a1" in other.detail
    assert "vedette_quarantine" in host.nft("list", "ruleset")


def test_a_second_quarantine_is_refused_and_names_the_first(host: Host) -> None:
    first = host.do(host.command("c1"))
    second = host.do(host.command("c2", action=ActionId("a2")))
    assert second.state is S.REFUSED
    assert f"by action a1 until {first.data['until']}" in second.detail
    assert second.data == {"in_force": "a1"}
    host.clock.advance(301)
    renewed = host.do(host.command("c3", Verb.RENEW))
    assert renewed.state is S.REFUSED


def test_a_lease_longer_than_the_host_allows_is_neither_begun_nor_renewed(host: Host) -> None:
    host.permission = Permission(max_lease=60.0)
    assert "longer than this host allows" in host.do(host.command("c1", seconds=61)).detail
    assert host.do(host.command("c2", seconds=60)).state is S.VERIFIED
    for seconds in (61, 0, -1, "x"):
        assert host.do(host.command(f"r{seconds}", Verb.RENEW, seconds=seconds)).state is S.REFUSED


def test_after_a_reboot_it_is_put_back_with_what_is_left_before_anything_else(
    host: Host, neighbour: Neighbour
) -> None:
    assert host.do(host.command("c1", seconds=300)).state is S.VERIFIED
    host.clock.advance(100)
    host.keeper.begin()
    host.nft("flush", "ruleset")
    assert neighbour.reached()
    # Twenty seconds off, by the wall clock; the boot clock begins anew.
    host.clock.advance(20)
    host.boot("boot-2")
    host.keeper.begin()
    assert not neighbour.reached()
    assert host.reaches_server()
    lease = host.ledger.held("quarantine")
    assert lease is not None
    assert host.ledger.left(lease) == pytest.approx(180)
    listed = host.nft("list", "set", "inet", "vedette_quarantine", "lease")
    assert "timeout 3m " in listed
    renewed = host.do(host.command("c2", Verb.RENEW))
    assert len(renewed.data["put_back"]) == 1
    released = host.do(host.command("c3", Verb.RELEASE))
    # The host's own rules have not come back with this reboot, and that is told.
    assert released.data["restored"] is False
    assert released.data["changes"]["come"] == 0
    assert '-\t\tcounter name "seen"' in released.data["changes"]["lines"]


def test_after_a_reboot_past_its_end_it_is_over_and_that_is_told(
    host: Host, neighbour: Neighbour
) -> None:
    assert host.do(host.command("c1", seconds=300)).state is S.VERIFIED
    host.nft("flush", "ruleset")
    host.clock.advance(301)
    host.boot("boot-2")
    host.keeper.begin()
    assert neighbour.reached()
    assert _told(host)[-1].state is S.RELEASED
    assert host.ledger.held("quarantine") is None


def test_what_flushes_the_rules_does_not_end_it(host: Host, neighbour: Neighbour) -> None:
    assert host.do(host.command("c1")).state is S.VERIFIED
    host.nft("-f", "-", stdin="flush ruleset\n" + OWN_RULES)
    assert neighbour.reached()
    host.kind.tend(host.scene, host.ledger, first=False)
    assert not neighbour.reached()
    host.nft("flush", "chain", "inet", "vedette_quarantine", "incoming")
    host.kind.tend(host.scene, host.ledger, first=False)
    assert not neighbour.reaches()
    assert host.do(host.command("c2", Verb.RELEASE)).data["restored"] is True


def test_an_apply_that_the_agent_was_stopped_in_is_taken_back(host: Host) -> None:
    before = host.nft("--stateless", "list", "ruleset")
    command = host.command("c1")
    host.journal.begin(command)
    # Verified and written down; the command's own result is not: the server will hear that it failed.
    assert host.kind.carry_out(command, host.scene, host.ledger).state is S.VERIFIED
    host.boot("boot-1")
    host.keeper.begin()
    assert host.nft("--stateless", "list", "ruleset") == before
    assert host.ledger.held("quarantine") is None


def test_a_release_that_the_agent_was_stopped_in_is_completed_and_told(
    host: Host, neighbour: Neighbour
) -> None:
    assert host.do(host.command("c1")).state is S.VERIFIED
    release = host.command("c2", Verb.RELEASE)
    host.journal.begin(release)
    lease = host.ledger.held("quarantine")
    assert lease is not None
    host.ledger.closing(lease, release.id)
    host.boot("boot-1")
    host.keeper.begin()
    assert neighbour.reached()
    result = host.journal.result(release.id)
    assert result is not None
    assert (result.state, result.data["restored"]) == (S.RELEASED, True)


def test_what_a_lost_journal_left_in_force_ends_by_itself_or_by_any_release(
    host: Host, neighbour: Neighbour
) -> None:
    assert host.do(host.command("c1", seconds=5)).state is S.VERIFIED
    for path in host.tree.path("/state").glob("journal*"):
        path.unlink()
    host.boot("boot-1")
    keeper = host.keeper
    keeper.begin()
    assert not neighbour.reached()
    _until(neighbour.reached)
    host.kind.tend(host.scene, host.ledger, first=False)
    assert "vedette_quarantine" not in host.nft("list", "ruleset")
    assert host.do(host.command("c2")).state is S.VERIFIED
    for path in host.tree.path("/state").glob("journal*"):
        path.unlink()
    host.boot("boot-1")
    assert host.do(host.command("c4", Verb.RENEW)).data == {}
    released = host.do(host.command("c3", Verb.RELEASE))
    assert (released.state, released.data) == (S.RELEASED, {"restored": False})
    assert neighbour.reached()


def test_an_operator_at_the_host_ends_it_at_any_time_and_the_server_is_told(
    host: Host, neighbour: Neighbour
) -> None:
    assert host.do(host.command("c1")).state is S.VERIFIED
    outcome = host.kind.let_go(host.scene, host.ledger, "released at the host by root: a drill")
    assert outcome is not None
    assert outcome.state is S.RELEASED
    assert neighbour.reached()
    said = _told(host)[-1]
    assert (said.command, said.state) == ("c1", S.RELEASED)
    assert said.detail == "released at the host by root: a drill; all is as before"
    host.kind.tend(host.scene, host.ledger, first=False)
    assert neighbour.reached()
    assert host.kind.let_go(host.scene, host.ledger, "again") is None


def test_one_who_holds_the_lock_for_ever_keeps_no_operator_waiting_for_ever(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette.agent.actions.leased._CONSOLE_PATIENCE", 0.2)
    assert host.do(host.command("c1")).state is S.VERIFIED
    held, done = threading.Event(), threading.Event()

    def hang() -> None:
        with host.ledger.locked():
            held.set()
            done.wait()

    thread = threading.Thread(target=hang)
    thread.start()
    held.wait()
    try:
        outcome = host.kind.let_go(host.scene, host.ledger, "now")
    finally:
        done.set()
        thread.join()
    assert outcome is not None
    assert outcome.state is S.RELEASED


def test_a_journal_that_can_not_be_written_keeps_no_release_from_being_made(
    host: Host, neighbour: Neighbour
) -> None:
    assert host.do(host.command("c1")).state is S.VERIFIED
    release = host.command("c2", Verb.RELEASE)
    host.journal.begin(release)
    host.journal.rows("PRAGMA query_only = 1")
    outcome = host.kind.carry_out(release, host.scene, host.ledger)
    assert outcome.state is S.RELEASED
    host.kind.tend(host.scene, host.ledger, first=False)
    assert neighbour.reached()
    host.journal.rows("PRAGMA query_only = 0")
    assert host.ledger.held("quarantine") is None
    assert host.journal.rows("SELECT * FROM leases") == []
