"""What people said of incidents: kept with who and why, told in order, to whom it is about."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.store.make import HOST, TENANT, apply, effect, incident, minute, opened

from vedette.core import HostId, Incident, Label, ManualClock, Reason, Resolution, Saying
from vedette.store import Applied, Store

__all__ = ["SayingsContract"]

PERSON = "user:ann"


def _open(store: Store) -> Incident:
    one = incident(
        causes=("unit:a", "unit:b"),
        reasons=(
            Reason(expert="inventory", subject="unit:c", text="c"),
            Reason(expert="judge", subject="young", text="young"),
        ),
    )
    alarm = effect(1, Label.ABNORMAL, incidents=(one,), events=(opened(one),))
    assert apply(store, alarm) == [Applied.APPLIED]
    return one


def _said(store: Store, *, host: HostId = HOST, since: float = 2) -> list[Saying]:
    return list(store.sayings.of(TENANT, [host], since=minute(since)))


class SayingsContract:
    """Subclasses give `url`."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        opened_store = Store(url, ManualClock(minute(2)))
        opened_store.migrate()
        yield opened_store
        opened_store.close()

    @pytest.mark.parametrize(
        ("resolution", "normal"),
        [
            (Resolution.BENIGN_CHANGE, True),
            (Resolution.FALSE_POSITIVE, True),
            (Resolution.TRUE_POSITIVE, False),
        ],
    )
    def test_who_closes_an_incident_says_what_its_subjects_are(
        self, store: Store, resolution: Resolution, *, normal: bool
    ) -> None:
        one = _open(store)
        store.incidents.close(TENANT, one.id, PERSON, resolution, "we deployed it")
        (said,) = _said(store)
        assert (said.normal, said.subjects) == (normal, ("unit:a", "unit:b", "unit:c"))
        assert (said.author, said.reason, said.incident) == (PERSON, "we deployed it", one.id)
        assert (said.at, said.cohort) == (minute(2), False)
        assert store.sayings.find(TENANT).items == (said,)
        assert store.sayings.find(TENANT, host=HOST).items == (said,)
        assert store.sayings.find(TENANT, host=HostId("else")).items == ()
        (entry,) = store.audit.find(
            TENANT, action=f"incident.said_{'normal' if normal else 'abnormal'}"
        ).items
        assert (entry.actor, entry.reason, entry.subject) == (PERSON, "we deployed it", one.id)
        assert entry.data["subjects"] == list(said.subjects)

    def test_it_is_said_after_the_hosts_last_snapshot_by_its_own_clock(self, store: Store) -> None:
        one = _open(store)
        first = effect(1, Label.ABNORMAL).result
        ahead = effect(30, expected=first)
        assert apply(store, ahead) == [Applied.APPLIED]
        store.incidents.close(TENANT, one.id, PERSON, Resolution.BENIGN_CHANGE)
        (said,) = _said(store)
        assert said.at == minute(30) + timedelta(microseconds=1)

    def test_what_holds_for_a_cohort_says_so_and_is_heard_by_the_host(self, store: Store) -> None:
        one = _open(store)
        store.incidents.close(TENANT, one.id, PERSON, Resolution.BENIGN_CHANGE, "x", cohort=True)
        (said,) = _said(store)
        assert said.cohort
        assert _said(store, host=HostId("another")) == []
        (entry,) = store.audit.find(TENANT, action="incident.said_normal").items
        assert entry.data["cohort"] is True

    def test_what_was_said_is_over_in_time(self, store: Store) -> None:
        one = _open(store)
        store.incidents.close(TENANT, one.id, PERSON, Resolution.BENIGN_CHANGE)
        week = 7 * 24 * 60
        assert len(_said(store, since=2 + week)) == 1
        assert _said(store, since=3 + week) == []
