"""The expert of facts: accounts, what starts by itself, files, ports."""

from vedette.detect.inventory.expert import InventoryExpert
from vedette.detect.inventory.fit import fit, study

__all__ = ["InventoryExpert", "fit", "study"]
