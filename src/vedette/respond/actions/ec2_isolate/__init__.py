"""Cuts an EC2 instance off by its security groups, for the time of a lease."""

from vedette.respond.actions.ec2_isolate.action import Ec2Isolate
from vedette.respond.actions.ec2_isolate.schema import Ec2IsolateSchema

__all__ = ["Ec2Isolate", "Ec2IsolateSchema"]
