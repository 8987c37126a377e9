"""What is kept: schema, migrations, one repository for each record, history and audit."""

from vedette.store.actions import Actions
from vedette.store.audit import Audit
from vedette.store.cohorts import Cohorts, Telling
from vedette.store.commands import Commands
from vedette.store.door import Door, DoorMark
from vedette.store.effect import Applied, Effect, StoredState
from vedette.store.enrolments import Enrolment, Enrolments
from vedette.store.escalations import Escalations
from vedette.store.evidence import EvidenceRoom
from vedette.store.facts import Facts
from vedette.store.hosts import Hosts, Signer
from vedette.store.incidents import Incidents
from vedette.store.notice import Notice
from vedette.store.outbox import Outbox
from vedette.store.paging import MAX_LIMIT, Page
from vedette.store.policies import AppliedPolicy, Policies
from vedette.store.role import Role
from vedette.store.sayings import Sayings
from vedette.store.sessions import Session, Sessions
from vedette.store.silences import BackTest
from vedette.store.states import States
from vedette.store.store import Store
from vedette.store.tokens import ACTOR_NAME, ApiToken, Tokens
from vedette.store.verdicts import Known, Verdicts

__all__ = [
    "ACTOR_NAME",
    "MAX_LIMIT",
    "Actions",
    "ApiToken",
    "Applied",
    "AppliedPolicy",
    "Audit",
    "BackTest",
    "Cohorts",
    "Commands",
    "Door",
    "DoorMark",
    "Effect",
    "Enrolment",
    "Enrolments",
    "Escalations",
    "EvidenceRoom",
    "Facts",
    "Hosts",
    "Incidents",
    "Known",
    "Notice",
    "Outbox",
    "Page",
    "Policies",
    "Role",
    "Sayings",
    "Session",
    "Sessions",
    "Signer",
    "States",
    "Store",
    "StoredState",
    "Telling",
    "Tokens",
    "Verdicts",
]
