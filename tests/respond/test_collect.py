"""Collecting evidence: what policies may write, what the host is told, and that only what is kept here makes it verified."""

from typing import Any

import pytest
from tests.respond.world import INCIDENT, TENANT, StoreWorld, World, action, state, states

from vedette.core import (
    NOTHING_IN_FORCE,
    Action,
    ActionId,
    ActionState,
    Command,
    CommandResult,
    Evidence,
    InvalidInput,
    Mode,
    Resolution,
    TenantId,
    Verb,
)
from vedette.respond import Collect, CollectSchema, Registry, Responder
from vedette.seal import SigningKey

S = ActionState
KEY = SigningKey.generate()
EVIL = {"pid": 7, "start_time": 1_700_000_007, "path": "/tmp/x"}
SCHEMA = CollectSchema()


class Room:
    """What is kept, as a test has it."""

    def __init__(self) -> None:
        self.kept: Evidence | None = None

    def held(self, tenant: TenantId, action: ActionId, /) -> Evidence | None:
        assert tenant == TENANT
        return self.kept if self.kept is not None and self.kept.action == action else None


def collect(parameters: dict[str, Any] | None = None, **more: Any) -> Action:
    given = {**SCHEMA.check({"tables": ["users"]}, dry_run=False), **(parameters or {})}
    return action(**({"kind": "collect", "parameters": given} | more))


class Case:
    """A responder that has told a host to collect."""

    def __init__(self, world: World, given: Action) -> None:
        self.world, self.given, self.room = world, given, Room()
        commands = world.ports.commands
        kinds = Registry([Collect(commands, KEY, self.room)])
        self.responder = Responder(world.ports, kinds, world.clock, sweep_seconds=0.0)
        world.propose(given)
        self.tick()
        self.commands = list(world.commands(KEY.public))

    def tick(self) -> None:
        self.responder.tick()

    def say(self, to: ActionState, **more: Any) -> None:
        (command,) = self.commands
        now = self.world.clock.now()
        self.world.answer(CommandResult(command=command.id, state=to, at=now, **more))
        self.tick()

    def keep(self, digest: str) -> None:
        (command,) = self.commands
        now = self.world.clock.now()
        self.room.kept = Evidence(
            action=self.given.id,
            tenant=TENANT,
            host=command.host,
            incident=INCIDENT.id,
            command=command.id,
            digest=digest,
            size=5,
            kid="k",
            sealed_at=now,
            received_at=now,
        )

    @property
    def detail(self) -> str:
        return self.world.ports.actions.get(TENANT, self.given.id).detail


def test_bounds_come_filled_in_and_durations_in_seconds() -> None:
    assert SCHEMA.check({"process": "@cause"}, dry_run=False) == {
        "process": "@cause",
        "pids": [],
        "files": [],
        "logs": [],
        "tables": [],
        "environ": False,
        "executable": False,
        "bytes": 8 * 1024 * 1024,
        "file_bytes": 1024 * 1024,
        "max_files": 64,
        "within": 30.0,
    }
    assert not SCHEMA.disruptive
    assert SCHEMA.on_host


@pytest.mark.parametrize(
    ("parameters", "at"),
    [
        ({}, []),
        ({"files": [], "environ": True}, []),
        ({"process": "sshd"}, ["process"]),
        ({"file": "/etc/passwd"}, ["file"]),
        ({"files": "/etc/passwd"}, ["files"]),
        ({"files": ["/etc/../x"]}, ["files", 0]),
        ({"logs": ["/var/log/a", "b"]}, ["logs", 1]),
        ({"logs": ["/a\x1b[2J"]}, ["logs", 0]),
        ({"files": [7]}, ["files", 0]),
        ({"files": ["/a"] * 33}, ["files"]),
        ({"pids": [1, True]}, ["pids", 1]),
        ({"pids": [0]}, ["pids", 0]),
        ({"pids": 7}, ["pids"]),
        ({"tables": ["Users"]}, ["tables", 0]),
        ({"tables": ["users"], "bytes": 1}, ["bytes"]),
        ({"tables": ["users"], "bytes": 9.5}, ["bytes"]),
        ({"tables": ["users"], "max_files": True}, ["max_files"]),
        ({"tables": ["users"], "file_bytes": 10**9}, ["file_bytes"]),
        ({"tables": ["users"], "within": "1h"}, ["within"]),
        ({"tables": ["users"], "environ": "yes"}, ["environ"]),
        ({"tables": ["users"], "name": "x"}, ["name"]),
    ],
)
def test_bad_values_have_their_place(parameters: dict[str, Any], at: list[str]) -> None:
    with pytest.raises(InvalidInput) as error:
        SCHEMA.check(parameters, dry_run=False)
    assert error.value.extensions["at"] == at


def test_the_host_is_told_what_and_how_much(world: World) -> None:
    bound = EVIL | {"sha256": "ab" * 32}
    given = SCHEMA.check(
        {
            "process": "@cause",
            "file": "@cause",
            "pids": [3],
            "files": ["/etc/hosts"],
            "within": "1m",
        },
        dry_run=False,
    )
    case = Case(
        world,
        collect(given | {"processes": [bound], "cause_files": ["/etc/cron.d/x", "/etc/hosts"]}),
    )
    (command,) = case.commands
    assert (command.kind, command.verb) == ("collect", Verb.APPLY)
    assert command.parameters == {
        "processes": [EVIL, {"pid": 3}],
        "files": ["/etc/cron.d/x", "/etc/hosts"],
        "logs": [],
        "tables": [],
        "environ": False,
        "executable": False,
        "most_bytes": 8 * 1024 * 1024,
        "most_file_bytes": 1024 * 1024,
        "most_files": 64,
        "most_seconds": 60.0,
        "unresolved": [],
    }


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.APPROVE])
def test_with_nothing_to_be_about_nobody_is_asked(world: World, mode: Mode) -> None:
    given = SCHEMA.check({"process": "@cause"}, dry_run=False) | {"unresolved": "none runs now"}
    case = Case(world, collect({"tables": [], **given}, mode=mode))
    assert state(world, case.given) is S.REFUSED
    assert "none runs now" in case.detail
    assert case.commands == []


def test_what_the_reasons_do_not_name_does_not_keep_the_rest_back(world: World) -> None:
    case = Case(world, collect({"process": "@cause", "unresolved": "none runs now"}))
    (command,) = case.commands
    assert command.parameters["unresolved"] == ["none runs now"]
    assert command.parameters["tables"] == ["users"]


def test_it_is_verified_when_the_bundle_that_the_host_tells_of_is_kept_here(world: World) -> None:
    case = Case(world, collect())
    case.say(S.ACKNOWLEDGED)
    case.say(S.APPLIED, detail="collected", data={"digest": "sha256:a"})
    assert state(world, case.given) is S.APPLIED
    case.keep("sha256:a")
    case.say(S.VERIFIED, data={"probe": {"kept_by_server": "yes"}, "digest": "sha256:a"})
    assert states(world, case.given)[-3:] == ["acknowledged", "applied", "verified"]
    last = world.ports.actions.events(TENANT, case.given.id)[-1]
    assert last.data["held"]["digest"] == "sha256:a"


@pytest.mark.parametrize("kept", [None, "sha256:b"])
def test_a_host_that_lies_about_it_has_failed(world: World, kept: str | None) -> None:
    case = Case(world, collect())
    if kept:
        case.keep(kept)
    case.say(S.VERIFIED, data={"probe": {"kept_by_server": "yes"}, "digest": "sha256:a"})
    assert state(world, case.given) is S.FAILED
    assert ("none is kept here" in case.detail) if kept is None else ("sha256:b" in case.detail)


def test_without_a_probe_or_a_digest_it_is_never_verified(world: World) -> None:
    case = Case(world, collect())
    case.keep("sha256:a")
    case.say(S.VERIFIED, data={"digest": "sha256:a"})
    assert state(world, case.given) is S.FAILED


def test_a_host_that_says_nothing_more_has_failed_in_the_end(world: World) -> None:
    case = Case(world, collect())
    case.say(S.ACKNOWLEDGED)
    case.say(S.APPLIED, data={"digest": "sha256:a"})
    world.clock.advance(15 * 60 + 121)
    case.tick()
    assert state(world, case.given) is S.FAILED
    assert "nothing more" in case.detail


def test_what_is_wrong_is_said_in_the_unit_that_is_written() -> None:
    with pytest.raises(InvalidInput, match="within must be from 1 to 600 seconds"):
        SCHEMA.check({"tables": ["users"], "within": "0s"}, dry_run=False)
    for path in ("//etc/passwd", "//"):
        with pytest.raises(InvalidInput, match="absolute path"):
            SCHEMA.check({"files": [path]}, dry_run=False)


def _calls(world: World) -> list[Command]:
    return [one for one in world.commands(KEY.public) if one.verb is Verb.CANCEL]


def _called_off(case: Case) -> Command:
    case.world.ports.actions.recall(TENANT, case.given.id, actor="user:ann", why="not now")
    case.tick()
    (call,) = _calls(case.world)
    return call


def test_called_off_it_ends_by_its_hosts_word_and_a_bundle_that_came_is_told(world: World) -> None:
    case = Case(world, collect())
    case.say(S.ACKNOWLEDGED)
    call = _called_off(case)
    assert state(world, case.given) is S.ACKNOWLEDGED
    case.keep("sha256:a")
    now = world.clock.now()
    world.answer(CommandResult(command=call.id, state=S.CANCELLED, at=now, detail="off"))
    case.tick()
    assert state(world, case.given) is S.CANCELLED
    assert case.detail == (
        "off; the server has the bundle sha256:a: it came before it was called off"
    )


def test_called_off_too_late_it_is_verified_all_the_same(world: World) -> None:
    case = Case(world, collect())
    case.say(S.ACKNOWLEDGED)
    call = _called_off(case)
    case.keep("sha256:a")
    case.say(S.VERIFIED, data={"probe": {"kept_by_server": "yes"}, "digest": "sha256:a"})
    now, nothing = world.clock.now(), {NOTHING_IN_FORCE: True}
    world.answer(CommandResult(command=call.id, state=S.REFUSED, at=now, data=nothing))
    case.tick()
    assert state(world, case.given) is S.VERIFIED


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("why", ["false positive", "kill switch"])
def test_a_harmless_incident_or_the_kill_switch_calls_off_what_is_under_way(
    stored: StoreWorld, why: str, *, begun: bool
) -> None:
    case = Case(stored, collect())
    if begun:
        case.say(S.ACKNOWLEDGED)
    if why == "kill switch":
        stored.store.guards.throw(TENANT, actor="user:ann", reason="it runs wild")
    else:
        stored.close(Resolution.FALSE_POSITIVE)
    case.tick()
    case.tick()
    (call,) = _calls(stored)
    assert why in stored.store.actions.get(TENANT, case.given.id).recalled_why
    now, nothing = stored.clock.now(), {NOTHING_IN_FORCE: True}
    said: dict[str, Any] = (
        {"state": S.CANCELLED} if begun else {"state": S.REFUSED, "data": nothing}
    )
    stored.answer(CommandResult(command=call.id, at=now, detail="off", **said))
    case.tick()
    assert state(stored, case.given) is S.CANCELLED


@pytest.mark.parametrize("resolution", [Resolution.TRUE_POSITIVE, Resolution.FALSE_POSITIVE])
def test_what_was_collected_stays_verified_however_its_incident_ends(
    stored: StoreWorld, resolution: Resolution
) -> None:
    case = Case(stored, collect())
    case.keep("sha256:a")
    case.say(S.VERIFIED, data={"probe": {"kept_by_server": "yes"}, "digest": "sha256:a"})
    stored.close(resolution)
    case.tick()
    assert state(stored, case.given) is S.VERIFIED
    assert _calls(stored) == []


@pytest.mark.parametrize("silent", [False, True])
def test_called_off_before_its_host_began_it_ends_by_its_word_or_by_time(
    world: World, *, silent: bool
) -> None:
    case = Case(world, collect())
    call = _called_off(case)
    if silent:
        world.clock.advance(15 * 60 + 121)
        case.tick()
        assert state(world, case.given) is S.EXPIRED
        return
    now, nothing = world.clock.now(), {NOTHING_IN_FORCE: True}
    world.answer(CommandResult(command=call.id, state=S.REFUSED, at=now, data=nothing))
    case.tick()
    assert (state(world, case.given), case.detail) == (S.CANCELLED, "the host had not begun it")
