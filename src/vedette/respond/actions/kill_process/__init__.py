"""Ends the processes that an incident's reasons name: asked first, made to after a grace."""

from vedette.respond.actions.kill_process.action import KillProcess
from vedette.respond.actions.kill_process.schema import KillProcessSchema

__all__ = ["KillProcess", "KillProcessSchema"]
