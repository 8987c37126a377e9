"""An approval counts as long as the token that gave it opens anything, on every backend."""

import pytest
from tests.store.make import TENANT, action, enrol, minute

from vedette.core import Action, ActionState, Conflict, Limits, ManualClock
from vedette.store import ApiToken, Role, Store

__all__ = ["ApprovalsContract"]

S = ActionState
ALL = Limits(tenant=1, cohort=1, model=1, least=100)
REVOKED = "user:bob's approval does not count any more: their token was revoked"
EXPIRED = "user:bob's approval does not count any more: their token has expired"


def _token(store: Store, name: str, seconds: float | None = None) -> ApiToken:
    ends = None if seconds is None else minute(seconds / 60)
    secret = f"{name}-{len(store.tokens.list(TENANT).items)}"
    return store.tokens.create(TENANT, name, Role.RESPONDER, secret, ends, "user:root")


def _revoke(store: Store, token: ApiToken, clock: ManualClock) -> None:
    clock.advance(1)
    store.tokens.revoke(TENANT, token.id, actor="user:root", reason="stolen")
    clock.advance(1)


def _wait(store: Store, approvals: int = 2, *, dry_run: bool = False) -> Action:
    one = store.actions.propose(
        action(
            1,
            incident=None,
            disruptive=True,
            dry_run=dry_run,
            proposed_by="user:eve",
            approvals=approvals,
            expires_at=minute(600),
        )
    )
    return store.actions.advance(TENANT, one.id, S.AWAITING_APPROVAL, actor="system:respond")


def _approve(store: Store, one: Action, who: str) -> ActionState:
    return store.actions.approve(TENANT, one.id, actor=f"user:{who}", reason="seen").state


def _begin(store: Store, one: Action) -> Action:
    return store.actions.dispatch(
        TENANT, one.id, actor="system:respond", expected=S.APPROVED, limits=ALL
    )


def _given(store: Store, one: Action) -> list[str]:
    return store.actions.approvals(TENANT, one.id)


def _words(store: Store, one: Action) -> list[str]:
    return [event.detail for event in store.actions.events(TENANT, one.id)]


class ApprovalsContract:
    """One stolen token is not one of two people once it is revoked."""

    @pytest.fixture(autouse=True)
    def _fleet(self, store: Store, clock: ManualClock) -> None:
        clock.step(minute(0))
        enrol(store)

    def test_the_next_person_is_not_the_second_of_one_whose_token_was_revoked(
        self, store: Store, clock: ManualClock
    ) -> None:
        bob, one = _token(store, "bob"), _wait(store)
        for name in ("carol", "dave"):
            _token(store, name)
        clock.advance(1)
        assert _approve(store, one, "bob") is S.AWAITING_APPROVAL
        assert _given(store, one) == ["user:bob"]
        _revoke(store, bob, clock)
        assert _given(store, one) == []
        assert _approve(store, one, "carol") is S.AWAITING_APPROVAL
        assert _words(store, one)[-2:] == [REVOKED, "approval 1 of 2: seen"]
        audited = [entry.reason for entry in store.audit.find(TENANT, subject=one.id).items]
        assert REVOKED in audited
        assert _approve(store, one, "dave") is S.APPROVED
        assert _words(store, one).count(REVOKED) == 1
        assert _begin(store, one).state is S.DISPATCHED

    def test_one_whose_token_has_expired_neither(self, store: Store, clock: ManualClock) -> None:
        _token(store, "bob", 60)
        one = _wait(store)
        clock.advance(1)
        _approve(store, one, "bob")
        clock.advance(60)
        assert _approve(store, one, "carol") is S.AWAITING_APPROVAL
        assert EXPIRED in _words(store, one)

    def test_a_new_token_of_the_name_is_not_what_approved_but_may_approve_anew(
        self, store: Store, clock: ManualClock
    ) -> None:
        bob, one = _token(store, "bob"), _wait(store)
        _approve(store, one, "bob")
        _revoke(store, bob, clock)
        _token(store, "bob")
        clock.advance(1)
        assert _given(store, one) == []
        assert _approve(store, one, "bob") is S.AWAITING_APPROVAL
        assert _given(store, one) == ["user:bob"]
        with pytest.raises(Conflict, match="approved it before"):
            _approve(store, one, "bob")
        assert _approve(store, one, "carol") is S.APPROVED
        assert _begin(store, one).state is S.DISPATCHED

    @pytest.mark.parametrize("dry_run", [False, True])
    @pytest.mark.parametrize("approvals", [1, 2])
    def test_what_was_approved_does_not_begin_by_a_token_that_ended_meanwhile(
        self, store: Store, clock: ManualClock, approvals: int, dry_run: bool
    ) -> None:
        bob, one = _token(store, "bob"), _wait(store, approvals, dry_run=dry_run)
        for who in ("carol", "bob")[-approvals:]:
            _approve(store, one, who)
        _revoke(store, bob, clock)
        with pytest.raises(Conflict) as caught:
            _begin(store, one)
        assert (caught.value.kind, caught.value.detail) == ("approval-void", REVOKED)
        assert store.actions.get(TENANT, one.id).state is S.APPROVED

    def test_what_has_begun_keeps_who_approved_it(self, store: Store, clock: ManualClock) -> None:
        bob, one = _token(store, "bob"), _wait(store, 1)
        _approve(store, one, "bob")
        _begin(store, one)
        _revoke(store, bob, clock)
        assert _given(store, one) == ["user:bob"]

    def test_a_token_that_is_revoked_while_it_approves_approves_nothing(
        self, store: Store, clock: ManualClock
    ) -> None:
        bob, one = _token(store, "bob"), _wait(store, 1)
        _revoke(store, bob, clock)
        with pytest.raises(Conflict, match="token was revoked") as caught:
            _approve(store, one, "bob")
        assert caught.value.kind == "approval-void"
        assert _given(store, one) == []
