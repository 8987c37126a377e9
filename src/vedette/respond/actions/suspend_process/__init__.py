"""Stops the processes that an incident's reasons name, for the time of a lease."""

from vedette.respond.actions.suspend_process.action import SuspendProcess
from vedette.respond.actions.suspend_process.schema import SuspendProcessSchema

__all__ = ["SuspendProcess", "SuspendProcessSchema"]
