"""Groups verdicts into incidents and lets policies propose actions: pure functions of what they are given."""

from vedette.decide.condition import VARIABLES
from vedette.decide.decision import decide
from vedette.decide.incidents import Grouping
from vedette.decide.policies import PolicySet
from vedette.decide.policy import Guards, Policy, Step
from vedette.decide.ports import ActionSchema, Kinds
from vedette.decide.situation import Decision, Situation

__all__ = [
    "VARIABLES",
    "ActionSchema",
    "Decision",
    "Grouping",
    "Guards",
    "Kinds",
    "Policy",
    "PolicySet",
    "Situation",
    "Step",
    "decide",
]
