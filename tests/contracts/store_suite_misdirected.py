"""Commands that a host was handed and that were never its own: what it refused is kept for people, on every backend."""

import threading
from datetime import timedelta

import pytest
from tests.store.make import HOST, TENANT, command, enrol, minute, with_action

from vedette.core import (
    ActionState,
    AuditEntry,
    CommandId,
    CommandResult,
    HostId,
    ManualClock,
    NotFound,
    TenantId,
)
from vedette.store import Store

__all__ = ["MisdirectedContract"]

ELSE = HostId("else")
OTHER = TenantId("other")
S = ActionState


def _tell(
    store: Store,
    one: CommandId,
    detail: str = "it is for another host",
    *,
    state: ActionState = S.REFUSED,
    host: HostId = ELSE,
    tenant: TenantId = TENANT,
) -> None:
    result = CommandResult(command=one, state=state, at=minute(3), detail=detail)
    with pytest.raises(NotFound):
        store.commands.record_result(result, host, tenant=tenant)


def _kept(store: Store, tenant: TenantId = TENANT) -> tuple[AuditEntry, ...]:
    return tuple(store.audit.find(tenant, action="command.misdirected").items)


class MisdirectedContract:
    """What a host was handed, and of whom."""

    @pytest.fixture(autouse=True)
    def _known(self, store: Store) -> None:
        enrol(store)
        with_action(store)

    def test_people_see_whose_command_which_host_was_handed(
        self, store: Store, clock: ManualClock
    ) -> None:
        store.commands.put(command(), b"signed")
        _tell(store, command().id)
        (entry,) = _kept(store)
        assert (entry.actor, entry.subject) == (f"host:{ELSE}", command().id)
        assert entry.at == clock.now()
        assert entry.reason == (
            f"host {ELSE} was handed the command of host {HOST}, and refused it: it is for another host"
        )
        assert entry.data == {
            "host": ELSE,
            "of": HOST,
            "action": command().action,
            "kind": command().kind,
        }
        assert store.commands.results(TENANT, command().id) == []
        assert store.commands.pending(TENANT, HOST, minute(3)) == [(command().id, b"signed")]

    def test_it_is_kept_once_for_each_command_and_host(self, store: Store) -> None:
        store.commands.put(command(1), b"signed")
        store.commands.put(command(2), b"signed")
        for one in (command(1).id, command(1).id, command(2).id):
            _tell(store, one)
            _tell(store, one, "another word for it", host=HostId("third"))
        assert len(_kept(store)) == 4

    def test_what_is_not_known_here_is_kept_too(self, store: Store) -> None:
        """Whoever holds the signing key may have made it."""
        _tell(store, CommandId("made-up"), "")
        (entry,) = _kept(store)
        assert entry.data == {"host": ELSE}
        assert entry.reason.endswith(
            "handed a signed command that is not known here, and refused it: it gave no reason"
        )

    def test_nothing_of_another_tenants_command_is_told(self, store: Store) -> None:
        store.commands.put(command(), b"signed")
        _tell(store, command().id, tenant=OTHER)
        assert _kept(store) == ()
        (entry,) = _kept(store, OTHER)
        assert entry.data == {"host": ELSE}

    @pytest.mark.parametrize("state", [S.ACKNOWLEDGED, S.APPLIED, S.FAILED, S.RELEASED])
    def test_only_refusals_are_kept(self, store: Store, state: ActionState) -> None:
        store.commands.put(command(), b"signed")
        _tell(store, command().id, state=state)
        assert _kept(store) == ()

    def test_what_a_host_says_is_bounded_and_in_one_line(self, store: Store) -> None:
        _tell(store, CommandId("made\nup"), "\x1b[2J\r\nhost h2 is fine" + "x" * 100_000)
        (entry,) = _kept(store)
        assert entry.subject == "made up"
        assert entry.reason.isprintable()
        assert "[2J  host h2 is fine" in entry.reason
        assert len(entry.reason) < 500

    def test_no_host_fills_the_audit(self, store: Store, clock: ManualClock) -> None:
        for number in range(30):
            _tell(store, CommandId(f"made-up-{number}"))
        assert len(_kept(store)) == 20
        _tell(store, CommandId("of-another"), host=HostId("third"))
        assert len(_kept(store)) == 21
        clock.advance(timedelta(hours=1, seconds=1).total_seconds())
        _tell(store, CommandId("made-up-30"))
        assert len(_kept(store)) == 22

    def test_two_answers_at_once_are_kept_once(self, store: Store) -> None:
        store.commands.put(command(), b"signed")
        gate = threading.Barrier(4)

        def tell() -> None:
            gate.wait()
            # The host of this one is enrolled: its row is what the two wait for.
            _tell(store, CommandId("made-up"), host=HOST)

        threads = [threading.Thread(target=tell) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert len(_kept(store)) == 1
