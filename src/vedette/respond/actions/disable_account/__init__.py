"""Locks the accounts that an incident's reasons name, or one that a policy names, for the time of a lease."""

from vedette.respond.actions.disable_account.action import DisableAccount
from vedette.respond.actions.disable_account.schema import DisableAccountSchema

__all__ = ["DisableAccount", "DisableAccountSchema"]
