"""Vedette watches fleets of machines: it sees first, and reports."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("vedette")
