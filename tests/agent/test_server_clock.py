"""Whoever answers at the server's door may correct this host's clock, and can't have it obey what has ended."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.box import Box
from tests.agent.commander import Deed, commander_of
from tests.agent.enrolled import Agent
from tests.agent.server import Reply, Seen, Server

from vedette.agent.journal import Journal
from vedette.agent.journal_file import read_fields
from vedette.agent.server_clock import ServerClock
from vedette.core import ActionState, ManualClock, Verb

WEEK = 7 * 86_400.0


class FalseDoor:
    """Gives what it kept back, and says that it is still the hour in which that was signed."""

    def __init__(self, box: Box, agent: Agent) -> None:
        self._box = box
        self._then = agent.clock.now().timestamp()
        self._lied = False

    def __call__(self, seen: Seen) -> Reply:
        if self._lied:
            return self._box(seen)
        self._lied = True
        return Reply(401, {"type": "/problems/stale-signature", "server_time": self._then})


@pytest.mark.parametrize("restarted", [False, True])
def test_a_door_that_turns_the_time_back_has_nothing_obeyed(
    agent: Agent, server: Server, box: Box, *, restarted: bool
) -> None:
    deed = Deed()
    commander = commander_of(agent, deed)
    commander.step(threading.Event())
    box.give(agent.command("c1"), agent.commanding)
    kept, server.script = FalseDoor(box, agent), lambda _: Reply(200, {"commands": []})
    for _ in range(7):
        agent.clock.advance(WEEK / 7)
        commander.step(threading.Event())
    if restarted:
        agent.journal.close()
        agent.journal = Journal(agent.state / "journal.sqlite", agent.clock)
        agent.door._journal = agent.journal
        commander = commander_of(agent, deed)
    server.script = kept
    commander.step(threading.Event())
    assert agent.journal.offset == pytest.approx(-WEEK)
    assert deed.done == 0
    assert box.states() == [ActionState.REFUSED]
    assert "it expired at" in box.told[0].detail


def test_a_lie_that_is_kept_up_does_not_stop_the_time(
    agent: Agent, server: Server, box: Box
) -> None:
    deed = Deed()
    commander = commander_of(agent, deed)
    commander.step(threading.Event())
    began = agent.clock.now().timestamp()
    box.give(agent.command("c1"), agent.commanding)
    for hours in range(1, 25):
        agent.clock.advance(3_600.0)
        agent.journal.set_offset(began - agent.clock.now().timestamp())
        server.script = lambda _: Reply(200, {"commands": []})
        commander.step(threading.Event())
        assert agent.journal.server_now().timestamp() > began + hours * 3_600.0 * 0.998 - 300.0
    server.script = box
    commander.step(threading.Event())
    assert box.states() == [ActionState.REFUSED]


def test_a_clock_that_was_ahead_is_corrected(agent: Agent, server: Server, box: Box) -> None:
    deed = Deed()
    commander = commander_of(agent, deed)
    true = agent.clock.now()
    commander.step(threading.Event())
    agent.clock.step(true + timedelta(hours=2))
    command = agent.command("c1")
    box.give(
        # As the server, whose clock is right, makes it.
        command.__class__(
            **{name: getattr(command, name) for name in command.__struct_fields__}
            | {"issued_at": true + timedelta(seconds=1), "expires_at": true + timedelta(minutes=5)}
        ),
        agent.commanding,
    )
    told = iter([Reply(401, {"server_time": true.timestamp()})])
    server.script = lambda seen: next(told, None) or box(seen)
    commander.step(threading.Event())
    assert deed.done == 1


def test_no_door_sets_it_forward(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = Journal(tmp_path / "journal.sqlite", clock)
    journal.taken(clock.now().timestamp() + 10 * WEEK, clock.boottime())
    assert journal.server_now() == clock.now()
    journal.close()
    assert read_fields(tmp_path / "journal.sqlite").earliest == clock.now().timestamp() - 300.0


def test_it_is_written_once_a_minute_at_most() -> None:
    clock = ManualClock()
    kept = ServerClock(clock, 0.0)
    begun = _took(kept, clock, 0.0)
    assert begun == clock.now().timestamp() - 300.0
    for _ in range(5):
        clock.advance(10.0)
        assert _took(kept, clock, 0.0) is None
    clock.advance(10.0)
    assert _took(kept, clock, 0.0) == begun + 60.0


def _took(kept: ServerClock, clock: ManualClock, offset: float) -> float | None:
    return kept.taken(clock.now().timestamp() + offset, clock.boottime())


def test_a_clock_that_jumps_while_an_answer_is_awaited_teaches_nothing() -> None:
    clock = ManualClock()
    kept = ServerClock(clock, 0.0)
    signed, at, true = clock.now().timestamp(), clock.boottime(), clock.now()
    clock.advance(20.0)
    clock.step(true + timedelta(days=365))
    kept.taken(signed, at)
    assert kept.now(-365 * 86_400.0).timestamp() == pytest.approx(signed, abs=30.0)


def test_what_wrong_clocks_made_of_it_is_over_when_they_are_mended() -> None:
    """The server and the host were both a day ahead."""
    clock = ManualClock()
    true, kept = clock.now(), ServerClock(clock, 0.0)
    clock.step(true + timedelta(days=1))
    _took(kept, clock, 0.0)
    clock.step(true)
    assert kept.now(0.0) == true


def test_a_time_that_can_not_be_written_loses_no_answer(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = Journal(tmp_path / "journal.sqlite", clock)
    journal.close()
    journal.taken(clock.now().timestamp(), clock.boottime())


@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 1e6),
            st.floats(-1e7, 1e7),
            st.sampled_from(["taken", "suspended", "set", "begun anew"]),
        ),
        max_size=12,
    )
)
def test_it_never_goes_back_and_an_honest_server_is_never_later(
    steps: list[tuple[float, float, str]],
) -> None:
    """The host's clock is set as one likes, and the server, whose clock is right, corrects it each time."""
    true, clock = ManualClock(), ManualClock()
    kept, earliest, seen = ServerClock(clock, 0.0), 0.0, 0.0
    for seconds, to, what in steps:
        clock.advance(seconds)
        true.advance(seconds)
        if what == "suspended":
            clock.suspend(seconds)
            true.advance(seconds)
        if what == "set":
            clock.step(true.now() + timedelta(seconds=to))
        offset = (true.now() - clock.now()).total_seconds()
        if what == "begun anew":
            kept = ServerClock(clock, earliest)
        earliest = _took(kept, clock, offset) or earliest
        now = kept.now(-1e9).timestamp()
        assert seen <= now or what in {"begun anew", "set"}
        assert kept.now(offset).timestamp() == pytest.approx(true.now().timestamp(), abs=1e-3)
        seen = now


BACK = 7_200.0


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize(
    ("verb", "state"),
    [
        (Verb.RELEASE, ActionState.SIMULATED),
        (Verb.CANCEL, ActionState.SIMULATED),
        (Verb.APPLY, ActionState.REFUSED),
        (Verb.RENEW, ActionState.REFUSED),
    ],
)
def test_a_server_that_was_set_back_can_end_things_and_begin_nothing(
    agent: Agent, server: Server, box: Box, verb: Verb, state: ActionState, *, stale: bool
) -> None:
    """The host's own clock is right. `stale`: the server's is right again, and the host still takes it to be ahead."""
    deed = Deed()
    deed.verbs = frozenset(Verb)
    commander = commander_of(agent, deed)
    for _ in range(3):
        commander.step(threading.Event())
        agent.clock.advance(60)
    if stale:
        agent.journal.set_offset(BACK)
        box.give(agent.command("c1", verb=verb), agent.commanding)
    else:
        _set_back(agent, server, box, verb)
    commander.step(threading.Event())
    assert agent.journal.offset == pytest.approx(BACK if stale else -BACK)
    assert box.states()[-1] is state
    assert deed.done == (state is ActionState.SIMULATED)


def _set_back(agent: Agent, server: Server, box: Box, verb: Verb) -> None:
    """The server's clock, and with it what it signs and what it says at its door."""
    back = agent.clock.now() - timedelta(seconds=BACK)
    ends = back + timedelta(minutes=15)
    given = agent.command("c1", verb=verb, issued_at=back, expires_at=ends)
    box.give(given, agent.commanding)
    told = iter([Reply(401, {"server_time": back.timestamp()})])
    server.script = lambda seen: next(told, None) or box(seen)


def test_what_ends_things_is_over_when_both_clocks_say_so(agent: Agent, box: Box) -> None:
    deed = Deed()
    box.give(agent.command("c1", verb=Verb.RELEASE), agent.commanding)
    agent.clock.advance(300.0)
    commander_of(agent, deed).step(threading.Event())
    assert deed.done == 0
    assert "it expired at" in box.told[0].detail


@pytest.mark.parametrize("said", [1e15, -1e15, 253_402_300_799.0])
def test_a_time_that_no_clock_shows_stops_no_commands(
    agent: Agent, server: Server, box: Box, said: float
) -> None:
    deed = Deed()
    commander = commander_of(agent, deed)
    box.give(agent.command("c1"), agent.commanding)
    told = iter([Reply(401, {"server_time": said})])
    server.script = lambda seen: next(told, None) or box(seen)
    stop = threading.Event()
    commander.step(stop)
    agent.clock.advance(86_400.0)
    box.give(agent.command("c2"), agent.commanding)
    commander.step(stop)
    assert agent.journal.offset == 0.0
    assert [one.command for one in box.told if one.state is ActionState.SIMULATED] == ["c2"]
