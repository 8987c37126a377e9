"""Who is on call when, and who is told of an incident that nobody has taken on."""

from vedette.decide.oncall.book import OnCall, Person
from vedette.decide.oncall.escalation import escalate
from vedette.decide.oncall.hours import Hours, instant
from vedette.decide.oncall.schedule import Override, Rotation, Schedule

__all__ = ["Hours", "OnCall", "Override", "Person", "Rotation", "Schedule", "escalate", "instant"]
