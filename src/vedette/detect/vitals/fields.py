"""A block of numbers, a row a host, as named fields of equal width."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["name_fields", "take_in"]


def name_fields(owner: object, block: NDArray[Any], names: Sequence[str]) -> None:
    """Gives `owner` a view of the block [H, ...] by each name, in this order; the columns are shared out evenly."""
    width = prod(block.shape[1:]) // len(names)
    fields = block.reshape(len(block), len(names), width)
    for at, name in enumerate(names):
        setattr(owner, name, fields[:, at])


def take_in(owner: object, after: Mapping[str, NDArray[Any]], here: NDArray[Any]) -> None:
    """Writes new values into the fields of these names, where `here` says so."""
    for name, values in after.items():
        np.copyto(getattr(owner, name), values, where=here, casting="same_kind")
