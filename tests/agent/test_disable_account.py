"""Accounts that are locked for a lease, by the real usermod on files of the test's own."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agent.accounts import GROUP, HASH, PASSWD, SHADOW, make_accounts
from tests.agent.processes_host import Host
from tests.fixtures.services import require

from vedette.agent.actions.scene import Outcome, Ran, ThisMachine
from vedette.agent.actions.switch import Switch
from vedette.agent.collect.source import Source
from vedette.agent.permission import Permission, Untouchable
from vedette.core import ActionState, Verb

pytestmark = pytest.mark.usefixtures("one_switch_at_a_time")
S = ActionState


class Machine(ThisMachine):
    """The real programs, but for loginctl, which is the test's."""

    def __init__(self, loginctl: Path) -> None:
        super().__init__(Source())
        self.loginctl, self.missing = loginctl, ""

    def find(self, program: str) -> str | None:
        if program == self.missing:
            return None
        if program == "loginctl":
            return str(self.loginctl)
        return super().find(program)

    def run(self, command: list[str], stdin: str) -> Ran:
        # Never on this machine's own accounts.
        assert "usermod" not in command[0] or command[1] == "--prefix"
        return super().run(command, stdin)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    if os.geteuid() != 0 or shutil.which("usermod") is None:
        require("usermod", "only root can work on files of accounts with it")
    made = Host(tmp_path, "disable_account")
    root = tmp_path / "root"
    program = make_accounts(root, tmp_path)
    made.system = Machine(program)
    made.source = Source(str(root))
    yield made
    made.kind.let_go(made.scene, made.ledger, "the test is over")
    made.close()


def shadow(host: Host) -> str:
    return Path(host.source.at("/etc/shadow")).read_text()


def row(host: Host, name: str) -> list[str]:
    return next(
        line.split(":") for line in shadow(host).splitlines() if line.startswith(f"{name}:")
    )


def lock(host: Host, *names: str, **more: Any) -> Outcome:
    given: dict[str, Any] = {"accounts": list(names), "lease_seconds": 300} | more
    return host.do(host.command(**given))


def until(holds: Callable[[], bool]) -> None:
    for _ in range(6_000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to be")


@pytest.mark.parametrize("name", ["bob", "keys"])
def test_it_is_locked_and_expired_for_a_lease_and_all_is_as_before(host: Host, name: str) -> None:
    before = shadow(host)
    outcome = lock(host, name)
    assert outcome.state is S.VERIFIED, outcome
    assert row(host, name)[1].startswith("!")
    assert row(host, name)[7] == "1"
    assert host.do(host.command("c2", Verb.RENEW, lease_seconds=300)).state is S.VERIFIED
    over = host.do(host.command("c3", Verb.RELEASE))
    assert (over.state, over.data["restored"]) == (S.RELEASED, True)
    assert shadow(host) == before


def test_a_dry_run_changes_no_file_and_tells_the_commands(host: Host) -> None:
    before = shadow(host)
    outcome = lock(host, "bob", "keys", dry_run=True)
    assert outcome.data["plan"].splitlines() == [
        "usermod -L -e 1 bob; at the end usermod -U -e '25000' bob",
        "usermod -e 1 keys; at the end usermod -e '' keys",
    ]
    assert shadow(host) == before
    assert HASH not in str(outcome.data)


def test_without_the_agent_the_lease_ends_all_the_same(host: Host) -> None:
    before = shadow(host)
    assert lock(host, "bob", "keys", lease_seconds=2).state is S.VERIFIED
    assert shadow(host) != before
    until(lambda: shadow(host) == before)
    host.clock.advance(3)
    host.tend()
    assert host.said()[-1][0] is S.RELEASED


def test_after_a_reboot_the_switch_is_set_anew_and_the_former_state_is_still_known(
    host: Host,
) -> None:
    before = shadow(host)
    lock(host, "bob")
    Switch("disable_account", "").disarm(host.scene)
    host.boot("boot-2")
    host.tend(first=True)
    assert Switch("disable_account", "").armed(host.scene)
    assert row(host, "bob")[7] == "1"
    host.clock.advance(301)
    host.tend()
    assert shadow(host) == before


def test_who_unlocks_it_sees_it_locked_again(host: Host) -> None:
    lock(host, "bob")
    Path(host.source.at("/etc/shadow")).write_text(SHADOW)
    host.tend()
    assert row(host, "bob")[7] == "1"


def test_a_lost_journal_leaves_a_switch_that_an_operator_can_fire(
    host: Host, tmp_path: Path
) -> None:
    before = shadow(host)
    lock(host, "bob")
    other = Host(tmp_path / "other", "disable_account")
    other.source, other.system = host.source, host.system
    outcome = other.kind.let_go(other.scene, other.ledger, "ann: free")
    other.close()
    assert outcome is not None
    assert shadow(host) == before


def test_where_the_server_is_not_reached_any_more_it_is_taken_back(host: Host) -> None:
    before, host.reached = shadow(host), False
    assert lock(host, "bob").state is S.FAILED
    assert shadow(host) == before


def test_its_sessions_are_ended_if_that_is_asked_for(host: Host) -> None:
    host.permission = Permission(kinds=frozenset({"disable_account"}))
    assert lock(host, "bob", "keys", end_sessions=True).state is S.VERIFIED
    told = Path(host.source.at("/told")).read_text().splitlines()
    assert told == ["terminate-user bob", "terminate-user keys"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("root", "uid 0"),
        ("daemon", "uid 1"),
        ("ghost", "no account"),
        ("-x", "no name of an account"),
        ("ann", "nobody who could become root"),
    ],
)
def test_what_it_may_not_touch_is_refused(host: Host, name: str, why: str) -> None:
    before = shadow(host)
    outcome = lock(host, "bob", name)
    assert (outcome.state, why in outcome.detail) == (S.REFUSED, True), outcome
    assert shadow(host) == before


def write(host: Host, file: str, text: str) -> None:
    Path(host.source.at(f"/etc/{file}")).write_text(text)


@pytest.mark.parametrize(
    ("members", "shadowed"),
    [
        # Keys alone let it in, and it is the only one.
        ("keys", SHADOW),
        ("keys,ann", SHADOW.replace("ann:", "ann:!")),
        (
            "keys,ann",
            SHADOW.replace(f"ann:{HASH}:19000:0:99999:7:::", f"ann:{HASH}:19000:0:99999:7::9:"),
        ),
    ],
    ids=["alone", "the other has no way in", "the other has expired"],
)
def test_the_last_administrator_who_can_come_in_is_never_locked(
    host: Host, members: str, shadowed: str
) -> None:
    write(host, "group", GROUP.replace("sudo:x:27:ann", f"sudo:x:27:{members}"))
    write(host, "shadow", shadowed)
    outcome = lock(host, "keys")
    assert (outcome.state, "nobody who could become root" in outcome.detail) == (S.REFUSED, True)
    assert shadow(host) == shadowed


def test_another_administrator_with_a_key_is_enough(host: Host) -> None:
    write(host, "group", GROUP.replace("sudo:x:27:ann", "sudo:x:27:keys,ann"))
    folder = Path(host.source.at("/home/keys/.ssh"))
    folder.mkdir(parents=True)
    (folder / "authorized_keys").write_text("# none yet\n")
    assert lock(host, "ann").state is S.REFUSED
    (folder / "authorized_keys").write_text("ssh-ed25519 AAAA keys@desk\n")
    assert lock(host, "ann").state is S.VERIFIED


def test_an_account_without_a_password_is_left_alone_as_its_lock_could_not_be_undone(
    host: Host,
) -> None:
    given = SHADOW.replace(f"bob:{HASH}", "bob:")
    write(host, "shadow", given)
    outcome = lock(host, "bob")
    assert (outcome.state, "has no password" in outcome.detail) == (S.REFUSED, True)
    assert shadow(host) == given


def test_what_never_touch_names_and_what_is_locked_already_is_refused(host: Host) -> None:
    kept = ((Untouchable.ACCOUNT, "bob"),)
    host.permission = Permission(kinds=frozenset({"disable_account"}), never_touch=kept)
    assert "never_touch" in lock(host, "bob").detail
    path = Path(host.source.at("/etc/shadow"))
    path.write_text(SHADOW.replace("keys:!:19000:0:99999:7:::", "keys:!:19000:0:99999:7::1:"))
    assert "already" in lock(host, "keys").detail


@pytest.mark.parametrize("what", ["usermod", "loginctl", "hold"])
def test_what_it_needs_and_lacks_is_named(host: Host, what: str) -> None:
    assert isinstance(host.system, Machine)
    host.system.missing = what
    if what == "hold":
        wants = "/etc/systemd/system/sysinit.target.wants/vedette-agent-hold.service"
        Path(host.source.at(wants)).unlink()
    outcome = lock(host, "bob", end_sessions=True)
    assert outcome.state is S.REFUSED
    assert {"hold": "ends_after_reboot"}.get(what, f"{what}_present") in outcome.detail


def test_an_account_that_was_deleted_ends_its_lease_with_the_reason(host: Host) -> None:
    lock(host, "bob")
    for name, text in (("passwd", PASSWD), ("shadow", SHADOW)):
        kept = [line for line in text.splitlines() if not line.startswith("bob:")]
        Path(host.source.at(f"/etc/{name}")).write_text("\n".join(kept) + "\n")
    host.tend()
    state, said = host.said()[-1]
    assert (state, "none of the accounts" in said.detail) == (S.RELEASED, True)
