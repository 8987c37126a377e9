"""Cuts a host off from all but the server and what is allowed, for the time of a lease."""

from vedette.respond.actions.quarantine.action import Quarantine
from vedette.respond.actions.quarantine.schema import QuarantineSchema

__all__ = ["Quarantine", "QuarantineSchema"]
