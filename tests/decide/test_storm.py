"""What is gathered into a fleet's incident, and what is told in its hosts' place."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.make import START, TENANT, reason

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Gathered,
    HostId,
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    Mode,
    Resolution,
    Severity,
    Spread,
    Storm,
    VerdictId,
)
from vedette.decide import gather

CAUSE = "cron:/etc/cron.d/x"


def incident(number: int, **more: Any) -> Incident:
    """Of one host, opened that many seconds after the start."""
    at = START + timedelta(seconds=number)
    base: dict[str, Any] = {
        "id": IncidentId(f"i{number:04d}"),
        "tenant": TENANT,
        "host": HostId(f"h{number:04d}"),
        "hostname": f"web-{number}",
        "state": IncidentState.OPEN,
        "title": f"web-{number}: a new cron job",
        "severity": Severity.MEDIUM,
        "causes": (CAUSE,),
        "reasons": (reason(CAUSE, text="a new cron job"),),
        "opened_at": at,
        "first_verdict": VerdictId(f"v{number}"),
        "last_abnormal_at": at,
        "verdicts": 2,
        "peak_score": 0.5 + number / 10_000,
        "model": "sha256:m",
    }
    return Incident(**(base | more))


def mail(of: Incident, **more: Any) -> Action:
    """A notification that waits."""
    base: dict[str, Any] = {
        "id": ActionId(f"mail-{of.id}"),
        "tenant": TENANT,
        "incident": of.id,
        "host": of.host,
        "policy": "tell",
        "policy_version": "sha256:p",
        "kind": "mail",
        "mode": Mode.AUTO,
        "dry_run": False,
        "state": ActionState.PROPOSED,
        "parameters": {"to": ["@owner"]},
        "proposed_at": of.opened_at,
        "expires_at": of.opened_at + timedelta(days=7),
        "updated_at": of.opened_at,
        "gather_seconds": 15.0,
        "wake_at": of.opened_at + timedelta(seconds=15),
    }
    return Action(**(base | more))


def spread(*loose: Incident, fleet: int = 100, tell: bool = True, **more: Any) -> Spread:
    base: dict[str, Any] = {
        "tenant": TENANT,
        "at": START + timedelta(minutes=5),
        "fleet": fleet,
        "cohorts": {"web": fleet},
        "roles": {one.host: "web" for one in loose},
        "loose": loose,
        "waiting": tuple(mail(one) for one in loose) if tell else (),
    }
    return Spread(**(base | more))


def many(count: int, **more: Any) -> tuple[Incident, ...]:
    return tuple(incident(number, **more) for number in range(count))


def after(before: Spread, got: Gathered, **more: Any) -> Spread:
    """The tenant once that is written."""
    (storm,) = got.incidents
    members = tuple(
        msgspec.structs.replace(one, part_of=got.joined[one.id])
        for one in before.loose
        if one.id in got.joined
    )
    base: dict[str, Any] = {
        "loose": tuple(one for one in before.loose if one.id not in got.joined),
        "storms": (Storm(incident=storm, members=members, told=got.actions),),
        "waiting": (),
    }
    return msgspec.structs.replace(before, **(base | more))


def test_ten_hosts_are_no_storm_and_eleven_are() -> None:
    assert gather(spread(*many(10))) == Gathered()
    got = gather(spread(*many(11)))
    (storm,) = got.incidents
    assert (storm.kind, storm.host, storm.hosts, storm.state) == (
        IncidentKind.FLEET,
        None,
        11,
        IncidentState.OPEN,
    )
    assert storm.title == "11 hosts: a new cron job"
    assert (storm.opened_at, storm.last_abnormal_at) == (START, START + timedelta(seconds=10))
    assert (storm.verdicts, storm.peak_score, storm.causes) == (22, 0.501, (CAUSE,))
    assert set(got.joined.values()) == {storm.id}
    assert len(got.joined) == 11
    assert [event.kind for event in got.events] == ["opened", *["gathered"] * 11]


def _shut(number: int, days: float, **more: Any) -> Incident:
    """A fleet's incident that was closed so long before the start."""
    at = START - timedelta(days=days)
    base = {"host": None, "kind": IncidentKind.FLEET, "state": IncidentState.CLOSED}
    return incident(number, **(base | {"closed_at": at} | more))


@pytest.mark.parametrize(
    ("closed", "seen_before"),
    [
        ((), None),
        ((_shut(901, 29), _shut(902, 2), _shut(903, 5)), "i0902"),
        ((_shut(901, 31),), None),
        ((_shut(901, 1, causes=("port:1",)), _shut(902, 9, causes=(CAUSE, "port:1"))), "i0902"),
        ((_shut(901, 1, causes=()),), None),
    ],
)
def test_it_names_the_one_of_its_cause_that_was_closed_last(
    closed: tuple[Incident, ...], seen_before: str | None
) -> None:
    (storm,) = gather(spread(*many(11), closed=closed)).incidents
    assert storm.seen_before == seen_before


def test_without_a_cause_it_names_the_one_by_the_same_model() -> None:
    ones = tuple(incident(n, causes=(f"port:{n}",)) for n in range(30))
    closed = (_shut(901, 1), _shut(902, 1, causes=(), model="sha256:n"), _shut(903, 9, causes=()))
    (storm,) = gather(spread(*ones, closed=closed)).incidents
    assert storm.seen_before == "i0903"
    (other,) = gather(spread(*ones, closed=closed[:2])).incidents
    assert other.seen_before is None


def test_of_a_large_fleet_it_takes_a_tenth_or_thirty() -> None:
    assert gather(spread(*many(19), fleet=200)) == Gathered()
    assert gather(spread(*many(20), fleet=200)).incidents
    assert gather(spread(*many(29), fleet=9_000)) == Gathered()
    assert gather(spread(*many(30), fleet=9_000)).incidents


def test_a_cohort_is_ill_although_the_fleet_is_not() -> None:
    ill = spread(*many(12), fleet=5_000)
    assert gather(ill) == Gathered()
    assert gather(msgspec.structs.replace(ill, cohorts={"web": 100})).incidents
    nameless = msgspec.structs.replace(ill, cohorts={"": 100}, roles={})
    assert gather(nameless) == Gathered()


def test_many_incidents_of_one_host_are_no_storm() -> None:
    ones = many(40, host=HostId("h"))
    assert gather(spread(*ones)) == Gathered()


def test_what_comes_slowly_is_no_storm() -> None:
    slow = tuple(
        incident(n, opened_at=START + timedelta(minutes=n), last_abnormal_at=START)
        for n in range(40)
    )
    assert gather(spread(*slow, fleet=400)) == Gathered()


def test_without_a_cause_in_common_the_model_is_what_they_share() -> None:
    ones = tuple(incident(n, causes=(f"port:{n}",)) for n in range(30))
    got = gather(spread(*ones))
    (storm,) = got.incidents
    assert (storm.causes, storm.model, storm.hosts) == ((), "sha256:m", 30)
    assert storm.title == "30 hosts: abnormal at once, without a cause in common"


def test_one_notification_stands_for_all_and_says_why_the_others_are_not_sent() -> None:
    before = spread(*many(500), fleet=500)
    got = gather(before)
    (told,) = got.actions
    (storm,) = got.incidents
    assert (told.incident, told.host, told.trigger, told.kind) == (storm.id, None, "opened", "mail")
    assert told.about is not None
    assert (told.about.count, told.about.fleet, len(told.about.hosts)) == (500, 500, 10)
    assert (told.gather_seconds, told.wake_at) == (0.0, None)
    assert len(got.refused) == 500
    assert all(f"{storm.id} of 500 hosts tells" in why for _, why in got.refused)


def test_different_policies_tell_each_their_own() -> None:
    ones = many(20)
    waiting = tuple(mail(one) for one in ones) + tuple(
        mail(one, id=ActionId(f"other-{one.id}"), policy="other") for one in ones
    )
    got = gather(msgspec.structs.replace(spread(*ones), waiting=waiting))
    assert sorted(action.policy for action in got.actions) == ["other", "tell"]
    assert len({action.id for action in got.actions}) == 2


def test_what_is_gathered_stays_so_and_nothing_new_gives_nothing() -> None:
    before = spread(*many(40))
    assert gather(after(before, gather(before))) == Gathered()


def test_later_hosts_join_and_are_told_of_only_when_they_doubled_and_not_at_once() -> None:
    before = spread(*many(20))
    first = gather(before)
    late = tuple(incident(100 + n) for n in range(30))
    grown = after(before, first, loose=late, waiting=tuple(mail(one) for one in late))
    second = gather(grown)
    assert set(second.joined) == {one.id for one in late}
    assert len(second.refused) == 30
    assert second.actions == ()
    later = msgspec.structs.replace(grown, at=grown.at + timedelta(minutes=5))
    (told,) = gather(later).actions
    assert told.trigger == "grew"
    assert told.about is not None
    assert told.about.count == 50
    assert told.id != first.actions[0].id
    few = msgspec.structs.replace(later, loose=late[:10])
    assert gather(few).actions == ()


def test_what_is_worse_than_the_storm_is_told_at_once() -> None:
    before = spread(*many(20))
    worse = incident(100, severity=Severity.CRITICAL)
    got = gather(after(before, gather(before), loose=(worse,), waiting=(mail(worse),)))
    (storm,) = got.incidents
    assert storm.severity is Severity.CRITICAL
    assert [action.trigger for action in got.actions] == ["raised"]
    assert "raised" in [event.kind for event in got.events]


def test_another_cause_does_not_join() -> None:
    before = spread(*many(20))
    other = incident(100, causes=("port:1",))
    assert (
        gather(after(before, gather(before), loose=(other,), waiting=(mail(other),))) == Gathered()
    )


@pytest.mark.parametrize(("minutes", "joins"), [(9, True), (11, False)])
def test_only_what_is_near_the_last_of_them_joins(minutes: int, joins: bool) -> None:
    before = spread(*many(20))
    one = incident(100, opened_at=START + timedelta(seconds=19, minutes=minutes))
    got = gather(after(before, gather(before), loose=(one,)))
    assert bool(got.joined) is joins


def test_what_only_the_model_has_in_common_is_not_gathered_for_ever() -> None:
    ones = tuple(
        incident(n, causes=(f"port:{n}",), opened_at=START + timedelta(minutes=n / 10))
        for n in range(30)
    )
    before = spread(*ones)
    state = after(before, gather(before))
    for hop in range(1, 9):
        new = incident(
            1000 + hop,
            causes=(f"port:x{hop}",),
            opened_at=START + timedelta(minutes=3 + 9 * hop),
        )
        got = gather(msgspec.structs.replace(state, loose=(new,)))
        assert bool(got.joined) is (3 + 9 * hop <= 60)
        if not got.joined:
            return
        (storm,) = state.storms
        state = msgspec.structs.replace(
            state,
            storms=(
                Storm(incident=got.incidents[0], members=(*storm.members, new), told=storm.told),
            ),
        )
    pytest.fail("it gathered for ever")


def test_what_is_told_of_a_member_later_is_refused_too() -> None:
    before = spread(*many(20))
    got = gather(before)
    raised = mail(before.loose[3], id=ActionId("raised"), trigger="raised")
    state = after(before, got, waiting=(raised,), parts=dict(got.joined))
    later = gather(state)
    assert [ident for ident, _ in later.refused] == ["raised"]
    assert later.actions == ()
    over = gather(msgspec.structs.replace(state, storms=()))
    assert [ident for ident, _ in over.refused] == ["raised"]


def test_a_storm_grows_quiet_opens_again_and_ends_with_its_hosts() -> None:
    before = spread(*many(20))
    state = after(before, gather(before))
    (storm,) = state.storms

    def turned(**changes: Any) -> Gathered:
        nonlocal state
        members = tuple(msgspec.structs.replace(one, **changes) for one in storm.members)
        state = msgspec.structs.replace(
            state, storms=(Storm(incident=state.storms[0].incident, members=members),)
        )
        got = gather(state)
        state = msgspec.structs.replace(
            state, storms=(Storm(incident=got.incidents[0], members=members),)
        )
        return got

    at = START + timedelta(minutes=30)
    quiet = turned(state=IncidentState.QUIET, quiet_since=at)
    assert quiet.incidents[0].state is IncidentState.QUIET
    assert quiet.incidents[0].quiet_since == at
    again = turned(state=IncidentState.OPEN, quiet_since=None)
    assert again.incidents[0].state is IncidentState.OPEN
    assert [event.kind for event in again.events] == ["reopened"]
    closed = turned(state=IncidentState.CLOSED, closed_at=at, resolution=Resolution.FALSE_POSITIVE)
    assert closed.incidents[0].resolution is Resolution.FALSE_POSITIVE
    assert closed.incidents[0].closed_at == at
    assert [event.kind for event in closed.events] == ["closed"]


def test_what_its_hosts_disagree_on_is_said_of_no_storm() -> None:
    before = spread(*many(20))
    (storm,) = after(before, gather(before)).storms
    members = tuple(
        msgspec.structs.replace(
            one,
            state=IncidentState.CLOSED,
            closed_at=START,
            resolution=Resolution.TRUE_POSITIVE if n else Resolution.BENIGN_CHANGE,
        )
        for n, one in enumerate(storm.members)
    )
    got = gather(
        msgspec.structs.replace(
            before, loose=(), waiting=(), storms=(Storm(incident=storm.incident, members=members),)
        )
    )
    assert got.incidents[0].resolution is Resolution.EXPIRED


def test_a_cause_without_words_names_itself() -> None:
    got = gather(spread(*many(20, reasons=())))
    assert got.incidents[0].title == f"20 hosts: {CAUSE}"


@given(
    offsets=st.lists(st.integers(0, 3_000), max_size=60, unique=True),
    causes=st.lists(st.sampled_from(["a", "b", "c"]), min_size=60, max_size=60),
    order=st.randoms(use_true_random=False),
)
def test_the_order_in_which_incidents_are_given_changes_nothing(
    offsets: list[int], causes: list[str], order: Any
) -> None:
    ones = [incident(n, causes=(cause,)) for n, cause in zip(offsets, causes, strict=False)]
    straight = gather(spread(*ones))
    order.shuffle(ones)
    mixed = gather(spread(*ones))
    assert mixed.incidents == straight.incidents
    assert mixed.joined == straight.joined
    for storm in straight.incidents:
        assert sum(home == storm.id for home in straight.joined.values()) == storm.hosts > 10
    refused = {ident for ident, _ in straight.refused}
    assert refused == {ActionId(f"mail-{one}") for one in straight.joined}
