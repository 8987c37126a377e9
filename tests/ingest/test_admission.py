"""Spooled snapshots come in at a rate that the detector sets; live ones always do."""

from collections import Counter
from dataclasses import dataclass
from heapq import heappop, heappush

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.core import Throttled
from vedette.ingest import Flow, IngestSettings
from vedette.ingest.admission import Admission, allowed_rate

_BOUNDS = IngestSettings()
_OLD = 7_200.0


def _old(
    admission: Admission, host: str, now: float, flow: Flow, tenant: str = "t"
) -> tuple[bool, float]:
    """Whether it was let in, and the seconds that its sender is told to wait."""
    try:
        return True, admission.admit(tenant, host, lag=_OLD, now=now, flow=flow).pace
    except Throttled as error:
        return False, error.retry_after or 0.0


def _aged(hosts: int, flow: Flow) -> Admission:
    """One that has seen each host once: its first snapshot is taken for live, as a steady host's would be."""
    admission = Admission(_BOUNDS)
    for number in range(hosts):
        admission.admit("t", f"h{number}", lag=_OLD, now=0.0, flow=flow)
    return admission


def test_a_live_snapshot_always_comes_in_and_is_not_paced() -> None:
    admission = Admission(_BOUNDS)
    flow = Flow(depth=1_000_000, completed=0.0)
    for second in range(100):
        admitted = admission.admit("t", "h", lag=179.0, now=float(second), flow=flow)
        assert (admitted.behind, admitted.pace) == (False, 0.0)


def test_a_host_whose_clock_is_hours_behind_is_live_while_it_keeps_its_interval() -> None:
    admission = Admission(_BOUNDS)
    for minute in range(10):
        admitted = admission.admit("t", "h", lag=_OLD, now=minute * 61.0, flow=Flow())
        assert not admitted.behind


def test_whoever_works_off_a_spool_is_not_live_once_an_interval() -> None:
    admission = _aged(1, Flow(completed=50.0))
    now, behind = 1.0, []
    while now < 200.0:
        admitted = admission.admit("t", "h0", lag=_OLD, now=now, flow=Flow(completed=50.0))
        behind.append(admitted.behind)
        now += max(admitted.pace, 0.5)
    assert all(behind)
    # Done with it, the host goes on at its own pace, with its clock as wrong as before.
    later = admission.admit("t", "h0", lag=_OLD, now=now + 61.0, flow=Flow(completed=50.0))
    assert not later.behind


def test_a_full_queue_halves_the_rate_and_does_not_end_it() -> None:
    assert allowed_rate(Flow(depth=10_000, completed=100.0), 20.0, _BOUNDS) == pytest.approx(40.0)


def test_the_rate_doubles_while_the_detector_keeps_up_and_settles_at_what_it_can_do() -> None:
    assert allowed_rate(Flow(depth=0, completed=100.0), 0.0, _BOUNDS) == pytest.approx(200.0)
    full = Flow(depth=200, completed=100.0)
    assert allowed_rate(full, 0.0, _BOUNDS) == pytest.approx(100.0)
    assert allowed_rate(full, 30.0, _BOUNDS) == pytest.approx(70.0)


@given(
    depth=st.integers(0, 10**6),
    completed=st.floats(0, 10**4),
    live=st.floats(0, 10**4),
)
def test_what_is_old_always_has_a_share_and_never_more_than_twice_what_is_completed(
    depth: int, completed: float, live: float
) -> None:
    rate = allowed_rate(Flow(depth=depth, completed=completed), live, _BOUNDS)
    least = max(_BOUNDS.least_rate, _BOUNDS.least_share * completed)
    assert least <= rate <= max(2.0 * completed, least)


@given(
    hosts=st.integers(1, 40),
    completed=st.floats(1, 100),
    depth=st.integers(0, 300),
    late=st.floats(0, 2),
)
@settings(max_examples=40, deadline=None)
def test_senders_that_obey_are_let_in_at_the_rate_and_refused_once_at_most(
    hosts: int, completed: float, depth: int, late: float
) -> None:
    flow = Flow(depth=depth, completed=completed)
    admission = _aged(hosts, flow)
    start, seconds = 30.0, 20.0
    waiting = [(start, number) for number in range(hosts)]
    refused: Counter[int] = Counter()
    admitted = 0
    while waiting and waiting[0][0] < start + seconds:
        now, number = heappop(waiting)
        let_in, wait = _old(admission, f"h{number}", now, flow)
        admitted += let_in
        refused[number] += not let_in
        heappush(waiting, (now + wait + (0.0 if let_in else late), number))
    # Live ones are over: each host's first one lies six time constants back.
    rate = allowed_rate(flow, 0.0, _BOUNDS)
    assert admitted <= rate * seconds + hosts + 1
    assert max(refused.values()) <= 1
    # And nobody waits for ever: what the rate allows is used, but for the first wait and what comes late.
    assert admitted >= min(hosts, int(rate * (seconds - 3.0) / 2))


@given(hosts=st.integers(2, 60), completed=st.floats(0, 500))
def test_retry_after_is_until_the_slot_and_at_most_a_fifth_more(
    hosts: int, completed: float
) -> None:
    flow = Flow(completed=completed)
    admission = _aged(hosts, flow)
    now = 30.0
    told = [_old(admission, f"h{number}", now, flow) for number in range(hosts)]
    gap = 1.0 / allowed_rate(flow, 0.0, _BOUNDS)
    # Each that was let in has taken two slots, its own and its next one.
    slots = 0
    for let_in, seconds in told:
        if let_in:
            slots += 2
        else:
            assert slots * gap - 0.1 <= seconds <= slots * gap * 1.2 + 0.1
            slots += 1


def test_one_that_comes_before_its_slot_is_sent_away_until_then() -> None:
    flow = Flow(depth=1_000, completed=0.0)
    admission = _aged(1, flow)
    for place in range(20):
        _old(admission, f"other{place}", 30.0, flow)
        _old(admission, f"other{place}", 30.0, flow)
    let_in, first = _old(admission, "h0", 30.0, flow)
    assert not let_in
    let_in, rest = _old(admission, "h0", 30.0 + first / 2, flow)
    assert not let_in
    assert rest <= first
    assert _old(admission, "h0", 30.0 + first, flow)[0]


def test_one_that_waits_may_come_sooner_once_the_rate_has_risen() -> None:
    slow, fast = Flow(depth=0, completed=0.0), Flow(depth=0, completed=200.0)
    admission = _aged(1_000, slow)
    told = [_old(admission, f"h{number}", 30.0, slow)[1] for number in range(1_000)]
    # Ten a second is all that was known of at first.
    assert 60.0 < told[-1] <= _BOUNDS.max_retry_seconds * 1.2
    assert not _old(admission, "h900", 31.0, fast)[0]
    assert _old(admission, "h900", 33.0, fast)[0]


def test_one_that_comes_when_it_was_told_is_let_in_though_the_rate_has_fallen() -> None:
    fast, slow = Flow(depth=0, completed=200.0), Flow(depth=1_000, completed=0.0)
    admission = _aged(400, fast)
    told = [_old(admission, f"h{number}", 30.0, fast)[1] for number in range(400)]
    assert _old(admission, "h399", 30.0 + told[-1], slow)[0]


def test_tenants_share_the_rate_however_many_hosts_each_has() -> None:
    @dataclass
    class Side:
        due: dict[str, float]
        let_in: int = 0

    flow = Flow(depth=0, completed=20.0)
    admission = Admission(_BOUNDS)
    sides = {
        "big": Side({f"b{n}": 0.0 for n in range(30)}),
        "small": Side({f"s{n}": 0.0 for n in range(3)}),
    }
    for tenant, side in sides.items():
        for host in side.due:
            admission.admit(tenant, host, lag=_OLD, now=0.0, flow=flow)
    for tick in range(400):
        now = 20.0 + tick * 0.05
        for tenant, side in sides.items():
            for host, when in side.due.items():
                if when <= now:
                    let_in, wait = _old(admission, host, now, flow, tenant)
                    side.let_in += let_in
                    side.due[host] = now + wait
    big, small = sides["big"].let_in, sides["small"].let_in
    assert small > 0.7 * big
