"""Amazon EC2 as the actions need it: calls, which instance a host is, and snapshots of its volumes."""

from vedette.respond.aws.account import Account, Ec2
from vedette.respond.aws.instance import ACTION_TAG, Instance, Interface, find, interfaces_of
from vedette.respond.aws.snapshots import Snapshots

__all__ = [
    "ACTION_TAG",
    "Account",
    "Ec2",
    "Instance",
    "Interface",
    "Snapshots",
    "find",
    "interfaces_of",
]
