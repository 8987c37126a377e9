"""What must hold when several processes use one store at once. Each has its own engine, as another process would."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pytest
from tests.store.make import (
    HOST,
    OTHER,
    TENANT,
    action,
    apply,
    chain,
    described,
    effect,
    enrol,
    incident,
    minute,
    open_for,
    with_action,
)

from vedette.core import (
    Action,
    ActionState,
    Conflict,
    Forbidden,
    Host,
    HostId,
    Label,
    ManualClock,
    Resolution,
    VedetteError,
)
from vedette.store import Applied, Effect, Role, Store

__all__ = ["RacesContract"]

T = TypeVar("T")
WORKERS = 4


def _at_once(calls: Sequence[Callable[[], T]]) -> list[T | VedetteError]:
    """What each call gave or raised, all begun at the same moment."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T | VedetteError:
        barrier.wait(timeout=30)
        try:
            return call()
        except VedetteError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def _each(stores: Sequence[Store], do: Callable[[Store, int], T]) -> list[T | VedetteError]:
    """What each store's part gave or raised; the number tells the parts apart."""
    return _at_once([partial(do, one, number) for number, one in enumerate(stores)])


def _apply_one_of(batches: Sequence[Sequence[Effect]], store: Store, number: int) -> list[Applied]:
    return apply(store, *batches[number])


def _enrol_anew(turn: int, store: Store, number: int) -> Host:
    return store.enrol("hash", description=described(), kid=f"k{turn}.{number}", public_key="p")


class RacesContract:
    """One winner, and the others are told."""

    @pytest.fixture
    def stores(self, url: str, clock: ManualClock) -> Iterator[list[Store]]:
        """As many processes."""
        opened = [Store(url, clock) for _ in range(WORKERS)]
        yield opened
        for one in opened:
            one.close()

    def test_an_enrolment_token_is_never_used_once_too_often(
        self, store: Store, stores: list[Store]
    ) -> None:
        store.enrolments.create(TENANT, "hash", expires_at=minute(10), uses=9, actor="user:ada")
        results: list[object] = []
        for turn in range(3):
            results += _each(stores, partial(_enrol_anew, turn))
        assert len({r.id for r in results if isinstance(r, Host)}) == 9
        assert sum(isinstance(r, Forbidden) for r in results) == 3
        assert store.enrolments.list(TENANT).items[0].uses_left == 0

    def test_one_key_enrolled_at_once_is_one_host_and_one_use(
        self, store: Store, stores: list[Store]
    ) -> None:
        store.enrolments.create(TENANT, "hash", expires_at=minute(10), uses=9, actor="user:ada")
        results = _each(
            stores,
            lambda one, _: one.enrol("hash", description=described(), kid="k", public_key="p"),
        )
        assert len({str(result) for result in results}) == 1
        assert store.enrolments.list(TENANT).items[0].uses_left == 8

    def test_of_approval_and_refusal_one_wins(self, store: Store, stores: list[Store]) -> None:
        enrol(store)
        first = with_action(store)
        ways = [ActionState.APPROVED, ActionState.REFUSED] * (WORKERS // 2)
        results = _each(
            stores,
            lambda one, n: one.actions.advance(
                TENANT, first.id, ways[n], actor=f"user:{n}", expected=ActionState.PROPOSED
            ),
        )
        assert sum(isinstance(result, Conflict) for result in results) == WORKERS - 1
        found = store.actions.get(TENANT, first.id)
        events = store.actions.events(TENANT, first.id)
        assert [event.state for event in events] == [ActionState.PROPOSED, found.state]
        assert events[1].actor == found.decided_by

    def test_of_policies_that_were_checked_beside_the_same_ones_one_text_wins(
        self, store: Store, stores: list[Store]
    ) -> None:
        for turn, seen in enumerate(("", store.policies.put(TENANT, "v", "v", "user:x").version)):
            tenant = TENANT if turn else OTHER
            results = _each(
                stores,
                lambda one, n, tenant=tenant, seen=seen: one.policies.put(  # type: ignore[misc]
                    tenant, f"v{n}", f"text {n}", f"user:{n}", seen={"policy": seen, "oncall": ""}
                ),
            )
            lost = [one for one in results if isinstance(one, Conflict)]
            assert {one.kind for one in lost} == {"applied-meanwhile"}
            assert len(lost) == WORKERS - 1
            now = store.policies.current(tenant)
            assert now in results
            assert f"{now and now.applied_by} has put other policies in force" in lost[0].detail

    def test_policies_are_not_put_beside_an_on_call_document_that_was_not_seen(
        self, store: Store
    ) -> None:
        store.oncall.put(TENANT, "o1", "text", "user:ada")
        with pytest.raises(Conflict, match="user:ada has put another on-call document in force"):
            store.policies.put(TENANT, "v1", "text", "user:x", seen={"policy": "", "oncall": ""})
        assert store.policies.current(TENANT) is None
        store.policies.put(TENANT, "v1", "text", "user:x", seen={"policy": "", "oncall": "o1"})

    def test_no_approval_counts_after_another_person_refused(
        self, store: Store, stores: list[Store]
    ) -> None:
        enrol(store)
        first = with_action(store, approvals=2)
        store.actions.advance(
            TENANT, first.id, ActionState.AWAITING_APPROVAL, actor="system:respond"
        )

        def say(one: Store, number: int) -> Action:
            who = f"user:{number}"
            if number == 0:
                return one.actions.advance(TENANT, first.id, ActionState.REFUSED, actor=who)
            return one.actions.approve(TENANT, first.id, actor=who)

        _each(stores[:2], say)
        assert store.actions.get(TENANT, first.id).state is ActionState.REFUSED
        told = store.actions.events(TENANT, first.id)
        assert told[-1].state is ActionState.REFUSED
        before = [event.actor for event in told[2:-1]]
        assert before == store.actions.approvals(TENANT, first.id)

    def test_an_attempt_is_claimed_by_one(self, store: Store, stores: list[Store]) -> None:
        enrol(store)
        one_action = with_action(store)
        results = _each(
            stores,
            lambda one, _: one.actions.note(
                TENANT,
                one_action.id,
                actor="system:responder",
                expected=ActionState.PROPOSED,
                expected_attempts=0,
                attempts=1,
            ),
        )
        assert sum(isinstance(result, Conflict) for result in results) == WORKERS - 1

    def test_workers_with_the_same_state_do_not_both_write(
        self, store: Store, stores: list[Store]
    ) -> None:
        enrol(store)
        (last,) = chain(1, 1)
        apply(store, last)
        for seq in range(2, 8):
            # Each worker has another snapshot of the host, and all decided on one state.
            rivals = [
                effect(10 * seq + n, Label.ABNORMAL, expected=last.result) for n in range(WORKERS)
            ]
            results = _each(stores, partial(_apply_one_of, [[rival] for rival in rivals]))
            assert Counter(str(r) for r in results) == {
                str([Applied.APPLIED]): 1,
                str([Applied.LOST]): WORKERS - 1,
            }
            last = rivals[results.index([Applied.APPLIED])]
            assert store.states.load(TENANT, [HOST])[HOST] == last.result
        assert store.verdicts.counts(TENANT)[Label.ABNORMAL] == 6

    def test_one_snapshot_decided_by_all_has_one_verdict(
        self, store: Store, stores: list[Store]
    ) -> None:
        # Nobody has enrolled the host, so that also its row is fought for.
        alarm = effect(1, Label.ABNORMAL, incidents=(incident(),), actions=(action(),))
        results = _each(stores, lambda one, _: apply(one, alarm))
        assert Counter(str(r) for r in results) == {
            str([Applied.APPLIED]): 1,
            str([Applied.DUPLICATE]): WORKERS - 1,
        }
        assert len(store.actions.events(TENANT, action().id)) == 1
        assert len(store.audit.find(TENANT, action="host.added").items) == 1

    def test_batches_over_the_same_hosts_in_any_order_do_not_block_each_other(
        self, store: Store, stores: list[Store]
    ) -> None:
        hosts = [HostId(f"h{number}") for number in range(6)]
        for host in hosts:
            enrol(store, host=host)
        for round_ in range(1, 4):
            states = store.states.load(TENANT, hosts)
            effects = [
                effect(round_, host=host, expected=states.get(host), incidents=(one,))
                for number, host in enumerate(hosts)
                for one in [incident(number, host=host, verdicts=round_)]
            ]
            orders = [effects, effects[::-1], effects[3:] + effects[:3], effects[1:] + effects[:1]]
            results = _each(stores, partial(_apply_one_of, orders))
            assert not [r for r in results if isinstance(r, VedetteError)]
            flat = [one for r in results if isinstance(r, list) for one in r]
            assert flat.count(Applied.APPLIED) == len(hosts)
        assert store.verdicts.counts(TENANT)[Label.NORMAL] == 18

    def test_people_and_the_pipeline_meet_at_one_incident(
        self, store: Store, stores: list[Store]
    ) -> None:
        enrol(store)
        (last,) = chain(1, 1, incidents=(incident(),))
        apply(store, last)
        joined = effect(2, expected=last.result, incidents=(incident(verdicts=2),))
        close = Resolution.FALSE_POSITIVE
        results = _at_once(
            [
                lambda: str(apply(stores[0], joined)),
                lambda: str(stores[1].incidents.close(TENANT, incident().id, "user:a", close)),
                lambda: str(stores[2].incidents.acknowledge(TENANT, incident().id, "user:b")),
                lambda: str(stores[3].incidents.close(TENANT, incident().id, "user:c", close)),
            ]
        )
        found = store.incidents.get(TENANT, incident().id)
        assert found.state == "closed"
        assert found.verdicts == (2 if results[0] == str([Applied.APPLIED]) else 1)
        assert sum(isinstance(results[n], Conflict) for n in (1, 3)) == 1

    def test_a_notice_is_given_to_one_responder(self, store: Store, stores: list[Store]) -> None:
        for number in range(20):
            apply(store, effect(1, Label.ABNORMAL, host=HostId(f"h{number:02}")))
        results = _each(stores, lambda one, _: [n.id for n in one.outbox.take(5)])
        taken = [one for r in results if isinstance(r, list) for one in r]
        assert len(taken) == len(set(taken)) == 20

    def test_silence_is_told_once(self, store: Store, stores: list[Store]) -> None:
        for number in range(5):
            enrol(store, host=HostId(f"h{number}"))
        open_for(store, 3600)
        results = _each(stores, lambda one, _: one.hosts.expire_silent(minute(60)))
        assert sum(len(r) for r in results if isinstance(r, list)) == 5
        assert store.outbox.waiting() == 5

    def test_a_name_is_given_to_one_token(self, store: Store, stores: list[Store]) -> None:
        results = _each(
            stores,
            lambda one, n: one.tokens.create(
                TENANT, "ada", Role.ADMIN, f"hash-{n}", None, "user:root"
            ),
        )
        assert sum(isinstance(result, Conflict) for result in results) == WORKERS - 1
        assert len(store.tokens.list(TENANT).items) == 1

    def test_an_empty_database_can_be_migrated_by_all_at_once(
        self, empty_url: str, clock: ManualClock
    ) -> None:
        opened = [Store(empty_url, clock) for _ in range(WORKERS)]
        results = _at_once([one.migrate for one in opened])
        assert results == [None] * WORKERS
        assert all(one.ready() for one in opened)
        for one in opened:
            one.close()
