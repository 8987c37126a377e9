"""Quotas of a day: what fits is counted, what does not is told when to come."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core import Throttled
from vedette.ingest import QuotaBounds, Usage, day_of
from vedette.ingest.quota import Quotas

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _used(size: int, *, host: str = "h", snapshots: int = 1) -> Usage:
    return Usage(tenant="t", host=host, snapshots=snapshots, size=size)


@given(sizes=st.lists(st.integers(0, 100), max_size=30), limit=st.integers(1, 500))
def test_what_is_accepted_never_exceeds_the_bound(sizes: list[int], limit: int) -> None:
    quotas = Quotas(QuotaBounds(host_bytes=limit), (), NOON)
    accepted = 0
    for size in sizes:
        try:
            quotas.check("t", "h", size, NOON)
        except Throttled as error:
            assert (accepted + size > limit, error.retry_after) == (True, 12 * 3600)  # noqa: PT017 - either may be
            continue
        quotas.count(_used(size), NOON)
        accepted += size
    assert accepted <= limit


def test_a_tenants_bound_is_over_all_its_hosts_and_no_other_tenants() -> None:
    quotas = Quotas(QuotaBounds(tenant_snapshots=2), (), NOON)
    for host in ("a", "b"):
        quotas.check("t", host, 1, NOON)
        quotas.count(_used(1, host=host), NOON)
    with pytest.raises(Throttled, match="tenant snapshots"):
        quotas.check("t", "c", 1, NOON)
    quotas.check("u", "c", 1, NOON)


def test_what_was_accepted_before_a_restart_counts() -> None:
    quotas = Quotas(QuotaBounds(host_snapshots=5), [_used(9, snapshots=5)], NOON)
    with pytest.raises(Throttled):
        quotas.check("t", "h", 1, NOON)


def test_a_clock_that_is_set_back_opens_no_quota_again() -> None:
    quotas = Quotas(QuotaBounds(host_snapshots=1), (), NOON)
    quotas.count(_used(1), NOON)
    with pytest.raises(Throttled):
        quotas.check("t", "h", 1, NOON - timedelta(days=2))


def test_what_was_counted_under_a_clock_that_ran_ahead_renews_tomorrow() -> None:
    quotas = Quotas(QuotaBounds(host_snapshots=1), (), NOON)
    quotas.check("t", "h", 1, NOON + timedelta(days=400))
    quotas.count(_used(1), NOON)
    with pytest.raises(Throttled) as refused:
        quotas.check("t", "h", 1, NOON)
    assert refused.value.retry_after == 12 * 3600
    quotas.check("t", "h", 1, NOON + timedelta(hours=12))


def test_a_day_is_one_in_utc() -> None:
    east = datetime.fromisoformat("2026-03-02T01:00:00+03:00")
    assert day_of(east) == datetime(2026, 3, 1, tzinfo=UTC)
