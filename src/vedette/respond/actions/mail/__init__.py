"""Tells people by mail."""

from vedette.respond.actions.mail.action import Mail
from vedette.respond.actions.mail.schema import MailSchema
from vedette.respond.actions.mail.server import MailServer
from vedette.respond.actions.mail.ses import SesServer

__all__ = ["Mail", "MailSchema", "MailServer", "SesServer"]
