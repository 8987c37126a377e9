"""Which actions there are.

To add an action:

1. make a folder `actions/<name>/` whose `schema.py` has a class with `name` (the folder's), `disruptive` and `check`:
   unknown parameters, wrong types and values out of bounds are InvalidInput with the path in the extension `at`;
2. write its `action.py` with a class that has `plan` (no effect), `apply` (may be called twice for the same action,
   so what it sends must bear an id derived from the action's) and `probe` (looks, and changes nothing); `remote` says
   whether somebody else carries it out;
3. name the schema in `schemas` below and hand the kind to the Registry where the processes are wired (what hosts carry out:
   both in `host_kinds.py`);
   (what is done through an API and can be undone is a Measure in a CloudLease, which writes down what was there before);
4. add tests: a crash between any two steps, a second apply, and what it may not touch.

Nothing else in this room, and nothing in decide, knows the kinds by name.
"""

from collections.abc import Iterable
from typing import Final

from vedette.respond.actions.chat import ChatSchema
from vedette.respond.actions.ec2_isolate import Ec2IsolateSchema
from vedette.respond.actions.ec2_stop import Ec2StopSchema
from vedette.respond.actions.kubernetes_cordon import KubernetesCordonSchema
from vedette.respond.actions.kubernetes_isolate import KubernetesIsolateSchema
from vedette.respond.actions.kubernetes_scale import KubernetesScaleSchema
from vedette.respond.actions.mail import MailSchema
from vedette.respond.actions.page import PageSchema
from vedette.respond.actions.webhook import WebhookSchema
from vedette.respond.destinations import ANYWHERE, Destinations
from vedette.respond.host_kinds import host_schemas
from vedette.respond.kind import Kind, Schema

__all__ = ["DIGESTED", "Registry", "schemas"]

DIGESTED: Final = frozenset({ChatSchema.name, MailSchema.name})
"""What people read when they get to it. Pages wake them and programs sort for themselves: those are told one by one."""


def schemas(destinations: Destinations = ANYWHERE) -> dict[str, Schema]:
    """Every kind's schema by name: what policies are checked against, and whom they may tell."""
    known: tuple[Schema, ...] = (
        ChatSchema(destinations),
        Ec2IsolateSchema(),
        Ec2StopSchema(),
        KubernetesCordonSchema(),
        KubernetesIsolateSchema(),
        KubernetesScaleSchema(),
        MailSchema(),
        PageSchema(destinations),
        *host_schemas(),
        WebhookSchema(destinations),
    )
    return {schema.name: schema for schema in known}


class Registry:
    """The kinds that this process can carry out."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = {kind.schema.name: kind for kind in kinds}

    def get(self, name: str) -> Kind | None:
        """The kind of this name, if this process has it."""
        return self._kinds.get(name)
