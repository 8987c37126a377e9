"""A client sees nothing of another's, whatever it asks and whatever ids it knows."""

from collections.abc import Callable

import pytest
from tests.store.make import (
    HOST,
    OTHER,
    TENANT,
    action,
    appeared,
    apply,
    command,
    effect,
    enrol,
    incident,
    minute,
    opened,
    verdict,
)

from vedette.core import (
    ActionState,
    CommandResult,
    HostStatus,
    InvalidInput,
    Label,
    NotFound,
    Resolution,
    TenantId,
)
from vedette.store import Role, Store

__all__ = ["TenancyContract"]


def _fill(store: Store, tenant: TenantId) -> None:
    enrol(store, tenant)
    one = incident(tenant=tenant)
    alarm = effect(
        1,
        Label.ABNORMAL,
        tenant=tenant,
        facts=(appeared("users", "a"),),
        incidents=(one,),
        events=(opened(one),),
        actions=(action(tenant=tenant),),
        needed=("users",),
    )
    apply(store, alarm)
    store.commands.put(command(tenant=tenant), b"signed")
    store.policies.put(tenant, "v1", "text", "user:x")
    store.tokens.create(tenant, "ada", Role.ADMIN, f"hash of {tenant}", None, "user:x")
    store.enrolments.create(
        tenant, f"hash of {tenant}", expires_at=minute(10), uses=1, actor="user:x"
    )


ASKED: dict[str, Callable[[Store, TenantId], object]] = {
    "hosts.find": lambda s, t: s.hosts.find(t, revoked=None).items,
    "hosts.many": lambda s, t: s.hosts.many(t, [HOST]),
    "hosts.counts_by_status": lambda s, t: any(s.hosts.counts_by_status(t).values()),
    "hosts.labelled": lambda s, t: s.hosts.labelled(t, [HOST]).of,
    "states.load": lambda s, t: s.states.load(t, [HOST]),
    "verdicts.find": lambda s, t: s.verdicts.find(t).items,
    "verdicts.find by host": lambda s, t: s.verdicts.find(t, host=HOST).items,
    "verdicts.find by label": lambda s, t: s.verdicts.find(t, label=Label.ABNORMAL).items,
    "verdicts.counts": lambda s, t: any(s.verdicts.counts(t).values()),
    "verdicts.known": lambda s, t: s.verdicts.known([verdict(1, tenant=t).identity]),
    "facts.at": lambda s, t: s.facts.at(t, HOST, minute(9)).items,
    "facts.history": lambda s, t: s.facts.history(t, HOST).items,
    "incidents.find": lambda s, t: s.incidents.find(t).items,
    "incidents.live": lambda s, t: s.incidents.live(t, [HOST]),
    "incidents.events": lambda s, t: s.incidents.events(t, incident().id),
    "incidents.counts_by_state": lambda s, t: any(s.incidents.counts_by_state(t).values()),
    "actions.find": lambda s, t: s.actions.find(t).items,
    "actions.recent": lambda s, t: s.actions.recent(t, [HOST], minute(0)),
    "actions.events": lambda s, t: s.actions.events(t, action().id),
    "actions.counts_by_state": lambda s, t: any(s.actions.counts_by_state(t).values()),
    "commands.pending": lambda s, t: s.commands.pending(t, HOST, minute(2)),
    "audit.find": lambda s, t: s.audit.find(t).items,
    "policies.current": lambda s, t: s.policies.current(t),
    "policies.list": lambda s, t: s.policies.list(t).items,
    "tokens.list": lambda s, t: s.tokens.list(t).items,
    "enrolments.list": lambda s, t: s.enrolments.list(t).items,
}
REFUSED: dict[str, Callable[[Store, TenantId], object]] = {
    "hosts.get": lambda s, t: s.hosts.get(t, HOST),
    "hosts.revoke": lambda s, t: s.hosts.revoke(t, HOST, "user:x", ""),
    "verdicts.get": lambda s, t: s.verdicts.get(t, verdict(1, tenant=OTHER).id),
    "incidents.get": lambda s, t: s.incidents.get(t, incident().id),
    "incidents.acknowledge": lambda s, t: s.incidents.acknowledge(t, incident().id, "user:x"),
    "incidents.close": lambda s, t: s.incidents.close(
        t, incident().id, "user:x", Resolution.BENIGN_CHANGE
    ),
    "incidents.comment": lambda s, t: s.incidents.comment(t, incident().id, "user:x", "hm"),
    "actions.get": lambda s, t: s.actions.get(t, action().id),
    "actions.advance": lambda s, t: s.actions.advance(
        t, action().id, ActionState.APPROVED, actor="user:x"
    ),
    "commands.get": lambda s, t: s.commands.get(t, command().id),
    "tokens.revoke": lambda s, t: s.tokens.revoke(
        t, s.tokens.list(OTHER).items[0].id, actor="user:x"
    ),
    "enrolments.revoke": lambda s, t: s.enrolments.revoke(
        t, s.enrolments.list(OTHER).items[0].id, actor="user:x"
    ),
    "commands.record_result": lambda s, t: s.commands.record_result(
        CommandResult(command=command().id, state=ActionState.FAILED, at=minute(2)), HOST, tenant=t
    ),
}


class TenancyContract:
    """Two tenants may even use the same ids."""

    @pytest.mark.parametrize("question", list(ASKED))
    def test_a_question_finds_nothing_of_another_tenant(self, store: Store, question: str) -> None:
        _fill(store, OTHER)
        assert ASKED[question](store, OTHER)
        assert not ASKED[question](store, TENANT)

    @pytest.mark.parametrize("call", list(REFUSED))
    def test_what_another_tenant_has_is_not_found(self, store: Store, call: str) -> None:
        _fill(store, OTHER)
        with pytest.raises(NotFound):
            REFUSED[call](store, TENANT)
        REFUSED[call](store, OTHER)

    def test_changes_of_one_leave_the_other_as_it_was(self, store: Store) -> None:
        _fill(store, TENANT)
        _fill(store, OTHER)
        before = {name: ask(store, OTHER) for name, ask in ASKED.items()}
        store.incidents.close(TENANT, incident().id, "user:x", Resolution.BENIGN_CHANGE)
        store.actions.advance(TENANT, action().id, ActionState.APPROVED, actor="user:x")
        store.hosts.revoke(TENANT, HOST, "user:x", "")
        result = CommandResult(command=command().id, state=ActionState.FAILED, at=minute(2))
        store.commands.record_result(result, HOST, tenant=TENANT)
        state = store.states.load(TENANT, [HOST])[HOST]
        apply(store, effect(2, expected=state))
        assert {name: ask(store, OTHER) for name, ask in ASKED.items()} == before
        assert store.hosts.get(OTHER, HOST).status is HostStatus.ABNORMAL
        assert store.commands.results(OTHER, command().id) == []

    def test_a_result_that_could_be_either_tenants_is_refused(self, store: Store) -> None:
        _fill(store, TENANT)
        _fill(store, OTHER)
        result = CommandResult(command=command().id, state=ActionState.FAILED, at=minute(2))
        with pytest.raises(InvalidInput, match="tenant"):
            store.commands.record_result(result, HOST)
