"""The experts that there are, and how a bundle's parts make them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from vedette.core import ConfigError, Snapshot
from vedette.detect.behaviour import BehaviourExpert
from vedette.detect.behaviour import fit as fit_behaviour
from vedette.detect.behaviour import study as study_behaviour
from vedette.detect.expert import Expert
from vedette.detect.inventory import InventoryExpert
from vedette.detect.inventory import fit as fit_inventory
from vedette.detect.inventory import study as study_inventory
from vedette.detect.vitals import VitalsExpert
from vedette.detect.vitals import fit as fit_vitals
from vedette.detect.vitals import study as study_vitals

__all__ = ["EXPERTS", "FITS", "Fit", "make_experts"]


class Fit(NamedTuple):
    """How an expert's part of a bundle is made: `study` reads one host's recording of normal activity, once.

    `part` makes the part (MessagePack's types) of any hosts' studies, so that leaving one out costs no second reading.
    """

    study: Callable[[Iterable[Snapshot]], Any]
    part: Callable[[Iterable[Any]], Any]


EXPERTS: Mapping[str, Callable[[Any], Expert[Any]]] = {
    "vitals": VitalsExpert,
    "inventory": InventoryExpert,
    "behaviour": BehaviourExpert,
}
FITS: Mapping[str, Fit] = {
    "vitals": Fit(study_vitals, fit_vitals),
    "inventory": Fit(study_inventory, fit_inventory),
    "behaviour": Fit(study_behaviour, fit_behaviour),
}


def make_experts(parts: Mapping[str, Any]) -> dict[str, Expert[Any]]:
    """Each expert that the bundle has a part for, by name.

    Raises:
        ConfigError: a part is for no expert that is known here, can't be used by its own, or there is none at all.
    """
    unknown = sorted(parts.keys() - EXPERTS.keys() - {"judge"})
    if unknown:
        raise ConfigError(f"the model bundle has parts of a later version: {', '.join(unknown)}")
    experts = {name: _made(name, parts[name]) for name in EXPERTS if name in parts}
    if not experts:
        raise ConfigError("the model bundle has no expert in it")
    return experts


def _made(name: str, part: Any) -> Expert[Any]:
    try:
        return EXPERTS[name](part)
    except (msgspec.ValidationError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"part {name} of the model bundle can't be used ({error}); build or fetch it again"
        ) from error
