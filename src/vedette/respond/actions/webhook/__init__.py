"""Tells programs by signed HTTPS requests."""

from vedette.respond.actions.webhook.action import webhook
from vedette.respond.actions.webhook.payload import notification_schema
from vedette.respond.actions.webhook.schema import WebhookSchema

__all__ = ["WebhookSchema", "notification_schema", "webhook"]
