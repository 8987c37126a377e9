"""The bank of vitals: seats, newcomers, boots, and hosts of other metrics beside each other."""

from typing import Any

import msgspec
import numpy as np
import pytest
from tests.contracts.expert_suite import views
from tests.detect.noise import noise, scores, with_values

from vedette.core import HostId
from vedette.detect.vitals import VitalsExpert


def test_a_metric_that_was_not_sent_leaves_what_is_known_of_it_alone() -> None:
    rows = noise(60)
    del rows[-1]["a"]
    seen = views(with_values(rows))
    _, state = scores(seen[:-1])
    before = state.past().banks
    _, state = scores(seen[-1:], state)
    after = state.past().banks
    assert (after.filters[..., 0] == before.filters[..., 0]).all()
    assert (after.mean[..., 0] == before.mean[..., 0]).all()
    assert after.absent[0].tolist() == [1.0, 0.0, 0.0, 0.0]


@pytest.fixture(scope="module")
def known() -> tuple[list[Any], float]:
    """A host's dump after 400 snapshots, and the highest score of the 300 that follow."""
    seen = views(with_values(noise(700)))
    _, state = scores(seen[:400])
    dump = VitalsExpert({}).dump(state)
    found, _ = scores(seen[400:], VitalsExpert({}).load(dump))
    return dump, max(found)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["a", "b", "c", "still"])
def test_a_missing_metric_is_not_strange(known: tuple[list[Any], float], name: str) -> None:
    dump, highest = known
    rows = noise(700)
    for at in range(400, 700, 10):
        del rows[at][name]
    holes, _ = scores(views(with_values(rows))[400:], VitalsExpert({}).load(dump))
    assert max(holes[::10]) <= 1.1 * highest


def test_a_new_metric_joins_without_a_shock() -> None:
    rows = noise(480)
    for at, row in enumerate(rows[320:]):
        row["new"] = 1e6 + at % 7
    found, state = scores(views(with_values(rows)))
    assert max(found[320:]) < 25.0
    assert "new" in state.layout.names


@pytest.mark.no_cover
def test_a_metric_that_comes_again_after_days_elsewhere_is_no_shock() -> None:
    rows = noise(2200)
    for row in rows[400:2100]:
        del row["c"]
    for row in rows[2100:]:
        row["c"] += 900.0
    found, _ = scores(views(with_values(rows)))
    assert max(found[2100:]) < 1.3 * max(found[500:2100])


def test_a_bank_takes_no_more_than_64_metrics() -> None:
    wide = {f"m{n:03d}": float(n) for n in range(500)}
    _, state = scores(views(with_values([wide, wide, wide | {"later": 1.0}])))
    assert len(state.layout.names) == 64
    assert "later" not in state.layout.names


def test_a_newcomer_takes_a_seat_that_was_empty_for_a_week_and_no_other() -> None:
    wide = {f"m{n:02d}": float(n) for n in range(64)}
    fewer = {name: value for name, value in wide.items() if name != "m07"}
    _, state = scores(views(with_values([wide, fewer, fewer | {"x": 1.0}])))
    assert "x" not in state.layout.names
    state.past().banks.absent[0, state.layout.names.index("m07")] = 10_081.0
    _, state = scores(views(with_values([fewer, fewer | {"x": 1.0}])), state)
    assert "x" in state.layout.names
    assert "m07" not in state.layout.names


@pytest.mark.no_cover
def test_one_huge_value_does_not_deafen_its_metric() -> None:
    rows = noise(1500)
    rows[500]["c"] = 1e14
    rows[1400]["c"] = 60.0
    found, state = scores(views(with_values(rows)))
    assert found[1400] > 1.2 * max(found[900:1400])
    scale = state.past().banks.scale[0, :, :, state.layout.names.index("c")]
    assert scale.max() < 200.0


@pytest.mark.no_cover
def test_a_reboot_is_no_alarm_and_levels_begin_anew() -> None:
    rows = [row | {"cache": 1e9 + n * 1e3} for n, row in enumerate(noise(900, seed=7))]
    for row in rows[600:]:
        row["cache"] -= 9e8
        row["a"], row["b"] = row["a"] + 30.0, row["b"] + 60.0
    snapshots = with_values(rows)
    first = snapshots[0].taken_at.timestamp()
    boots = [first - 9e5] * 600 + [first + 600 * 60 - 20.0] * 300
    rebooted = [
        msgspec.structs.replace(s, host=msgspec.structs.replace(s.host, boot_time=boot))
        for s, boot in zip(snapshots, boots, strict=True)
    ]
    straight, _ = scores(views(snapshots))
    found, _ = scores(views(rebooted))
    assert max(straight[600:700]) > 15.0
    assert max(found[600:700]) < 1.3 * max(found[400:600])


def test_a_clock_that_is_set_is_no_boot() -> None:
    snapshots = with_values(noise(40))
    first = snapshots[0].taken_at.timestamp()
    boots = [first - 9e5] * 20 + [first - 9e5 + 7200.0] * 20
    seen = views(
        [
            msgspec.structs.replace(s, host=msgspec.structs.replace(s.host, boot_time=boot))
            for s, boot in zip(snapshots, boots, strict=True)
        ]
    )
    _, state = scores(seen)
    assert state.past().banks.up[0] > 1000.0


def test_who_looks_every_second_is_not_old_after_an_hour_of_looks() -> None:
    _, fast = scores(views(with_values(noise(60), every=1.0)))
    _, slow = scores(views(with_values(noise(60), every=300.0)))
    assert fast.past().banks.units[0] == pytest.approx(1.0 + 59 / 60)
    assert slow.past().banks.units[0] == pytest.approx(60.0)


@pytest.mark.no_cover
def test_hosts_of_other_metrics_are_judged_together_as_alone() -> None:
    expert = VitalsExpert({})
    lives = [
        views(
            with_values(
                [row | {f"m{n}": 1.0 for n in range(host % 3)} for row in noise(80, seed=host)]
            )
        )
        for host in range(7)
    ]
    states, together = [expert.fresh() for _ in lives], []
    for row in zip(*lives, strict=True):
        seen = list(row)
        cases = expert.judge(seen, states)
        together.append([float(s.note.group.bank.score[s.note.place]) for s in states])
        states = expert.learn(seen, states, [any(c.nats > 0 for c in some) for some in cases])
    for host, life in enumerate(lives):
        alone, state = scores(life)
        assert np.abs(np.array(alone) - [said[host] for said in together]).max() <= 1e-9
        assert expert.dump(state) == expert.dump(states[host])


def test_cold_hosts_refresh_at_different_looks() -> None:
    phases = set()
    for host in range(40):
        snapshots = with_values(noise(2))
        ident = msgspec.structs.replace(snapshots[0].host, id=HostId(f"host-{host}"))
        _, state = scores(views([msgspec.structs.replace(s, host=ident) for s in snapshots]))
        phases.add(float(state.past().banks.phase[0]) % 10)
    assert len(phases) == 10


def test_a_state_of_38_metrics_is_small() -> None:
    row = {f"system.metric.of.usual.length.{n:02d}": float(n) for n in range(38)}
    _, state = scores(views(with_values([row] * 3)))
    assert len(msgspec.msgpack.encode(VitalsExpert({}).dump(state))) <= 32 * 1024
