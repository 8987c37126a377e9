"""Random ways of making incidents one and two: nothing is lost, nothing points to what is no more."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.store.make import START, TENANT, action, apply, effect, enrol, incident

from vedette.core import (
    HostId,
    Incident,
    IncidentKind,
    IncidentState,
    Label,
    ManualClock,
    Resolution,
    VedetteError,
)
from vedette.decide import gather
from vedette.store import Store

# All that it runs has plain tests, too.
pytestmark = pytest.mark.no_cover

_HOSTS = [HostId(f"host-{number}") for number in range(3)]
_ADA = "user:ada"
_PICK = st.integers(min_value=0, max_value=1_000)


@cache
def _template() -> bytes:
    """A migrated store, made once."""
    with tempfile.TemporaryDirectory() as place:
        store = Store(f"sqlite:///{place}/store.sqlite", ManualClock(START))
        store.migrate()
        store.close()
        return (Path(place) / "store.sqlite").read_bytes()


class Triage(RuleBasedStateMachine):
    """Six incidents of three hosts to begin with."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.clock = ManualClock(START)
        (self.place / "store.sqlite").write_bytes(_template())
        self.store = Store(f"sqlite:///{self.place / 'store.sqlite'}", self.clock)

    @initialize()
    def open(self) -> None:
        number = 0
        for host in _HOSTS:
            enrol(self.store, host=host)
            known = None
            for causes in (("a", "b"), ("b", f"c{host}")):
                number += 1
                one = incident(number, host=host, causes=causes)
                proposed = action(number, incident=one.id, host=host)
                alarm = effect(
                    number,
                    Label.ABNORMAL,
                    host=host,
                    expected=known,
                    incidents=(one,),
                    actions=(proposed,),
                )
                apply(self.store, alarm)
                known = alarm.result

    def _all(self) -> list[Incident]:
        return sorted(self.store.incidents.find(TENANT, limit=500).items, key=lambda one: one.id)

    def _one(self, pick: int) -> Incident:
        found = self._all()
        return found[pick % len(found)]

    @rule(one=_PICK, into=_PICK)
    def merge(self, one: int, into: int) -> None:
        before = self._all()
        try:
            after = self.store.triage.merge(
                TENANT, self._one(one).id, self._one(into).id, _ADA, reason="x"
            )
        except VedetteError:
            assert self._all() == before
        else:
            assert after.state is not IncidentState.CLOSED

    @rule(one=_PICK, part=_PICK)
    def split(self, one: int, part: int) -> None:
        before, chosen = self._all(), self._one(one)
        host, cause = _HOSTS[part % 3], (*chosen.causes, "none")[part % (len(chosen.causes) + 1)]
        fleet = chosen.kind is IncidentKind.FLEET
        try:
            self.store.triage.split(
                TENANT,
                chosen.id,
                _ADA,
                reason="x",
                hosts=[host] if fleet else [],
                causes=[] if fleet else [cause],
            )
        except VedetteError:
            assert self._all() == before
        else:
            assert len(self._all()) == len(before) + 1

    @rule(one=_PICK)
    def close(self, one: int) -> None:
        self.clock.advance(1)
        chosen = self._one(one)
        if chosen.state is not IncidentState.CLOSED:
            self.store.incidents.close(TENANT, chosen.id, _ADA, Resolution.BENIGN_CHANGE)

    @rule(one=_PICK)
    def reopen(self, one: int) -> None:
        before = self._all()
        try:
            self.store.triage.reopen(TENANT, self._one(one).id, _ADA, reason="x")
        except VedetteError:
            assert self._all() == before

    @rule()
    def gather(self) -> None:
        self.store.incidents.gather(gather)

    @invariant()
    def what_is_merged_ended_and_points_to_what_goes_on(self) -> None:
        found = {one.id: one for one in self._all()}
        for one in found.values():
            if one.merged_into is not None:
                assert one.state is IncidentState.CLOSED
                assert found[one.merged_into].merged_into is None

    @invariant()
    def a_fleets_has_hosts_and_only_what_is_there_has_actions(self) -> None:
        found = {one.id: one for one in self._all()}
        for one in found.values():
            parts = [part for part in found.values() if part.part_of == one.id]
            if one.kind is IncidentKind.FLEET and one.merged_into is None:
                assert parts
                assert one.hosts == len({part.host for part in parts})
        for given in self.store.actions.find(TENANT, limit=500).items:
            assert given.incident is not None
            assert found[given.incident].merged_into is None

    @invariant()
    def every_host_keeps_its_causes(self) -> None:
        for host in _HOSTS:
            known = {
                cause
                for one in self._all()
                if one.host == host and one.merged_into is None
                for cause in one.causes
            }
            assert not known or known == {"a", "b", f"c{host}"}

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.place)


Triage.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestTriage = Triage.TestCase
