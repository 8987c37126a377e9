"""A model on trial, or one that drifts, does not act by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.contracts.store_suite_storms import ill
from tests.fixtures.migrated import migrated
from tests.store.make import START, TENANT, action, apply, enrol

from vedette.app.doubt import Doubt
from vedette.app.settings import RespondSettings
from vedette.core import HostId, ManualClock
from vedette.store import Effect, Store

DAY = 86_400.0
# All that is not asked here.
SURE: dict[str, Any] = {"untried": lambda _: "", "fault": lambda _: ""}
BY = action(1, model="sha256:m", disruptive=True)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    made = Store(migrated(tmp_path / "store.sqlite"), clock)
    for number in range(10):
        enrol(made, host=HostId(f"host-{number:03d}"))
    yield made
    made.close()


def sick(number: int) -> Effect:
    """A host on which the model opened an incident."""
    effect = ill(number)
    opened = tuple(msgspec.structs.replace(one, model="sha256:m") for one in effect.incidents)
    return msgspec.structs.replace(effect, incidents=opened)


def test_a_model_asks_until_its_trial_is_over(store: Store, clock: ManualClock) -> None:
    doubt = Doubt(store, clock, RespondSettings(trial_days=7), **SURE)
    assert "is on trial: it judges here for 0.0 of 7 days" in doubt(BY)
    apply(store, sick(1))
    first = store.models.first_seen(TENANT, "sha256:m")
    assert first is not None
    clock.advance(3 * DAY)
    assert "for 3.0 of 7 days" in doubt(BY)
    apply(store, sick(2))
    assert store.models.first_seen(TENANT, "sha256:m") == first
    clock.advance(4 * DAY + 3_600)
    assert doubt(BY) == ""
    other = msgspec.structs.replace(BY, model="sha256:other")
    assert "sha256:other is on trial" in doubt(other)


def test_no_trial_and_no_model_are_in_no_doubt(store: Store, clock: ManualClock) -> None:
    assert Doubt(store, clock, RespondSettings(trial_days=0), **SURE)(BY) == ""
    by_hand = msgspec.structs.replace(BY, model="")
    assert Doubt(store, clock, RespondSettings(), **SURE)(by_hand) == ""


def test_many_ill_hosts_by_one_model_are_an_alarm(store: Store, clock: ManualClock) -> None:
    doubt = Doubt(store, clock, RespondSettings(trial_days=0, drift_share=0.2), **SURE)
    apply(store, sick(0), sick(1))
    assert doubt(BY) == ""
    apply(store, sick(2))
    assert "may drift: 3 of 10 hosts have an open incident by it, more than 20%" in doubt(BY)
    never = Doubt(store, clock, RespondSettings(trial_days=0, drift_share=1.0), **SURE)
    assert never(BY) == ""
    assert doubt(msgspec.structs.replace(BY, model="sha256:other")) == ""
