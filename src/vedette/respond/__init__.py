"""Carries out what was decided, and says only what was seen."""

from vedette.respond.actions.mail import Mail, MailSchema, MailServer
from vedette.respond.actions.quarantine import Quarantine, QuarantineSchema
from vedette.respond.host_command import HostCommand
from vedette.respond.kind import Job, Kind, Lasting, Schema
from vedette.respond.memory import MemoryNotice, MemoryPorts
from vedette.respond.ports import Actions, Commands, Incidents, Notice, Outbox, Ports, Silences
from vedette.respond.registry import Registry, schemas
from vedette.respond.responder import Responder

__all__ = [
    "Actions",
    "Commands",
    "HostCommand",
    "Incidents",
    "Job",
    "Kind",
    "Lasting",
    "Mail",
    "MailSchema",
    "MailServer",
    "MemoryNotice",
    "MemoryPorts",
    "Notice",
    "Outbox",
    "Ports",
    "Quarantine",
    "QuarantineSchema",
    "Registry",
    "Responder",
    "Schema",
    "Silences",
    "schemas",
]
