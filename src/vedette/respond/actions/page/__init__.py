"""Wakes people by a pager, by Apprise."""

from vedette.respond.actions.page.action import page
from vedette.respond.actions.page.schema import PageSchema

__all__ = ["PageSchema", "page"]
