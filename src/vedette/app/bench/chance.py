"""Chance that is the same in every run."""

from random import Random

__all__ = ["chance"]


def chance(seed: int | str) -> Random:
    """The same numbers for the same seed: simulations are repeatable, and nothing secret is made of them."""
    return Random(seed)  # noqa: S311 - a simulation
