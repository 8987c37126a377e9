"""Tells people in chats, by Apprise."""

from vedette.respond.actions.chat.action import chat
from vedette.respond.actions.chat.schema import ChatSchema

__all__ = ["ChatSchema", "chat"]
