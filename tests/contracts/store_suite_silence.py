"""Silence of hosts, on every backend: by the door's clock, told once, ended by what can be read."""

from datetime import timedelta

import msgspec
import pytest
from tests.store.make import (
    HOST,
    OTHER,
    START,
    TENANT,
    action,
    apply,
    chain,
    described,
    effect,
    enrol,
    minute,
    open_for,
    verdict,
)

from vedette.core import (
    Action,
    ActionId,
    Answer,
    HostId,
    HostStatus,
    InvalidInput,
    Label,
    ManualClock,
    Standing,
    Turn,
)
from vedette.store import Effect, Store

__all__ = ["SilenceContract"]

ADA = "user:ada"


def _audited(store: Store) -> list[str]:
    return [entry.action for entry in reversed(store.audit.find(TENANT).items)]


def _told(turn: Turn) -> Action:
    about = Standing(count=len(turn.hosts), fleet=turn.fleet, hosts=())
    return action(
        1,
        id=ActionId(f"{turn.trigger}-{turn.tenant}-{turn.at.isoformat()}"),
        tenant=turn.tenant,
        host=turn.hosts[0].id,
        incident=None,
        policy="tell",
        trigger=turn.trigger,
        proposed_at=turn.at,
        about=about,
    )


def _tells(turn: Turn) -> Answer:
    return Answer(actions=(_told(turn),))


class SilenceContract:
    """Hosts that nobody hears."""

    def test_a_silent_host_becomes_unknown_once(self, store: Store, clock: ManualClock) -> None:
        enrol(store, interval=10.0)
        (first,) = chain(1, 1)
        apply(store, first)
        clock.step(first.verdict.decided_at + timedelta(seconds=30))
        open_for(store, 32)
        assert store.hosts.expire_silent(clock.now()) == []
        open_for(store, 0.001)
        (silent,) = store.hosts.expire_silent(clock.now())
        assert (silent.id, silent.status, silent.status_reason) == (
            HOST,
            HostStatus.UNKNOWN,
            "silent",
        )
        assert silent.status_since == silent.silent_since == clock.now()
        assert store.hosts.silent(TENANT) == 1
        assert silent == store.hosts.get(TENANT, HOST)
        assert store.hosts.expire_silent(clock.now()) == []
        kinds = [(n.kind, n.data["from"]) for n in store.outbox.take(9)]
        assert kinds == [("host.label", "unknown"), ("host.status", "normal")]
        assert _audited(store).count("host.status") == 2

    def test_a_silent_host_that_speaks_again_has_its_status_back(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store)
        (first,) = chain(1, 1)
        apply(store, first)
        clock.step(minute(99))
        open_for(store, 999)
        store.hosts.expire_silent(clock.now())
        second = effect(2, verdict=verdict(2, decided_at=clock.now()), expected=first.result)
        apply(store, second)
        host = store.hosts.get(TENANT, HOST)
        assert (host.status, host.status_reason) == (HostStatus.NORMAL, "")
        assert (host.silent_since, store.hosts.silent(TENANT)) == (None, 0)
        assert "host.heard" in _audited(store)
        assert [n.data["to"] for n in store.outbox.take(9)] == ["normal", "unknown", "normal"]
        assert store.hosts.expire_silent(clock.now()) == []

    def test_a_host_whose_snapshots_wait_is_unknown_and_not_told_of(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store)
        first, second = chain(1, 2)
        apply(store, first)
        store.outbox.take(9)
        open_for(store, 999)
        turns: list[Turn] = []

        def tells(turn: Turn) -> Answer:
            turns.append(turn)
            return _tells(turn)

        for _ in range(2):
            waiting = store.hosts.expire_silent(
                clock.now(), waiting=lambda _tenant, hosts: hosts, policies=tells
            )
            assert waiting == []
        host = store.hosts.get(TENANT, HOST)
        assert (host.status, host.status_reason) == (HostStatus.UNKNOWN, "waiting")
        assert (host.status_since, host.silent_since) == (clock.now(), None)
        assert store.hosts.silent(TENANT) == 0
        assert store.outbox.take(9) == []
        assert _audited(store).count("host.status") == 2
        apply(store, second)
        host = store.hosts.get(TENANT, HOST)
        assert (host.status, host.status_reason) == (HostStatus.NORMAL, "")
        assert turns == []

    def test_a_waiting_host_of_which_nothing_waits_any_more_is_silent(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store)
        (first,) = chain(1, 1)
        apply(store, first)
        open_for(store, 999)
        store.hosts.expire_silent(clock.now(), waiting=lambda _tenant, hosts: hosts)
        (silent,) = store.hosts.expire_silent(clock.now(), policies=_tells)
        assert (silent.status_reason, silent.silent_since) == ("silent", clock.now())
        assert [one.trigger for one in store.actions.find(TENANT).items] == ["silent"]

    def test_a_silent_host_is_found_behind_any_number_that_wait(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("vedette.store.silence._AT_ONCE", 2)
        for number in range(6):
            enrol(store, host=HostId(f"h{number}"))
            open_for(store, 1)
        open_for(store, 999)
        (silent,) = store.hosts.expire_silent(
            minute(99), waiting=lambda _tenant, hosts: [one for one in hosts if one != "h5"]
        )
        assert silent.id == "h5"

    def test_silence_and_what_is_told_of_it_are_one_change(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store)
        open_for(store, 999)

        def breaks(_turn: Turn) -> Answer:
            raise InvalidInput("a policy that breaks")

        with pytest.raises(InvalidInput, match="breaks"):
            store.hosts.expire_silent(clock.now(), policies=breaks)
        assert store.hosts.silent(TENANT) == 0
        assert store.outbox.waiting() == 0
        (silent,) = store.hosts.expire_silent(clock.now(), policies=_tells)
        (told,) = store.actions.find(TENANT).items
        assert (told.host, told.incident, told.trigger) == (silent.id, None, "silent")
        assert told.about == Standing(count=1, fleet=1, hosts=())
        assert [n.kind for n in store.outbox.take(9)] == ["host.status", "action.proposed"]
        assert [one.state for one in store.actions.events(TENANT, told.id)] == ["proposed"]
        assert "action.proposed" in _audited(store)
        assert store.hosts.expire_silent(clock.now(), policies=_tells) == []
        assert len(store.actions.find(TENANT).items) == 1

    def test_a_host_that_is_heard_again_is_told_of_once(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store)
        open_for(store, 999)
        (silent,) = store.hosts.expire_silent(clock.now())
        turns: list[Turn] = []

        def tells(turn: Turn) -> Answer:
            turns.append(turn)
            return _tells(turn)

        effects = chain(1, 3)
        for one in (effects[0], effects[0], *effects[1:]):
            store.apply([one], actor="system:detector", policies=tells)
        ((turn,), (told,)) = turns, store.actions.find(TENANT).items
        assert (turn.trigger, turn.recent, turn.fleet) == ("heard", 1, 1)
        assert turn.hosts[0].silent_since == silent.silent_since
        assert (told.trigger, told.host) == ("heard", HOST)

    def test_neither_a_late_nor_an_unreadable_snapshot_ends_a_silence(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store)
        first, second = chain(5, 6)
        apply(store, first)
        open_for(store, 999)
        (silent,) = store.hosts.expire_silent(clock.now())
        late = Effect(verdict=verdict(2, Label.UNKNOWN, late=True), description=described())
        unread = Effect(verdict=verdict(9, Label.UNKNOWN))
        for one in (late, unread):
            store.apply([one], actor="system:detector", policies=_tells)
            assert store.hosts.get(TENANT, HOST).silent_since == silent.silent_since
        assert store.hosts.get(TENANT, HOST).status is HostStatus.UNKNOWN
        assert store.hosts.expire_silent(clock.now()) == []
        assert store.actions.find(TENANT).items == ()
        store.apply([second], actor="system:detector", policies=_tells)
        assert store.hosts.get(TENANT, HOST).silent_since is None

    def test_a_host_whose_snapshots_are_all_late_falls_silent(
        self, store: Store, clock: ManualClock
    ) -> None:
        """Late ones tell nothing of the host as it is, however many come."""
        enrol(store, interval=10.0)
        apply(store, *chain(50, 50))
        found = []
        for seq in range(1, 10):
            open_for(store, 10)
            late = Effect(verdict=verdict(seq, Label.UNKNOWN, late=True), description=described())
            apply(store, late)
            found += store.hosts.expire_silent(clock.now())
        assert [one.id for one in found] == [HOST]
        assert store.hosts.get(TENANT, HOST).status is HostStatus.UNKNOWN

    def test_what_was_normal_long_ago_makes_no_host_normal_now(
        self, store: Store, clock: ManualClock
    ) -> None:
        """A backlog: its verdicts stay, its host is heard, and only the first live one says how it stands."""
        enrol(store)
        open_for(store, 999)
        store.hosts.expire_silent(clock.now())
        first = effect(1, stale=True)
        second = effect(2, expected=first.result, stale=True)
        alarm = effect(3, Label.ABNORMAL, expected=second.result, stale=True)
        last = effect(4, expected=alarm.result)
        for one in (first, second):
            apply(store, one)
            host = store.hosts.get(TENANT, HOST)
            assert (host.status, host.silent_since) == (HostStatus.UNKNOWN, None)
            assert f"is from {one.verdict.taken_at:%Y-%m-%d %H:%M} UTC" in host.status_reason
            assert store.hosts.expire_silent(clock.now()) == []
        assert store.verdicts.counts(TENANT)[Label.NORMAL] == 2
        apply(store, alarm)
        assert store.hosts.get(TENANT, HOST).status is HostStatus.ABNORMAL
        apply(store, last)
        host = store.hosts.get(TENANT, HOST)
        assert (host.status, host.status_reason) == (HostStatus.NORMAL, "")

    def test_a_turn_says_how_many_turned_and_what_was_told(
        self, store: Store, clock: ManualClock
    ) -> None:
        for number in range(3):
            enrol(store, host=HostId(f"h{number}"))
        enrol(store, tenant=OTHER, host=HostId("theirs"))
        turns: list[Turn] = []

        def counts(turn: Turn) -> Answer:
            turns.append(turn)
            fleet = msgspec.structs.replace(_told(turn), host=None)
            return Answer(actions=(fleet,), held=((turn.hosts[0].id, "for a reason"),))

        open_for(store, 999)
        assert len(store.hosts.expire_silent(clock.now(), policies=counts)) == 4
        clock.advance(300)
        enrol(store, host=HostId("h9"))
        open_for(store, 999)
        store.hosts.expire_silent(clock.now(), policies=counts)
        seen = [(one.tenant, len(one.hosts), one.recent, one.fleet, one.told) for one in turns]
        assert seen == [
            (TENANT, 3, 3, 3, {}),
            (OTHER, 1, 1, 1, {}),
            (TENANT, 1, 4, 4, {"tell": 3}),
        ]
        assert _audited(store).count("policy.held") == 2

    def test_a_host_that_never_spoke_falls_silent_too_and_a_revoked_one_does_not(
        self, store: Store
    ) -> None:
        enrol(store)
        enrol(store, host=HostId("revoked"))
        store.hosts.revoke(TENANT, HostId("revoked"), ADA, "")
        open_for(store, 240)
        (silent,) = store.hosts.expire_silent(minute(4))
        assert (silent.id, silent.status_reason) == (HOST, "silent")
        assert silent.status_since == START
