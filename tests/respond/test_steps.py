"""Which step each outcome leads to, from each state: never one outside core's table."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.respond.world import START, TENANT, action

from vedette.core import (
    TRANSITIONS,
    Action,
    ActionId,
    ActionState,
    Evidence,
    Host,
    HostId,
    ManualClock,
    NotFound,
    TenantId,
)
from vedette.respond import MemoryPorts, schemas
from vedette.respond.host_kinds import host_kinds, host_schemas
from vedette.respond.outcome import (
    Acknowledged,
    Applied,
    Cancelled,
    Expired,
    Failed,
    Outcome,
    Refused,
    Retry,
    Simulated,
    Verified,
    Waiting,
)
from vedette.respond.steps import record
from vedette.seal import SigningKey

S = ActionState


class NoHosts:
    """Is asked only about what is under way."""

    def get(self, tenant: TenantId, host: HostId, /) -> Host:
        raise NotFound(f"no host {host} of {tenant}")


class NoEvidence:
    """Is asked only about what was verified."""

    def held(self, tenant: TenantId, action: ActionId, /) -> Evidence | None:
        raise NotFound(f"no evidence of {action} of {tenant}")


OUTCOMES: tuple[Outcome, ...] = (
    Waiting(),
    Acknowledged(detail="a"),
    Simulated(plan={"p": 1}),
    Verified(detail="v", evidence={}),
    Retry(detail="r"),
    Failed(detail="f"),
    Refused(detail="n"),
    Expired(detail="e"),
)


def cases() -> Iterator[tuple[ActionState, bool, Outcome]]:
    for state in (S.DISPATCHED, S.ACKNOWLEDGED, S.APPLIED):
        for dry_run in (True, False):
            for outcome in OUTCOMES:
                yield state, dry_run, outcome


def after(state: ActionState, outcome: Outcome, *, dry_run: bool) -> Action | None:
    ports = MemoryPorts(ManualClock(START + timedelta(hours=1)))
    given = action(state=state, dry_run=dry_run, attempts=1)
    ports.actions.add(given)
    moved = record(ports.actions, given, outcome, START)
    if moved is not None:
        assert moved == ports.actions.get(TENANT, given.id)
    return moved


@pytest.mark.parametrize(("state", "dry_run", "outcome"), list(cases()))
def test_every_outcome_is_a_step_of_the_table_or_none(
    state: ActionState, outcome: Outcome, *, dry_run: bool
) -> None:
    moved = after(state, outcome, dry_run=dry_run)
    if moved is None:
        assert isinstance(outcome, Waiting | Acknowledged | Retry)
    elif isinstance(outcome, Retry):
        assert moved.state is state is S.DISPATCHED
    else:
        assert moved.state in TRANSITIONS[state]
    if moved is not None and moved.state is S.VERIFIED:
        assert isinstance(outcome, Verified)
        assert not dry_run
    if moved is not None and moved.state is S.SIMULATED:
        assert moved.plan == {"p": 1}
        assert dry_run


def test_a_dry_run_that_was_carried_out_is_a_failure() -> None:
    moved = after(S.DISPATCHED, Verified(detail="oops", evidence={}), dry_run=True)
    assert moved is not None
    assert (moved.state, moved.detail) == (S.FAILED, "a dry run was carried out: oops")


def test_what_is_applied_or_called_off_is_so_only_where_that_can_be() -> None:
    moved = after(S.ACKNOWLEDGED, Applied(detail="done"), dry_run=True)
    assert moved is not None
    assert (moved.state, moved.detail) == (S.FAILED, "a dry run was carried out: done")
    applied = after(S.ACKNOWLEDGED, Applied(detail="done"), dry_run=False)
    assert applied is not None
    assert applied.state is S.APPLIED
    called = after(S.APPLIED, Cancelled(detail="too late"), dry_run=False)
    assert called is not None
    assert called.state is S.FAILED


def test_a_host_carries_out_each_kind_that_policies_may_name_for_it() -> None:
    ports = MemoryPorts(ManualClock(START))
    kinds = host_kinds(ports.commands, SigningKey.generate(), NoHosts(), NoEvidence())
    assert [kind.schema.name for kind in kinds] == [schema.name for schema in host_schemas()]
    assert all(kind.remote for kind in kinds)


def test_every_kind_is_named_as_policies_write_it() -> None:
    assert all(schema.name == name for name, schema in schemas().items())
    assert {"kill_process", "mail", "quarantine", "suspend_process"} <= set(schemas())
