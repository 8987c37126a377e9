"""Models that judged here, and actions that people propose, on every backend."""

import pytest
from tests.store.make import (
    HOST,
    OTHER,
    START,
    TENANT,
    action,
    apply,
    effect,
    enrol,
    incident,
    minute,
    opened,
    verdict,
)

from vedette.core import (
    ActionState,
    Conflict,
    HostId,
    IncidentId,
    IncidentState,
    Label,
    ManualClock,
)
from vedette.store import Effect, Store

__all__ = ["ModelsContract", "ProposedContract"]

MODEL = "sha256:m"


def _ill(number: int, model: str = MODEL, state: IncidentState = IncidentState.OPEN) -> Effect:
    host = HostId(f"host-{number}")
    one = incident(
        number,
        id=IncidentId(f"incident-{number}"),
        host=host,
        model=model,
        state=state,
    )
    judged = verdict(1, Label.ABNORMAL, host=host, model=model)
    return effect(
        1, Label.ABNORMAL, host=host, verdict=judged, incidents=(one,), events=(opened(one),)
    )


class ModelsContract:
    """Since when a model judges, and of how many hosts it thinks ill."""

    def test_a_model_is_known_since_its_first_verdict(self, store: Store) -> None:
        assert store.models.first_seen(TENANT, MODEL) is None
        enrol(store)
        apply(store, effect(1))
        first = store.models.first_seen(TENANT, MODEL)
        assert first == verdict(1).decided_at
        apply(store, effect(2, expected=effect(1).result))
        assert store.models.first_seen(TENANT, MODEL) == first
        assert store.models.first_seen(TENANT, "sha256:other") is None
        assert store.models.first_seen(OTHER, MODEL) is None

    def test_hosts_are_counted_once_while_their_incidents_are_open(self, store: Store) -> None:
        for number in range(1, 6):
            enrol(store, host=HostId(f"host-{number}"))
        apply(
            store,
            _ill(1),
            _ill(2),
            _ill(3, model="sha256:other"),
            _ill(4, state=IncidentState.QUIET),
        )
        assert store.models.ill(TENANT, MODEL) == (2, 5)
        assert store.models.ill(TENANT, "sha256:other") == (1, 5)
        assert store.models.ill(OTHER, MODEL) == (0, 0)
        store.hosts.revoke(TENANT, HostId("host-5"), actor="user:ada", reason="sold")
        assert store.models.ill(TENANT, MODEL) == (2, 4)


class ProposedContract:
    """What a person proposes is a row like a policy's, with its step, its notice and its audit row."""

    def test_it_is_there_whole_with_its_marks(self, store: Store, clock: ManualClock) -> None:
        clock.step(START)
        enrol(store)
        asked = action(
            1,
            incident=None,
            policy="",
            policy_version="",
            trigger="person",
            disruptive=True,
            dry_run=False,
            detail="it mines coins",
            proposed_by="user:ann",
        )
        assert store.actions.propose(asked) == asked
        assert store.actions.get(TENANT, asked.id) == asked
        (step,) = store.actions.events(TENANT, asked.id)
        assert (step.state, step.actor, step.detail) == (
            ActionState.PROPOSED,
            "user:ann",
            "it mines coins",
        )
        (entry,) = store.audit.find(TENANT, action="action.proposed", subject=asked.id).items
        assert (entry.actor, entry.reason) == ("user:ann", "it mines coins")
        assert entry.data["proposed_by"] == "user:ann"
        told = [one for one in store.outbox.take(100) if one.subject == asked.id]
        assert [one.kind for one in told] == ["action.proposed"]
        waits = store.actions.advance(
            TENANT, asked.id, ActionState.AWAITING_APPROVAL, actor="system:respond"
        )
        assert waits.expires_at == minute(61)
        with pytest.raises(Conflict) as caught:
            store.actions.approve(TENANT, asked.id, actor="user:ann", reason="mine")
        assert caught.value.kind == "own-proposal"

    def test_the_same_id_has_no_second_effect_and_a_host_that_is_not_there_none(
        self, store: Store
    ) -> None:
        enrol(store)
        asked = action(1, incident=None, proposed_by="user:ann")
        store.actions.propose(asked)
        before = len(store.audit.find(TENANT).items)
        assert store.actions.propose(asked) == asked
        with pytest.raises(Conflict):
            store.actions.propose(
                action(2, incident=None, host=HostId("nobody"), proposed_by="user:ann")
            )
        assert len(store.audit.find(TENANT).items) == before
        assert [one.id for one in store.actions.find(TENANT, host=HOST).items] == [asked.id]
