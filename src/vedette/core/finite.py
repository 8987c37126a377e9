"""Numbers that are finite, as what machines send must be."""

from sys import float_info
from typing import Annotated

from msgspec import Meta

__all__ = ["Finite"]

Finite = Annotated[float, Meta(ge=-float_info.max, le=float_info.max)]
