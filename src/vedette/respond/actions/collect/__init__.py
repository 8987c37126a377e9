"""Collects evidence on a host: sealed there, kept here, opened by nobody on the way."""

from vedette.respond.actions.collect.action import Collect
from vedette.respond.actions.collect.schema import CollectSchema

__all__ = ["Collect", "CollectSchema"]
