"""The HTTP door of machines: authenticate, limit, check the envelope, enqueue."""

from vedette.ingest.commit import GroupCommit
from vedette.ingest.door import Door
from vedette.ingest.ports import (
    Appender,
    Audit,
    CommandBox,
    Enrolled,
    Enrolment,
    Enrolments,
    EvidenceBox,
    Flow,
    Hosts,
    Load,
    Signer,
    Usage,
    Waits,
)
from vedette.ingest.problem import (
    PROBLEM_JSON,
    ProblemDetails,
    problem_handlers,
    problem_response,
)
from vedette.ingest.quota import QuotaBounds, day_of
from vedette.ingest.routes import machine_routes
from vedette.ingest.settings import IngestSettings
from vedette.ingest.spec import machine_components

__all__ = [
    "PROBLEM_JSON",
    "Appender",
    "Audit",
    "CommandBox",
    "Door",
    "Enrolled",
    "Enrolment",
    "Enrolments",
    "EvidenceBox",
    "Flow",
    "GroupCommit",
    "Hosts",
    "IngestSettings",
    "Load",
    "ProblemDetails",
    "QuotaBounds",
    "Signer",
    "Usage",
    "Waits",
    "day_of",
    "machine_components",
    "machine_routes",
    "problem_handlers",
    "problem_response",
]
