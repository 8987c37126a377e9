"""What people said: pardoned at once and learned, condemned never, and only where it was said."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.fixtures.fleet import UNIT, fleet, host_id, root_key
from tests.fixtures.quiet_host import START, changed, process, quiet_snapshots, quiet_tables

from vedette.app.knowing import Memory
from vedette.core import Epoch, HostId, IncidentId, Label, Saying, Snapshot
from vedette.detect import Arrival, Case, Detector, Scored
from vedette.detect.hoststate import decode_state, encode_state
from vedette.detect.pardon import Pardons

SUBJECT = "unit:exporter.service"


def said(number: int = 1, *, after: float = 50, **more: Any) -> Saying:
    """Said half a minute after so many snapshots."""
    at = START + timedelta(minutes=after, seconds=30)
    given: dict[str, Any] = {
        "number": number,
        "host": host_id(0),
        "incident": IncidentId("i"),
        "normal": True,
        "subjects": (SUBJECT,),
        "at": at,
        "until": at + timedelta(days=1),
    }
    return Saying(**(given | more))


def stepped(
    detector: Detector, snapshots: Iterator[Snapshot], *sayings: Saying
) -> dict[HostId, list[Scored]]:
    states: dict[HostId, bytes | None] = {}
    memory = Memory()
    found: dict[HostId, list[Scored]] = {}
    for snapshot in snapshots:
        host = snapshot.host.id
        about = tuple(one for one in sayings if one.host == host)
        knowledge = memory.at("web", snapshot.taken_at)
        arrival = Arrival(epoch=Epoch("e"), snapshot=snapshot, sayings=about, knowledge=knowledge)
        (scored,) = detector.step([arrival], states)
        memory.tell("web", snapshot.taken_at, scored.told)
        states[host] = scored.state
        found.setdefault(host, []).append(scored)
    return found


def alarms(scored: Sequence[Scored]) -> list[int]:
    return [at for at, one in enumerate(scored, 1) if one.label is Label.ABNORMAL]


def test_what_is_normal_here_is_silent_from_the_next_snapshot_on(detector: Detector) -> None:
    comes = {0: 41, 1: 41}
    found = stepped(detector, fleet(2, 70, comes, UNIT, only=range(2)), said(after=45))
    assert alarms(found[host_id(0)]) == list(range(41, 46))
    assert alarms(found[host_id(1)]) == list(range(41, 51))


def test_it_is_learned_and_so_stays_silent_when_it_comes_back(detector: Detector) -> None:
    def back_and_forth() -> Iterator[Snapshot]:
        for snapshot in fleet(1, 90, {0: 41}, UNIT):
            there = not 60 <= snapshot.seq < 70
            yield snapshot if there else changed(snapshot, tables=quiet_tables())

    (found,) = stepped(detector, back_and_forth(), said(after=45)).values()
    assert alarms(found) == list(range(41, 46))
    (unsaid,) = stepped(detector, back_and_forth()).values()
    assert set(alarms(unsaid)) > set(range(70, 75))


def test_even_hard_evidence_is_pardoned_by_name_only(detector: Detector) -> None:
    other = dict(UNIT) | dict(root_key())
    pardon = said(after=45, subjects=("key:/root/.ssh/authorized_keys",))
    (found,) = stepped(detector, fleet(1, 60, {0: 41}, other), pardon).values()
    assert {reason.subject for reason in found[47].reasons} == {SUBJECT}
    (found,) = stepped(detector, fleet(1, 60, {0: 41}, root_key()), pardon).values()
    assert alarms(found) == list(range(41, 46))


@pytest.mark.no_cover
def test_a_host_vouches_for_the_very_thing_to_its_cohort(detector: Detector) -> None:
    """Even for hard evidence; within minutes, whether the thing is there already or comes later."""
    subject = "key:/root/.ssh/authorized_keys"
    comes = {0: 41, 1: 41, 2: 60}
    found = stepped(
        detector,
        fleet(3, 70, comes, root_key(), only=range(3)),
        said(after=43, cohort=True, subjects=(subject,)),
    )
    seen = {number: alarms(found[host_id(number)]) for number in range(3)}
    assert seen == {0: [41, 42, 43], 1: [*range(41, 46)], 2: []}


def test_another_thing_under_the_same_name_is_not_vouched_for(detector: Detector) -> None:
    subject = "key:/root/.ssh/authorized_keys"
    other = {"authorized_keys": [root_key()["authorized_keys"][0] | {"key": "BBBB" * 16}]}

    def keys() -> Iterator[Snapshot]:
        for snapshot in fleet(2, 70, {0: 41}, root_key(), only=range(2)):
            late = snapshot.host.id == host_id(1) and snapshot.seq >= 60
            yield changed(snapshot, tables=other) if late else snapshot

    word = said(after=43, cohort=True, subjects=(subject,))
    found = stepped(detector, keys(), word)
    assert alarms(found[host_id(1)]) == list(range(60, 71))


def test_what_came_after_people_spoke_is_not_vouched_for(detector: Detector) -> None:
    """The host is in other hands and shows something else under the name by the time that it hears."""
    subject = "key:/root/.ssh/authorized_keys"
    word = said(after=43, cohort=True, subjects=(subject,))
    found = stepped(detector, fleet(2, 70, {0: 44, 1: 60}, root_key(), only=range(2)), word)
    assert alarms(found[host_id(1)]) == list(range(60, 71))


def test_a_process_that_people_called_normal_is_learned(detector: Detector) -> None:
    def odd() -> Iterator[Snapshot]:
        tables = quiet_tables()
        tables["processes"].append(process(900, 1, "x", "/tmp/.x/x", "/tmp/.x/x -c"))
        for snapshot in quiet_snapshots(70, host=host_id(0)):
            there = snapshot.seq > 40 and not 55 <= snapshot.seq < 63
            yield changed(snapshot, tables=tables) if there else snapshot

    (found,) = stepped(detector, odd(), said(subjects=("process:/tmp/.x/x",))).values()
    assert alarms(found) == list(range(41, 51))


@pytest.mark.no_cover
def test_a_metric_at_a_new_height_is_pardoned_while_it_lasts(detector: Detector) -> None:
    def busy() -> Iterator[Snapshot]:
        for snapshot in quiet_snapshots(160, host=host_id(0)):
            high = {"system.memory.utilization": 0.93}
            yield changed(snapshot, metrics=high) if snapshot.seq > 60 else snapshot

    (alone,) = stepped(detector, busy()).values()
    onset = alarms(alone)
    assert onset
    word = said(after=onset[0] + 3, subjects=("metric:system.memory.utilization",))
    (found,) = stepped(detector, busy(), word).values()
    assert alarms(found) == [at for at in onset if at <= onset[0] + 3]


def test_what_was_really_abnormal_is_never_learned_by_itself(detector: Detector) -> None:
    inventory: Any = detector.experts["inventory"]

    def life(*sayings: Saying) -> bool:
        found = stepped(detector, fleet(1, 44, {0: 41}, UNIT), *sayings)
        state = decode_state(found[host_id(0)][-1].state, detector.experts)
        for case in state.experts["inventory"].open.values():
            case.age = 1_439
        state.kept["inventory"] = inventory.dump(state.experts["inventory"])
        (last,) = list(fleet(1, 45, {0: 41}, UNIT))[-1:]
        arrival = Arrival(epoch=Epoch("e"), snapshot=last)
        (after,) = detector.step([arrival], {host_id(0): encode_state(state)})
        opened = decode_state(after.state, detector.experts).experts["inventory"].open
        return SUBJECT in {case.subject for case in opened.values()}

    assert not life()
    assert life(said(after=42, normal=False))
    assert life(said(1, after=42), said(2, after=42, normal=False))


def test_the_last_word_counts() -> None:
    host, at = host_id(0), said().at + timedelta(minutes=1)
    heard = Pardons().hear([said(2, normal=False), said(1, cohort=True)], host, at)
    assert (heard.pardons(SUBJECT), heard.condemns(SUBJECT)) == (False, True)
    assert not heard.vouched
    pardons = Pardons()
    assert pardons.hear([said(1)], host, at).pardons(SUBJECT)
    later = pardons.hear([said(1), said(2, normal=False)], host, at)
    assert (later.pardons(SUBJECT), later.condemns(SUBJECT)) == (False, True)
    again = pardons.hear([said(1), said(2, normal=False)], host, at)
    assert (again.pardons(SUBJECT), again.condemns(SUBJECT)) == (False, False)


def test_a_host_hears_a_word_once_and_not_before_its_time() -> None:
    host = host_id(0)
    pardons = Pardons()
    assert not pardons.hear([said()], host, said().at).pardoned
    assert pardons.hear([said()], host, said().at + timedelta(seconds=1)).pardoned
    for _ in range(3):
        pardons.keep([])
    assert not pardons.hear([said()], host, said().at + timedelta(minutes=9)).pardoned


def test_a_pardon_lasts_while_its_thing_does_and_a_day_at_most() -> None:
    case = Case(expert="x", subject=SUBJECT, nats=1.0, text="")
    pardons = Pardons()
    pardons.hear([said()], host_id(0), said().at + timedelta(seconds=1))
    for at in range(1_439):
        pardons.keep([case] if at % 3 == 0 else [])
        assert pardons.live
    pardons.keep([case])
    assert not pardons.live


def test_what_a_host_hears_is_bounded() -> None:
    pardons = Pardons()
    moment: datetime = said().at + timedelta(seconds=1)
    for number in range(1, 20):
        many = tuple(f"s{number}-{one}" for one in range(60))
        pardons.hear([said(number, subjects=many)], host_id(0), moment)
    assert len(pardons.live) == 64
