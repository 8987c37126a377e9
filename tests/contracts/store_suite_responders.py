"""Several responders on one store, each with its own engine: everything is done once, and each tenant's by itself."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.store.make import HOST, OTHER, TENANT, action, apply, effect, enrol, incident, minute

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Label,
    Limits,
    ManualClock,
    Mode,
    TenantId,
    derived_id,
)
from vedette.respond import Job, MailSchema, Quarantine, Registry, Responder
from vedette.respond.outcome import Outcome, Retry, Verified
from vedette.seal import SigningKey
from vedette.store import Store

__all__ = ["RespondersContract"]

S = ActionState
KEY = SigningKey.generate()
RESPONDERS, MAILS = 3, 8


class Teller:
    """Takes every second mail at the second attempt only, and counts."""

    remote = False

    def __init__(self) -> None:
        self.schema = MailSchema()
        self.attempts: Counter[tuple[TenantId, ActionId]] = Counter()
        self._lock = threading.Lock()

    def plan(self, job: Job) -> dict[str, Any]:
        return dict(job.action.parameters)

    def apply(self, job: Job) -> Outcome:
        with self._lock:
            self.attempts[job.action.tenant, job.action.id] += 1
        if job.action.parameters["later"] and job.action.attempts == 1:
            return Retry(detail="451")
        return Verified(detail="250", evidence={"to": ["ops"]})

    def probe(self, job: Job) -> Outcome:
        assert job.action.state is not S.DISPATCHED
        return Verified(detail="250", evidence={"to": ["ops"]})


def mail(number: int, tenant: TenantId) -> Action:
    return action(
        number,
        tenant=tenant,
        kind="mail",
        mode=Mode.AUTO,
        dry_run=False,
        lease_seconds=0.0,
        parameters={"to": ["ops"], "later": bool(number % 2)},
    )


def lease(tenant: TenantId) -> Action:
    return action(
        100,
        tenant=tenant,
        mode=Mode.AUTO,
        dry_run=False,
        disruptive=True,
        parameters={"lease": 600.0, "allow": []},
    )


def fill(store: Store, *tenants: TenantId) -> None:
    """The same ids in each."""
    for tenant in tenants:
        enrol(store, tenant, kid=f"key-of-{tenant}")
        told = [mail(number, tenant) for number in range(1, MAILS + 1)]
        alarm = effect(
            1,
            Label.ABNORMAL,
            tenant=tenant,
            incidents=(incident(tenant=tenant),),
            actions=(*told, lease(tenant)),
        )
        apply(store, alarm)


class RespondersContract:
    """Threads with engines of their own meet as processes do: in the database alone."""

    @pytest.fixture
    def teller(self) -> Teller:
        return Teller()

    @pytest.fixture
    def responders(self, url: str, clock: ManualClock, teller: Teller) -> Iterator[list[Responder]]:
        clock.step(minute(2))
        stores = [Store(url, clock) for _ in range(RESPONDERS)]
        yield [
            Responder(
                one,
                Registry([teller, Quarantine(one.commands, KEY)]),
                clock,
                sweep_seconds=0.0,
                limits=lambda _: Limits(),
            )
            for one in stores
        ]
        for one in stores:
            one.close()

    def test_all_is_done_once_for_each_tenant(
        self, store: Store, clock: ManualClock, responders: list[Responder], teller: Teller
    ) -> None:
        fill(store, TENANT, OTHER)
        self._work(responders)
        clock.advance(60)
        self._work(responders)
        for tenant in (TENANT, OTHER):
            for number in range(1, MAILS + 1):
                found = store.actions.get(tenant, mail(number, tenant).id)
                wanted = 2 if number % 2 else 1
                assert (found.state, found.attempts) == (S.VERIFIED, wanted)
                assert teller.attempts[tenant, found.id] == wanted
                states = [one.state for one in store.actions.events(tenant, found.id)]
                assert states.count(S.VERIFIED) == states.count(S.APPROVED) == 1
            told = store.commands.of(store.actions.get(tenant, lease(tenant).id))
            assert len(told) == 1
            assert len(store.commands.pending(tenant, HOST, clock.now())) == 1
            assert len(store.audit.find(tenant, action="command.issued").items) == 1
        assert store.outbox.waiting() == 0

    def test_the_kill_switch_of_one_tenant_holds_back_nothing_of_another(
        self, store: Store, clock: ManualClock, responders: list[Responder]
    ) -> None:
        store.guards.throw(TENANT, actor="user:ada", reason="it runs wild")
        fill(store, TENANT, OTHER)
        self._work(responders)
        assert store.actions.get(TENANT, lease(TENANT).id).state is S.REFUSED
        assert store.actions.get(OTHER, lease(OTHER).id).state is S.DISPATCHED
        assert len(store.commands.pending(OTHER, HOST, clock.now())) == 1
        store.guards.throw(OTHER, actor="user:ben", reason="here, too")
        assert store.commands.pending(OTHER, HOST, clock.now()) == []
        store.guards.lift(TENANT, actor="user:ada", reason="seen")
        assert store.guards.thrown(OTHER) is not None

    def test_what_becomes_of_one_tenants_host_and_incident_is_not_the_others(
        self, store: Store, responders: list[Responder]
    ) -> None:
        fill(store, TENANT, OTHER)
        store.hosts.revoke(TENANT, HOST, "user:ada", "stolen")
        self._work(responders)
        assert store.actions.get(TENANT, lease(TENANT).id).state is S.REFUSED
        assert store.actions.get(OTHER, lease(OTHER).id).state is S.DISPATCHED
        assert [one.id for one in store.actions.of_host(OTHER, HOST)][-1] == derived_id(
            "action", 100
        )

    def _work(self, responders: list[Responder]) -> None:
        """All at once, until none finds anything to do."""
        barrier = threading.Barrier(len(responders))

        def run(one: Responder) -> None:
            barrier.wait(timeout=30)
            for _ in range(5):
                one.tick()

        with ThreadPoolExecutor(len(responders)) as pool:
            list(pool.map(run, responders))
        while sum(one.tick() for one in responders):
            pass
