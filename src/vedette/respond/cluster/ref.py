"""Which object of a cluster."""

from typing import Literal

from vedette.core import Record

__all__ = ["Kind", "Ref"]

Kind = Literal["node", "deployment", "stateful_set", "network_policy", "pod"]


class Ref(Record, frozen=True, kw_only=True):
    """`namespace` is empty for what has none."""

    kind: Kind
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.replace('_', ' ')} {where}{self.name}"
