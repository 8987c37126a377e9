"""The agent: collects a host's state, seals it, ships it, and carries out signed commands.

Installs with the base package alone: imports no server library.
"""

from vedette.agent.actions import ACTIONS
from vedette.agent.ceilings import lower_priority
from vedette.agent.collect.collector import Collector, Limits
from vedette.agent.collect.source import Source
from vedette.agent.doctor.examination import examine
from vedette.agent.doctor.finding import Diagnosis, Finding, Outcome
from vedette.agent.enrol import enroll, former_host
from vedette.agent.enrolment import Enrolment
from vedette.agent.health import Cost, Report
from vedette.agent.keeper import LetGo, hold, let_go
from vedette.agent.runner import Runner, run, snapshot
from vedette.agent.sameness import Sameness
from vedette.agent.settings import AgentSettings
from vedette.agent.status import Status, status

__all__ = [
    "ACTIONS",
    "AgentSettings",
    "Collector",
    "Cost",
    "Diagnosis",
    "Enrolment",
    "Finding",
    "LetGo",
    "Limits",
    "Outcome",
    "Report",
    "Runner",
    "Sameness",
    "Source",
    "Status",
    "enroll",
    "examine",
    "former_host",
    "hold",
    "let_go",
    "lower_priority",
    "run",
    "snapshot",
    "status",
]
