"""Stops an EC2 instance."""

from vedette.respond.actions.ec2_stop.action import Ec2Stop
from vedette.respond.actions.ec2_stop.schema import Ec2StopSchema

__all__ = ["Ec2Stop", "Ec2StopSchema"]
