"""How long a lease lasts: through suspension, steps of the wall clock and reboots, never longer than it was given."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from vedette.agent.lease import Lease, Moment
from vedette.core import ActionId, CommandId

START = datetime(2026, 1, 1, tzinfo=UTC)
# What `tend` notes at least that often.
NOTED = 15.0


def _lease(seconds: float, at: Moment) -> Lease:
    return Lease(
        kind="quarantine",
        action=ActionId("a"),
        command=CommandId("c"),
        plan={},
        began_at=at.wall,
        boot=at.boot,
        ends=at.seconds + seconds,
        left=seconds,
        noted_at=at.wall,
    )


def _moment(boot: str, seconds: float, wall: float) -> Moment:
    return Moment(boot=boot, seconds=seconds, wall=START + timedelta(seconds=wall))


@pytest.mark.parametrize("wall", [-1e6, 0.0, 50.0, 1e6])
def test_while_the_machine_runs_no_step_of_the_wall_clock_counts(wall: float) -> None:
    lease = _lease(300, _moment("b1", 1000, 0))
    assert lease.left_at(_moment("b1", 1100, wall)) == 200
    # Noted after the step, so that the next reboot counts from there.
    noted = lease.noted(_moment("b1", 1100, wall))
    assert noted.left_at(_moment("b2", 3, wall + 20)) == 180


@pytest.mark.parametrize(("off", "left"), [(20, 180), (500, -300), (0, 200), (-1e6, 200)])
def test_across_a_reboot_the_wall_clock_can_only_shorten(off: float, left: float) -> None:
    lease = _lease(300, _moment("b1", 1000, 0)).noted(_moment("b1", 1100, 100))
    assert lease.left_at(_moment("b2", 7, 100 + off)) == left


class Life(RuleBasedStateMachine):
    """A machine's life with one lease, tended now and then; `ran` is how long it has truly been in force."""

    def __init__(self) -> None:
        super().__init__()
        self.boots, self.seconds, self.wall = 1, 50.0, 0.0
        self.granted, self.ran, self.lost = 600.0, 0.0, 0.0
        self.over = False
        self.lease = _lease(self.granted, self.now)

    @property
    def now(self) -> Moment:
        return _moment(f"b{self.boots}", self.seconds, self.wall)

    def _in_force(self) -> bool:
        return not self.over and self.lease.left_at(self.now) > 0

    @rule(seconds=st.floats(0, NOTED))
    def runs(self, seconds: float) -> None:
        left = self.lease.left_at(self.now)
        self.ran += min(seconds, max(left, 0.0))
        self.seconds += seconds
        self.wall += seconds

    @rule()
    def is_tended(self) -> None:
        if self._in_force():
            self.lease = self.lease.noted(self.now)

    @rule(seconds=st.floats(-1e5, 1e5))
    def is_set_to_another_time(self, seconds: float) -> None:
        self.wall += seconds

    @rule(off=st.floats(-1e5, 1e5))
    def is_rebooted(self, off: float) -> None:
        """Down for a while, as the clock has it; whatever ran since the last note may be given again."""
        self.lost += self.lease.left - max(self.lease.left_at(self.now), 0.0)
        self.boots, self.seconds = self.boots + 1, 5.0
        self.wall += off
        if self._in_force():
            self.lease = self.lease.noted(self.now)
        else:
            # The agent's first look ends it for good, whatever the clock says later.
            self.over = True

    @rule(seconds=st.floats(1, 1000))
    def is_renewed(self, seconds: float) -> None:
        if self._in_force():
            self.lease = self.lease.lasting(seconds, self.now)
            self.granted, self.ran, self.lost = seconds, 0.0, 0.0

    @invariant()
    def it_never_lasts_longer_than_it_was_given(self) -> None:
        if self.over:
            return
        left = self.lease.left_at(self.now)
        assert left <= self.granted + 1e-6
        if left > 0:
            assert self.ran + left <= self.granted + self.lost + 1e-6


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
