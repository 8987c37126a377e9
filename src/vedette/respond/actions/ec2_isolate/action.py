"""Carries out `ec2_isolate`. Verified means: every interface of the instance was seen with the isolation group alone."""

from vedette.respond.actions.ec2_isolate.isolation import Isolation
from vedette.respond.actions.ec2_isolate.schema import Ec2IsolateSchema
from vedette.respond.aws import Account
from vedette.respond.cloud_lease import CloudLease
from vedette.respond.ports import Enrolments

__all__ = ["Ec2Isolate"]


class Ec2Isolate(CloudLease):
    """Nothing in EC2 ends it: the responder does, from rows that outlive it."""

    def __init__(self, account: Account, enrolments: Enrolments) -> None:
        super().__init__(Ec2IsolateSchema(), Isolation(account, enrolments))
