"""Work during which no cycles of garbage are looked for."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Puts the collector off to the end of a block that makes much and no cycles worth speaking of.

    A batch makes and holds hundreds of thousands of things, through which the collector would go dozens of times; after
    it, most have gone by themselves. It is the process's own: where threads do this at once, the first to end sets it on.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
