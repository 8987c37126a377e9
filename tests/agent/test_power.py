"""Turning the machine off and starting it anew: scheduled by a program of the test's own, called off, and told as seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agent.processes_host import Host
from tests.agent.recorded_shutdown import make_shutdown

from vedette.agent.actions.scene import ThisMachine
from vedette.agent.collect.source import Source
from vedette.core import ActionId, ActionState, Verb

S = ActionState


class Machine(ThisMachine):
    """Finds one program: the test's."""

    def __init__(self, program: Path) -> None:
        super().__init__(Source())
        self.program = program

    def find(self, program: str) -> str | None:
        assert program == "shutdown"
        return str(self.program) if self.program.exists() else None


@pytest.fixture(params=["shutdown", "reboot"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path, request.param)
    root = made.tree.root
    made.source = made.tree.source
    program = make_shutdown(root, tmp_path)
    made.system = Machine(program)
    yield made
    made.close()


def told(host: Host) -> list[str]:
    path = host.tree.path("/told")
    return path.read_text().splitlines() if path.exists() else []


def begun(host: Host, **parameters: Any) -> None:
    outcome = host.do(host.command(**({"grace_seconds": 120} | parameters)))
    assert outcome.state is S.APPLIED, outcome


def flag(host: Host) -> str:
    return {"shutdown": "--poweroff", "reboot": "--reboot"}[host.kind.name]


def test_a_dry_run_tells_the_exact_command_and_schedules_nothing(host: Host) -> None:
    outcome = host.do(host.command(grace_seconds=61, message="by ann", dry_run=True))
    assert outcome.state is S.SIMULATED
    assert outcome.data["plan"] == f'shutdown ["{flag(host)}", "+2", "Vedette: by ann"]'
    assert [check for check in outcome.data["checks"] if not check["ok"]] == []
    assert told(host) == []


def test_it_is_scheduled_with_its_grace_and_a_message_and_says_when(host: Host) -> None:
    outcome = host.do(host.command(grace_seconds=120, message="a\nb\x1b[31m"))
    assert outcome.state is S.APPLIED
    assert outcome.data["at"] == "2026-01-01T00:02:00+00:00"
    assert told(host) == [f"{flag(host)} +2 Vedette: a b [31m"]


def test_called_off_within_its_grace_the_schedule_is_gone(host: Host) -> None:
    begun(host)
    assert host.do(host.command("c2", Verb.CANCEL)).state is S.CANCELLED
    assert told(host)[-1] == "-c"
    assert not host.tree.path("/run/systemd/shutdown/scheduled").exists()
    host.clock.advance(1_000)
    host.tend()
    assert host.said() == []


def test_a_cancel_that_did_not_work_is_failed_and_can_be_told_again(host: Host) -> None:
    begun(host)
    deaf = host.tree.write("/deaf", "")
    outcome = host.do(host.command("c2", Verb.CANCEL))
    assert (outcome.state, "scheduled still" in outcome.detail) == (S.FAILED, True)
    deaf.unlink()
    assert host.do(host.command("c3", Verb.CANCEL)).state is S.CANCELLED


def test_an_operator_at_the_host_calls_it_off(host: Host) -> None:
    begun(host)
    outcome = host.kind.let_go(host.scene, host.ledger, "ann: not now")
    assert outcome is not None
    assert [state for state, _ in host.said()] == [S.CANCELLED]
    assert told(host)[-1] == "-c"


def test_the_next_life_of_the_machine_sees_that_the_former_ended(host: Host) -> None:
    begun(host)
    host.clock.advance(120)
    host.tend()
    assert host.said() == []
    host.boot("boot-2")
    host.tend(first=True)
    ((state, said),) = host.said()
    assert state is S.VERIFIED
    assert said.data["probe"]["rebooted"]


def test_a_machine_that_runs_on_says_that_it_failed(host: Host) -> None:
    begun(host)
    host.clock.advance(120 + 601)
    host.tend()
    assert [state for state, _ in host.said()] == [S.FAILED]


def test_stopped_in_the_middle_it_is_called_off_at_the_next_start(host: Host) -> None:
    command = host.command(grace_seconds=120)
    host.journal.begin(command)
    host.kind.carry_out(command, host.scene, host.ledger)
    host.boot("boot-1")
    host.tend(first=True)
    assert told(host)[-1] == "-c"
    assert host.ledger.held(host.kind.name) is None


def test_stopped_in_the_middle_and_rebooted_it_is_told_as_done(host: Host) -> None:
    command = host.command(grace_seconds=120)
    host.journal.begin(command)
    host.kind.carry_out(command, host.scene, host.ledger)
    host.boot("boot-2")
    host.tend(first=True)
    (result,) = host.journal.unreported()
    assert result.state is S.VERIFIED


def test_what_is_not_there_or_scheduled_by_somebody_else_is_refused(host: Host) -> None:
    host.tree.write("/run/systemd/shutdown/scheduled", "USEC=9\nMODE=halt\n")
    outcome = host.do(host.command(grace_seconds=120))
    assert (outcome.state, "nothing_scheduled" in outcome.detail) == (S.REFUSED, True)
    host.tree.path("/run/systemd/shutdown/scheduled").unlink()
    host.tree.path("/run/systemd/system").rmdir()
    outcome = host.do(host.command("c2", grace_seconds=120))
    assert "schedule_kept" in outcome.detail
    assert told(host) == []


def test_a_program_that_fails_or_schedules_nothing_is_failed(host: Host) -> None:
    breaks = host.tree.write("/breaks", "")
    outcome = host.do(host.command(grace_seconds=120))
    assert (outcome.state, "logind" in outcome.detail) == (S.FAILED, True)
    assert host.ledger.held(host.kind.name) is None
    breaks.unlink()
    if host.kind.name == "shutdown":
        host.tree.write("/idle", "")
        outcome = host.do(host.command("c2", grace_seconds=120))
        assert (outcome.state, "nothing is scheduled" in outcome.detail) == (S.FAILED, True)


@pytest.mark.parametrize("parameters", [{}, {"grace_seconds": 59}, {"grace_seconds": 3_601}])
def test_without_a_grace_within_bounds_it_is_refused(
    host: Host, parameters: dict[str, Any]
) -> None:
    assert host.do(host.command(**parameters)).state is S.REFUSED


def test_a_second_is_refused(host: Host) -> None:
    begun(host)
    outcome = host.do(host.command("c2", action=ActionId("a2"), grace_seconds=120))
    assert outcome.state is S.REFUSED
