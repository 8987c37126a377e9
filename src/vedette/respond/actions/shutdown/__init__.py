"""Turns a host off, after a grace in which it can be called off."""

from vedette.respond.actions.shutdown.action import Shutdown
from vedette.respond.actions.shutdown.schema import ShutdownSchema

__all__ = ["Shutdown", "ShutdownSchema"]
