"""Carries out what was decided, and says only what was seen."""

from vedette.respond.actions.chat import ChatSchema, chat
from vedette.respond.actions.collect import Collect, CollectSchema
from vedette.respond.actions.disable_account import DisableAccount, DisableAccountSchema
from vedette.respond.actions.ec2_isolate import Ec2Isolate, Ec2IsolateSchema
from vedette.respond.actions.ec2_stop import Ec2Stop, Ec2StopSchema
from vedette.respond.actions.escalate import Escalate, EscalateSchema
from vedette.respond.actions.kill_process import KillProcess, KillProcessSchema
from vedette.respond.actions.kubernetes_cordon import KubernetesCordon, KubernetesCordonSchema
from vedette.respond.actions.kubernetes_isolate import KubernetesIsolate, KubernetesIsolateSchema
from vedette.respond.actions.kubernetes_scale import KubernetesScale, KubernetesScaleSchema
from vedette.respond.actions.mail import Mail, MailSchema, MailServer, SesServer
from vedette.respond.actions.page import PageSchema, page
from vedette.respond.actions.quarantine import Quarantine, QuarantineSchema
from vedette.respond.actions.reboot import Reboot, RebootSchema
from vedette.respond.actions.shutdown import Shutdown, ShutdownSchema
from vedette.respond.actions.suspend_process import SuspendProcess, SuspendProcessSchema
from vedette.respond.actions.webhook import WebhookSchema, notification_schema, webhook
from vedette.respond.apprise_service import is_service
from vedette.respond.aws import Account, Ec2
from vedette.respond.cluster import Cluster, Kubernetes
from vedette.respond.destinations import ANYWHERE, Channel, Destinations, Webhook, is_name
from vedette.respond.host_command import HostCommand
from vedette.respond.host_kinds import host_kinds
from vedette.respond.kind import Job, Kind, Lasting, Schema
from vedette.respond.memory import MemoryPorts
from vedette.respond.named import CAUSE
from vedette.respond.news import TRIAL
from vedette.respond.outcome import Verified
from vedette.respond.ports import (
    Actions,
    Commands,
    Enrolments,
    Incidents,
    Notice,
    Outbox,
    Ports,
    Silences,
)
from vedette.respond.registry import DIGESTED, Registry, schemas
from vedette.respond.responder import Responder
from vedette.respond.witness import Witness

__all__ = [
    "ANYWHERE",
    "CAUSE",
    "DIGESTED",
    "TRIAL",
    "Account",
    "Actions",
    "Channel",
    "ChatSchema",
    "Cluster",
    "Collect",
    "CollectSchema",
    "Commands",
    "Destinations",
    "DisableAccount",
    "DisableAccountSchema",
    "Ec2",
    "Ec2Isolate",
    "Ec2IsolateSchema",
    "Ec2Stop",
    "Ec2StopSchema",
    "Enrolments",
    "Escalate",
    "EscalateSchema",
    "HostCommand",
    "Incidents",
    "Job",
    "KillProcess",
    "KillProcessSchema",
    "Kind",
    "Kubernetes",
    "KubernetesCordon",
    "KubernetesCordonSchema",
    "KubernetesIsolate",
    "KubernetesIsolateSchema",
    "KubernetesScale",
    "KubernetesScaleSchema",
    "Lasting",
    "Mail",
    "MailSchema",
    "MailServer",
    "MemoryPorts",
    "Notice",
    "Outbox",
    "PageSchema",
    "Ports",
    "Quarantine",
    "QuarantineSchema",
    "Reboot",
    "RebootSchema",
    "Registry",
    "Responder",
    "Schema",
    "SesServer",
    "Shutdown",
    "ShutdownSchema",
    "Silences",
    "SuspendProcess",
    "SuspendProcessSchema",
    "Verified",
    "Webhook",
    "WebhookSchema",
    "Witness",
    "chat",
    "host_kinds",
    "is_name",
    "is_service",
    "notification_schema",
    "page",
    "schemas",
    "webhook",
]
