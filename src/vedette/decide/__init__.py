"""Groups verdicts into incidents and lets policies propose actions: pure functions of what they are given."""

from vedette.decide.backtest import Fleet, Trial, Word
from vedette.decide.census import Census
from vedette.decide.condition import STANDING_VARIABLES, VARIABLES
from vedette.decide.crowd import Crowding
from vedette.decide.decision import decide
from vedette.decide.incidents import Grouping
from vedette.decide.oncall import OnCall, escalate
from vedette.decide.own import answer_own
from vedette.decide.policies import PolicySet
from vedette.decide.policy import Guards, Policy, Step
from vedette.decide.ports import ActionSchema, Kinds
from vedette.decide.returning import HARMLESS, LINKED_FOR, MOST_CLOSED
from vedette.decide.situation import Decision, FleetNow, Situation
from vedette.decide.standing import answer
from vedette.decide.storm import gather

__all__ = [
    "HARMLESS",
    "LINKED_FOR",
    "MOST_CLOSED",
    "STANDING_VARIABLES",
    "VARIABLES",
    "ActionSchema",
    "Census",
    "Crowding",
    "Decision",
    "Fleet",
    "FleetNow",
    "Grouping",
    "Guards",
    "Kinds",
    "OnCall",
    "Policy",
    "PolicySet",
    "Situation",
    "Step",
    "Trial",
    "Word",
    "answer",
    "answer_own",
    "decide",
    "escalate",
    "gather",
]
