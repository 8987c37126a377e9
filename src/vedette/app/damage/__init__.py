"""Damaged SQLite files: found before they are used, and what is left of them saved."""

from vedette.app.damage.check import data_files, problems_of, refuse_damage
from vedette.app.damage.salvage import Salvaged, salvage

__all__ = ["Salvaged", "data_files", "problems_of", "refuse_damage", "salvage"]
