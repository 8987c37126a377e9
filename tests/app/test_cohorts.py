"""Roll-out, lone change, worm: the same fact on many hosts, told apart."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import pytest
from tests.fixtures.fleet import ACCOUNT, NAMES, PAM, SSH, UNIT, fleet, host_id, key, root_key

from vedette.app.replay import Replay
from vedette.core import HostId, Label, Row, Severity, Snapshot, Verdict

HOSTS, COUNT = 20, 75
PLANTED = {"unit": UNIT, "key": key(), "account": ACCOUNT, "login rules": PAM, "ssh": SSH}


def verdicts(snapshots: Iterable[Snapshot], batch: int = 256) -> Mapping[HostId, list[Verdict]]:
    found: dict[HostId, list[Verdict]] = defaultdict(list)
    for judged, _ in Replay(batch=batch).run(snapshots):
        found[judged.verdict.host].append(judged.verdict)
    return found


def alarms(found: Mapping[HostId, list[Verdict]]) -> dict[int, list[int]]:
    """The snapshots called abnormal, by the number of the host."""
    return {
        number: [v.seq for v in found[host_id(number)] if v.label is Label.ABNORMAL]
        for number in range(HOSTS)
    }


def waves(hosts: int, each: int = 2) -> dict[int, int]:
    """The same thing on so many hosts, `each` of them every five minutes."""
    return {number: 41 + 5 * (number // each) for number in range(hosts)}


@pytest.mark.no_cover
def test_a_roll_out_asks_on_its_first_hosts_only() -> None:
    found = verdicts(fleet(HOSTS, COUNT, waves(14), NAMES))
    asked = alarms(found)
    assert [number for number, seqs in asked.items() if seqs] == [0, 1, 2, 3]
    # And what asked falls silent after ten snapshots, or once the roll-out is seen as one, and stays so when it is over.
    assert {number: seqs[-1] for number, seqs in asked.items() if seqs} == {
        0: 50,
        1: 50,
        2: 55,
        3: 55,
    }


@pytest.mark.no_cover
def test_a_lone_change_asks_for_ten_snapshots() -> None:
    asked = alarms(verdicts(fleet(HOSTS, COUNT, {3: 41}, UNIT)))
    assert {number: len(seqs) for number, seqs in asked.items() if seqs} == {3: 10}


@pytest.mark.no_cover
def test_who_owns_an_eighth_of_a_cohort_excuses_nothing() -> None:
    comes = {0: 41, 1: 41, 2: 60}
    asked = alarms(verdicts(fleet(HOSTS, COUNT, comes, NAMES)))
    assert {number: seqs[0] for number, seqs in asked.items() if seqs} == comes


@pytest.mark.no_cover
@pytest.mark.parametrize("what", PLANTED.values(), ids=PLANTED)
def test_what_lets_in_or_stays_asks_on_every_host_when_nobody_is_seen_who_does_it(
    what: Mapping[str, list[Row]],
) -> None:
    found = verdicts(fleet(HOSTS, COUNT, waves(14), what))
    asked = alarms(found)
    assert {number: seqs[0] for number, seqs in asked.items() if seqs} == waves(14)
    last = [v for v in found[host_id(13)] if v.label is Label.ABNORMAL]
    assert {v.severity for v in last} == {Severity.MEDIUM}
    assert (
        last[0]
        .reasons[0]
        .text.endswith("; also on 12 other hosts within 31 minutes, and nobody was seen who did it")
    )


@pytest.mark.no_cover
def test_a_key_that_a_managing_tool_rolls_out_asks_on_its_first_hosts_only() -> None:
    """Its run is seen on every third host."""
    stream = fleet(HOSTS, COUNT, waves(14), key(), managed=range(0, HOSTS, 3))
    asked = alarms(verdicts(stream))
    assert [number for number, seqs in asked.items() if seqs] == [0, 1, 2, 3, 4, 5]


@pytest.mark.no_cover
def test_a_unit_that_a_managing_tool_makes_asks_nowhere_but_where_the_run_was_not_seen() -> None:
    stream = fleet(HOSTS, COUNT, waves(14), UNIT, managed=range(0, HOSTS, 3))
    asked = alarms(verdicts(stream))
    assert [number for number, seqs in asked.items() if seqs] == [1, 2]


def test_one_run_of_a_tool_by_chance_beside_a_worm_excuses_nothing() -> None:
    asked = alarms(verdicts(fleet(HOSTS, COUNT, waves(14), key(), managed={2})))
    assert {number: seqs[0] for number, seqs in asked.items() if seqs} == waves(14)


def test_a_worm_is_not_excused_but_told() -> None:
    found = verdicts(fleet(HOSTS, COUNT, waves(14), root_key()))
    asked = alarms(found)
    assert {number: seqs[0] for number, seqs in asked.items() if seqs} == waves(14)
    first = next(v for v in found[host_id(0)] if v.label is Label.ABNORMAL)
    last = next(v for v in found[host_id(13)] if v.label is Label.ABNORMAL)
    assert last.severity.rank > first.severity.rank
    assert last.reasons[0].text.endswith("; also on 12 other hosts within 31 minutes")
    assert "also on" not in first.reasons[0].text


@pytest.mark.no_cover
def test_soft_things_of_a_worm_are_not_excused_either() -> None:
    both: dict[str, list[Row]] = dict(UNIT) | dict(root_key())
    found = verdicts(fleet(HOSTS, COUNT, waves(14), both))
    last = next(v for v in found[host_id(13)] if v.label is Label.ABNORMAL)
    assert "unit:exporter.service" in {reason.subject for reason in last.reasons}
    assert {number for number, seqs in alarms(found).items() if seqs} == set(range(14))


def test_the_verdict_names_a_version_of_before_its_snapshot() -> None:
    found = verdicts(fleet(4, COUNT, {0: 41}, UNIT, only=range(4)))
    named = [(v.taken_at.timestamp(), v.knowledge) for v in found[host_id(0)]]
    assert named[0][1] == 0
    assert named[-1][1] > 0
    assert all(at >= (version + 1) * 300 + 60 for at, version in named if version)


@pytest.mark.no_cover
def test_batching_changes_nothing() -> None:
    one = verdicts(fleet(6, 60, waves(6), UNIT), batch=1)
    other = verdicts(fleet(6, 60, waves(6), UNIT), batch=256)
    assert one == other
