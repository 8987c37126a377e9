"""What stands on an interface while it is isolated, so that it can be put right even without our store."""

from typing import Final

from vedette.core import ActionId
from vedette.respond.aws import ACTION_TAG, Account, Interface

__all__ = ["GROUP_TAG", "bears_mark", "mark", "unmark"]

GROUP_TAG: Final = "vedette:isolation"
_FORMER_TAG: Final = "vedette:former-groups"
_TAGS: Final = (ACTION_TAG, GROUP_TAG, _FORMER_TAG)
# EC2's bound on a tag's value.
_MOST: Final = 256


def mark(account: Account, region: str, one: Interface, action: ActionId, group: str) -> None:
    """By which action, with which group, and, where they fit, the groups that it had."""
    tags = {ACTION_TAG: str(action), GROUP_TAG: group}
    former = " ".join(one.groups)
    if len(former) <= _MOST:
        tags[_FORMER_TAG] = former
    account.call(
        region,
        "create_tags",
        Resources=[one.id],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


def unmark(account: Account, region: str, interface: str) -> None:
    """Takes these tags away."""
    tags = [{"Key": key} for key in _TAGS]
    account.call(region, "delete_tags", Resources=[interface], Tags=tags)


def bears_mark(one: Interface) -> bool:
    """Whether any of these tags is on it."""
    return not one.tags.keys().isdisjoint(_TAGS)
