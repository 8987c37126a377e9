"""Sealed evidence on every backend: once for an action, from its host alone, in time, given with an audit row, removed in time."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.store.make import HOST, OTHER, TENANT, action, command, enrol, with_action

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Command,
    CommandId,
    Conflict,
    Evidence,
    HostId,
    IncidentId,
    InvalidInput,
    ManualClock,
    NotFound,
    TenantId,
    Verb,
    digest,
)
from vedette.store import Store

__all__ = ["EvidenceContract", "collected"]

S = ActionState
BUNDLE = b"VB\x01 sealed \x00\xff"


def collected(store: Store, clock: ManualClock) -> tuple[Action, Command]:
    """An action that collects, begun, and the command that its host has."""
    enrol(store)
    proposed = with_action(store, kind="collect", dry_run=False, lease_seconds=0.0)
    for state in (S.APPROVED, S.DISPATCHED):
        store.actions.advance(TENANT, proposed.id, state, actor="system:respond")
    now = clock.now()
    told = command(
        kind="collect", dry_run=False, issued_at=now, expires_at=now + timedelta(minutes=15)
    )
    store.commands.put(told, b"signed")
    return proposed, told


def evidence(told: Command, clock: ManualClock, bundle: bytes = BUNDLE, **more: Any) -> Evidence:
    """As the door describes a bundle."""
    given: dict[str, Any] = {
        "action": told.action,
        "tenant": told.tenant,
        "host": told.host,
        "incident": None,
        "command": told.id,
        "digest": digest(bundle),
        "size": len(bundle),
        "kid": "k",
        "sealed_at": clock.now(),
        "received_at": clock.now(),
    }
    return Evidence(**(given | more))


def _kind(error: pytest.ExceptionInfo[Conflict]) -> str:
    return error.value.kind


class EvidenceContract:
    """Kept, found, given, removed."""

    def test_it_is_kept_once_and_the_same_again_is_no_second_effect(
        self, store: Store, clock: ManualClock
    ) -> None:
        proposed, told = collected(store, clock)
        one = evidence(told, clock)
        assert store.evidence.wanted(TENANT, HOST, told.id) == proposed.id
        assert store.evidence.held(TENANT, proposed.id) is None
        assert store.evidence.keep(one, BUNDLE)
        again = msgspec.structs.replace(one, received_at=clock.now() + timedelta(seconds=9))
        assert not store.evidence.keep(again, BUNDLE)
        kept = msgspec.structs.replace(one, incident=proposed.incident)
        assert store.evidence.get(TENANT, proposed.id) == kept
        assert [
            (one.action, one.actor) for one in store.audit.find(TENANT, subject=proposed.id).items
        ].count(("evidence.received", f"host:{HOST}")) == 1

    def test_that_a_bundle_came_is_a_step_of_its_action(
        self, store: Store, clock: ManualClock
    ) -> None:
        proposed, told = collected(store, clock)
        store.actions.recall(TENANT, proposed.id, actor="user:ada", why="not now")
        one = evidence(told, clock)
        for _ in range(2):
            store.evidence.keep(one, BUNDLE)
        words = [event.detail for event in store.actions.events(TENANT, proposed.id)]
        assert words[-1] == (
            f"the server has the bundle: {one.size} bytes sealed, {one.digest}; "
            "it came before the host had called it off"
        )
        assert sum("the server has the bundle" in line for line in words) == 1

    def test_another_bundle_for_the_same_action_is_refused(
        self, store: Store, clock: ManualClock
    ) -> None:
        proposed, told = collected(store, clock)
        store.evidence.keep(evidence(told, clock), BUNDLE)
        with pytest.raises(Conflict) as error:
            store.evidence.keep(evidence(told, clock, b"another"), b"another")
        assert _kind(error) == "evidence-conflict"
        assert store.evidence.fetch(TENANT, proposed.id, actor="user:ada")[1] == BUNDLE

    def test_only_the_host_that_was_told_may_deliver_and_only_of_its_tenant(
        self, store: Store, clock: ManualClock
    ) -> None:
        _, told = collected(store, clock)
        other = HostId("6d7a2d0e-0000-4000-8000-00000000000f")
        for tenant, host, ident in (
            (TENANT, other, told.id),
            (OTHER, HOST, told.id),
            (TENANT, HOST, CommandId("none")),
        ):
            with pytest.raises(NotFound):
                store.evidence.wanted(tenant, host, ident)
            with pytest.raises(NotFound):
                store.evidence.keep(
                    evidence(told, clock, tenant=tenant, host=host, command=ident), BUNDLE
                )
        with pytest.raises(Conflict) as error:
            store.evidence.keep(evidence(told, clock, action=ActionId("another")), BUNDLE)
        assert _kind(error) == "evidence-unwanted"

    def test_after_its_time_or_its_actions_end_nothing_is_awaited_but_what_is_kept_is_known(
        self, store: Store, clock: ManualClock
    ) -> None:
        proposed, told = collected(store, clock)
        clock.advance(901)
        with pytest.raises(Conflict, match="expired") as error:
            store.evidence.keep(evidence(told, clock), BUNDLE)
        assert _kind(error) == "evidence-unwanted"
        clock.advance(-900)
        store.evidence.keep(evidence(told, clock), BUNDLE)
        clock.advance(5_000)
        assert store.evidence.wanted(TENANT, HOST, told.id) == proposed.id
        assert not store.evidence.keep(evidence(told, clock), BUNDLE)

    def test_an_action_that_was_called_off_takes_nothing(
        self, store: Store, clock: ManualClock
    ) -> None:
        proposed, told = collected(store, clock)
        store.actions.advance(TENANT, proposed.id, S.CANCELLED, actor="user:ada")
        with pytest.raises(Conflict, match="cancelled"):
            store.evidence.wanted(TENANT, HOST, told.id)

    @pytest.mark.parametrize(
        "changes", [{"dry_run": True}, {"kind": "quarantine"}, {"verb": Verb.CANCEL}]
    )
    def test_a_command_that_collects_nothing_awaits_nothing(
        self, store: Store, clock: ManualClock, changes: dict[str, Any]
    ) -> None:
        _, told = collected(store, clock)
        other = msgspec.structs.replace(told, id=CommandId("c-2"), nonce="2", **changes)
        store.commands.put(other, b"signed")
        with pytest.raises(Conflict, match="asks for no evidence"):
            store.evidence.wanted(TENANT, HOST, other.id)

    def test_it_is_found_by_host_and_incident_and_of_one_tenant(
        self, store: Store, clock: ManualClock
    ) -> None:
        proposed, told = collected(store, clock)
        store.evidence.keep(evidence(told, clock), BUNDLE)
        find = store.evidence.find
        assert [one.action for one in find(TENANT).items] == [proposed.id]
        assert find(TENANT, host=HOST, incident=proposed.incident, limit=1).next is None
        assert find(TENANT, host=HostId("x")).items == ()
        assert find(TENANT, incident=IncidentId("x")).items == ()
        assert find(TenantId("x")).items == ()
        assert store.evidence.held(OTHER, proposed.id) is None
        with pytest.raises(NotFound):
            store.evidence.get(TENANT, ActionId("x"))
        with pytest.raises(InvalidInput):
            find(TENANT, after="x")

    def test_every_download_stands_in_the_audit(self, store: Store, clock: ManualClock) -> None:
        proposed, told = collected(store, clock)
        store.evidence.keep(evidence(told, clock), BUNDLE)
        found, bundle = store.evidence.fetch(TENANT, proposed.id, actor="user:ada")
        assert (found.digest, bundle) == (digest(BUNDLE), BUNDLE)
        rows = store.audit.find(TENANT, subject=proposed.id).items
        fetched = [one for one in rows if one.action == "evidence.fetched"]
        assert [(one.actor, one.data["digest"]) for one in fetched] == [("user:ada", found.digest)]
        with pytest.raises(NotFound):
            store.evidence.fetch(OTHER, proposed.id, actor="user:eve")
        assert store.audit.find(OTHER).items == ()

    def test_when_its_time_is_over_the_bytes_go_and_the_record_stays(
        self, store: Store, clock: ManualClock
    ) -> None:
        proposed, told = collected(store, clock)
        store.evidence.keep(evidence(told, clock), BUNDLE)
        assert store.evidence.remove(clock.now()) == 0
        clock.advance(60)
        assert store.evidence.remove(clock.now()) == 1
        assert store.evidence.remove(clock.now()) == 0
        kept = store.evidence.get(TENANT, proposed.id)
        assert (kept.removed_at, kept.digest) == (clock.now(), digest(BUNDLE))
        with pytest.raises(Conflict) as error:
            store.evidence.fetch(TENANT, proposed.id, actor="user:ada")
        assert _kind(error) == "evidence-removed"
        assert not store.evidence.keep(evidence(told, clock), BUNDLE)
        rows = store.audit.find(TENANT, subject=proposed.id).items
        assert [one.action for one in rows if one.action.startswith("evidence.")] == [
            "evidence.removed",
            "evidence.received",
        ]

    def test_the_actions_own_incident_is_its(self, store: Store, clock: ManualClock) -> None:
        proposed, told = collected(store, clock)
        assert proposed.incident == action().incident
        store.evidence.keep(evidence(told, clock), BUNDLE)
        assert store.evidence.get(TENANT, proposed.id).incident == proposed.incident
