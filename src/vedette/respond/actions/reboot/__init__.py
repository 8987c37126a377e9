"""Starts a host anew, after a grace in which it can be called off."""

from vedette.respond.actions.reboot.action import Reboot
from vedette.respond.actions.reboot.schema import RebootSchema

__all__ = ["Reboot", "RebootSchema"]
