"""The experts that there are, and how a bundle's parts make them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from vedette.core import ConfigError, Snapshot
from vedette.detect.behaviour import BehaviourExpert
from vedette.detect.behaviour import fit as fit_behaviour
from vedette.detect.expert import Expert
from vedette.detect.inventory import InventoryExpert
from vedette.detect.inventory import fit as fit_inventory
from vedette.detect.vitals import VitalsExpert
from vedette.detect.vitals import fit as fit_vitals

__all__ = ["EXPERTS", "FITS", "Fit", "make_experts"]

Fit = Callable[[Iterable[Iterable[Snapshot]]], Any]
"""From recordings of normal activity, one for each host, to an expert's part of a bundle (MessagePack's types)."""

EXPERTS: Mapping[str, Callable[[Any], Expert[Any]]] = {
    "vitals": VitalsExpert,
    "inventory": InventoryExpert,
    "behaviour": BehaviourExpert,
}
FITS: Mapping[str, Fit] = {
    "vitals": fit_vitals,
    "inventory": fit_inventory,
    "behaviour": fit_behaviour,
}


def make_experts(parts: Mapping[str, Any]) -> dict[str, Expert[Any]]:
    """Each expert that the bundle has a part for, by name.

    Raises:
        ConfigError: a part is for no expert that is known here, or there is none at all.
    """
    unknown = sorted(parts.keys() - EXPERTS.keys() - {"judge"})
    if unknown:
        raise ConfigError(f"the model bundle has parts of a later version: {', '.join(unknown)}")
    experts = {name: make(parts[name]) for name, make in EXPERTS.items() if name in parts}
    if not experts:
        raise ConfigError("the model bundle has no expert in it")
    return experts
