"""What hosts tell each other: each telling in one version, once, and no version ever changed."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.store.make import HOST, OTHER, TENANT, apply, effect, minute

from vedette.core import HostId, ManualClock, Unavailable
from vedette.store import Applied, Store, Telling

__all__ = ["CohortsContract"]


def _cut(told: Sequence[Telling], closed: int, upto: int) -> list[Telling]:
    """Each interval's tellings put one after the other, as a version; late ones into the first that is open."""
    assert all(one.interval <= upto for one in told)
    versions: dict[tuple[int, str], bytes] = {}
    for one in told:
        key = (max(one.interval, closed + 1), one.cohort)
        versions[key] = versions.get(key, b"") + one.blob
    return [
        Telling(cohort=cohort, interval=version, blob=blob)
        for (version, cohort), blob in sorted(versions.items())
    ]


def _tell(store: Store, seq: int, interval: int, blob: bytes, cohort: str = "web") -> None:
    telling = Telling(cohort=cohort, interval=interval, blob=blob)
    host = HostId(f"host-{seq}")
    assert apply(store, effect(1, host=host, told=telling)) == [Applied.APPLIED]


def _added(store: Store, cohort: str = "web", after: int = 0, upto: int = 999) -> list[Telling]:
    return store.cohorts.added(TENANT, cohort, after=after, upto=upto)


class CohortsContract:
    """Subclasses give `url`."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        opened = Store(url, ManualClock(minute(0)))
        opened.migrate()
        yield opened
        opened.close()

    def test_a_telling_goes_into_the_version_of_its_interval(self, store: Store) -> None:
        _tell(store, 1, 10, b"a")
        _tell(store, 2, 11, b"b")
        _tell(store, 3, 10, b"c", cohort="db")
        assert _added(store) == []
        assert store.cohorts.close(TENANT, 10, _cut) == 10
        assert [(one.interval, one.blob) for one in _added(store)] == [(10, b"a")]
        assert [(one.interval, one.blob) for one in _added(store, "db")] == [(10, b"c")]
        store.cohorts.close(TENANT, 12, _cut)
        assert [(one.interval, one.blob) for one in _added(store)] == [(10, b"a"), (11, b"b")]
        assert [one.blob for one in _added(store, after=10)] == [b"b"]
        assert [one.blob for one in _added(store, upto=10)] == [b"a"]

    def test_a_version_is_never_changed(self, store: Store) -> None:
        _tell(store, 1, 10, b"a")
        store.cohorts.close(TENANT, 12, _cut)
        _tell(store, 2, 10, b"late")
        assert store.cohorts.close(TENANT, 12, _cut) == 12
        assert store.cohorts.close(TENANT, 5, _cut) == 12
        assert [one.blob for one in _added(store)] == [b"a"]
        store.cohorts.close(TENANT, 14, _cut)
        assert [(one.interval, one.blob) for one in _added(store)] == [(10, b"a"), (13, b"late")]

    def test_what_another_worker_has_judged_tells_nothing_twice(self, store: Store) -> None:
        _tell(store, 1, 10, b"a")
        again = effect(1, host=HostId("host-1"), told=Telling(cohort="web", interval=10, blob=b"a"))
        lost = effect(2, host=HostId("host-1"), told=Telling(cohort="web", interval=10, blob=b"b"))
        assert apply(store, again, lost) == [Applied.DUPLICATE, Applied.LOST]
        store.cohorts.close(TENANT, 10, _cut)
        assert [one.blob for one in _added(store)] == [b"a"]

    def test_a_closing_that_fails_leaves_everything_for_the_next(self, store: Store) -> None:
        _tell(store, 1, 10, b"a")

        def broken(told: Sequence[Telling], closed: int, upto: int) -> list[Telling]:
            raise Unavailable(f"{len(told)} from {closed} to {upto}")

        with pytest.raises(Unavailable):
            store.cohorts.close(TENANT, 10, broken)
        assert store.cohorts.close(TENANT, 10, _cut) == 10
        assert [one.blob for one in _added(store)] == [b"a"]

    def test_several_that_close_at_once_do_it_once(self, store: Store, url: str) -> None:
        for seq in range(40):
            _tell(store, seq, 10, bytes([seq]))
        stores = [Store(url, ManualClock(minute(0))) for _ in range(4)]
        barrier = threading.Barrier(len(stores))

        def close(one: Store) -> int:
            barrier.wait(timeout=30)
            return one.cohorts.close(TENANT, 10, _cut)

        with ThreadPoolExecutor(len(stores)) as pool:
            assert list(pool.map(close, stores)) == [10] * 4
        for one in stores:
            one.close()
        (version,) = _added(store)
        assert sorted(version.blob) == list(range(40))

    def test_tenants_tell_each_other_nothing(self, store: Store) -> None:
        telling = Telling(cohort="web", interval=10, blob=b"x")
        assert apply(store, effect(1, host=HOST, tenant=OTHER, told=telling)) == [Applied.APPLIED]
        store.cohorts.close(TENANT, 10, _cut)
        assert _added(store) == []
        store.cohorts.close(OTHER, 10, _cut)
        assert len(store.cohorts.added(OTHER, "web", after=0, upto=10)) == 1

    def test_what_no_version_needs_any_more_is_dropped(self, store: Store) -> None:
        _tell(store, 1, 10, b"a")
        store.cohorts.close(TENANT, 10, _cut)
        store.cohorts.close(TENANT, 10 + 2_880, _cut)
        assert [one.blob for one in _added(store)] == [b"a"]
        store.cohorts.close(TENANT, 11 + 2_880, _cut)
        assert _added(store) == []
