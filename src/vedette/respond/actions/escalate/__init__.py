"""Starts a chain that tells one after another until somebody takes the incident on."""

from vedette.respond.actions.escalate.action import Escalate
from vedette.respond.actions.escalate.schema import EscalateSchema

__all__ = ["Escalate", "EscalateSchema"]
