"""What a host can be told to do: one file per kind."""

from collections.abc import Callable

from vedette.agent.actions import quarantine
from vedette.agent.actions.scene import Outcome, Scene
from vedette.core import Command

__all__ = ["ACTIONS"]

ACTIONS: dict[str, Callable[[Command, Scene], Outcome]] = {"quarantine": quarantine.carry_out}
