"""The dead man's switch where systemd runs: told to programs of the test's own, which keep timers as files."""

import os
import shutil
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.agent.processes_host import SOURCE, child
from tests.fixtures.services import require

from vedette.agent.actions.kind import CannotDo
from vedette.agent.actions.processes import look
from vedette.agent.actions.scene import Check, Scene, ThisMachine
from vedette.agent.actions.suspend_process import _WAKE
from vedette.agent.actions.switch import Switch
from vedette.agent.collect.source import Source
from vedette.core import ManualClock

pytestmark = pytest.mark.usefixtures("one_switch_at_a_time")
RUN = """#!/bin/sh
[ -e {root}/breaks ] && {{ echo "no bus" >&2; exit 1; }}
for word; do case "$word" in --unit=*) unit=${{word#--unit=}} ;; esac; done
printf '%s\\0' "$@" >{root}/timers/$unit.timer
"""
CTL = """#!/bin/sh
echo "$*" >>{root}/told
verb=$1; shift
case $verb in
  list-units) cd {root}/timers && for one in *.timer; do [ -e "$one" ] && echo "$one loaded active waiting x"; done ;;
  stop) cd {root}/timers && rm -f "$@" ;;
esac
exit 0
"""


class Machine(ThisMachine):
    """Finds the test's programs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Source())
        self.folder = folder

    def find(self, program: str) -> str | None:
        found = self.folder / program
        return str(found) if found.exists() else None


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    for folder in ("run/systemd/system", "timers", "programs"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proc").symlink_to("/proc")
    for name, text in (("systemd-run", RUN), ("systemctl", CTL)):
        program = tmp_path / "programs" / name
        program.write_text(text.format(root=tmp_path))
        program.chmod(0o755)
    return Scene(
        server="https://vedette.example",
        source=Source(str(tmp_path)),
        system=Machine(tmp_path / "programs"),
        reach=lambda: Check(name="server_reached", ok=True, detail=""),
    )


def timers(scene: Scene) -> list[Path]:
    return sorted(Path(scene.source.at("/timers")).iterdir())


def test_a_renewal_leaves_one_timer_and_disarming_none(scene: Scene) -> None:
    switch = Switch("suspend_process", _WAKE)
    assert not switch.armed(scene)
    switch.arm(60, ["1:2"], scene)
    (first,) = timers(scene)
    switch.arm(90.4, ["1:2"], scene)
    (second,) = timers(scene)
    assert first != second
    words = second.read_bytes().decode().split("\0")
    assert {"--on-active=90s", "--collect", "--timer-property=AccuracySec=1s"} <= set(words)
    assert switch.armed(scene)
    switch.disarm(scene)
    assert timers(scene) == []


def test_it_ends_in_time_though_the_machine_is_suspended(scene: Scene) -> None:
    """A monotonic timer stands still then; a calendar's is made up for at the resume (systemd.timer(5))."""
    clock = ManualClock(datetime(2026, 11, 26, 23, 59, 30, 250_000, UTC))
    Switch("suspend_process", _WAKE, clock).arm(60.5, ["1:2"], scene)
    (timer,) = timers(scene)
    words = timer.read_bytes().decode().split("\0")
    (moment,) = [word for word in words if word.startswith("--on-calendar=")]
    assert moment == "--on-calendar=2026-11-27 00:00:32 UTC"
    assert "--on-active=60s" in words
    # A calendar's timer would wait for the network time at a boot, and the agent with it.
    assert "--timer-property=DefaultDependencies=no" in words


def test_systemd_understands_the_moment(scene: Scene) -> None:
    if shutil.which("systemd-analyze") is None:
        require("systemd-analyze", "it is not installed")
    clock = ManualClock(datetime(2046, 2, 28, 23, 59, 59, tzinfo=UTC))
    Switch("suspend_process", _WAKE, clock).arm(60, ["1:2"], scene)
    (timer,) = timers(scene)
    words = timer.read_bytes().decode().split("\0")
    (moment,) = [word.partition("=")[2] for word in words if word.startswith("--on-calendar=")]
    told = subprocess.run(
        ["systemd-analyze", "calendar", moment], check=True, capture_output=True, text=True
    )
    assert "Normalized form: 2046-03-01 00:01:00 UTC" in told.stdout


def test_what_the_timer_starts_wakes_the_process_and_needs_nothing_of_the_agent(
    scene: Scene,
) -> None:
    with child() as victim:
        process = look(victim.pid, SOURCE)
        assert process is not None
        os.kill(victim.pid, signal.SIGSTOP)
        while not (found := look(victim.pid, SOURCE)) or not found.stopped:
            time.sleep(0.01)
        Switch("suspend_process", _WAKE).arm(60, [f"{victim.pid}:{process.ticks}"], scene)
        (timer,) = timers(scene)
        words = timer.read_bytes().decode().split("\0")
        started = words[words.index("/bin/sh") : -1]
        assert not any("$" in word or "%" in word for word in started)
        subprocess.run(started, check=True)
        after = look(victim.pid, SOURCE)
        assert after is not None
        assert not after.stopped


def test_fired_each_service_is_started_and_the_timers_are_gone(scene: Scene) -> None:
    switch = Switch("suspend_process", _WAKE)
    switch.arm(60, ["1:2"], scene)
    (timer,) = timers(scene)
    switch.fire(scene)
    told = Path(scene.source.at("/told")).read_text()
    assert f"start --wait {timer.name.removesuffix('.timer')}.service" in told
    assert timers(scene) == []


def test_a_switch_that_can_not_be_set_is_told(scene: Scene) -> None:
    Path(scene.source.at("/breaks")).touch()
    with pytest.raises(CannotDo, match="no bus"):
        Switch("suspend_process", _WAKE).arm(60, ["1:2"], scene)
