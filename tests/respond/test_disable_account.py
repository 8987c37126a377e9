"""Locking accounts: what policies may write, and what the host is told."""

from typing import Any

import pytest
from tests.respond.world import World, action, events, state

from vedette.core import Action, ActionState, InvalidInput, Mode
from vedette.respond import DisableAccount, DisableAccountSchema, Registry, Responder
from vedette.seal import SigningKey

KEY = SigningKey.generate()
CHECK = DisableAccountSchema().check


def given(**parameters: Any) -> Action:
    whole = {"account": "@cause", "end_sessions": False, "lease": 600.0} | parameters
    return action(kind="disable_account", mode=Mode.AUTO, lease_seconds=600.0, parameters=whole)


def tick(world: World, proposed: Action) -> None:
    world.propose(proposed)
    kinds = Registry([DisableAccount(world.ports.commands, KEY)])
    Responder(world.ports, kinds, world.clock, sweep_seconds=0.0).tick()


def test_the_parameters_come_complete() -> None:
    assert CHECK({"account": "bob", "lease": "30m", "end_sessions": True}, dry_run=False) == {
        "account": "bob",
        "end_sessions": True,
        "lease": 1800.0,
        "at_most": 86_400.0,
    }
    assert CHECK({"account": "@cause", "lease": "30m"}, dry_run=False)["end_sessions"] is False


@pytest.mark.parametrize(
    ("parameters", "at"),
    [
        ({"lease": "30m"}, []),
        ({"account": "root", "lease": "30m"}, ["account"]),
        ({"account": "-e", "lease": "30m"}, ["account"]),
        ({"account": 5, "lease": "30m"}, ["account"]),
        ({"account": "bob"}, []),
        ({"account": "bob", "lease": "30m", "end_sessions": "yes"}, ["end_sessions"]),
        ({"account": "bob", "lease": "30m", "all": True}, ["all"]),
    ],
)
def test_bad_values_have_their_place(parameters: dict[str, Any], at: list[str]) -> None:
    with pytest.raises(InvalidInput) as error:
        CHECK(parameters, dry_run=False)
    assert error.value.extensions["at"] == at


@pytest.mark.parametrize(
    ("parameters", "names"),
    [({"account": "bob"}, ["bob"]), ({"accounts": ["eve", "mallory"]}, ["eve", "mallory"])],
)
def test_the_host_is_told_the_accounts_and_the_lease(
    world: World, parameters: dict[str, Any], names: list[str]
) -> None:
    tick(world, given(**parameters))
    (command,) = world.commands(KEY.public)
    assert command.parameters == {
        "accounts": names,
        "end_sessions": False,
        "lease_seconds": 600.0,
    }


@pytest.mark.parametrize("why", ["none are named", None])
def test_where_no_account_is_named_it_is_refused_with_the_reason(
    world: World, why: str | None
) -> None:
    proposed = given(**({"unresolved": why} if why else {}))
    tick(world, proposed)
    assert state(world, proposed) is ActionState.REFUSED
    assert (why or "nobody looked") in events(world, proposed)[-1].detail
    assert world.commands(KEY.public) == []
