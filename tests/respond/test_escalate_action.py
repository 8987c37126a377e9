"""The action that starts a chain: what it takes, and what it says was seen."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.respond.escalating import start
from tests.respond.mail_job import job

from vedette.core import Action, ActionId, Escalation, InvalidInput, TenantId
from vedette.respond import Escalate, EscalateSchema
from vedette.respond.outcome import Failed, Simulated


class Nothing:
    """Escalations of which none was begun."""

    def start(self, action: Action, chain: str) -> Escalation:
        raise AssertionError((action, chain))

    def begun_by(self, _tenant: TenantId, _action: ActionId, /) -> None:
        """None of it."""


def test_it_takes_a_chains_name() -> None:
    schema = EscalateSchema()
    assert schema.check({"chain": "ops"}, dry_run=False) == {"chain": "ops"}


@pytest.mark.parametrize("given", [{}, {"chain": ""}, {"chain": 1}, {"chain": "ops", "to": "x"}])
def test_it_takes_nothing_else(given: Mapping[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        EscalateSchema().check(given, dry_run=False)


def test_nothing_is_verified_without_a_row() -> None:
    kind = Escalate(Nothing(), lambda _: ("ops",))
    assert kind.probe(job(start())) == Failed(detail="no escalation was begun")
    assert kind.probe(job(start(dry_run=True))) == Simulated(plan={"chain": "ops"})
