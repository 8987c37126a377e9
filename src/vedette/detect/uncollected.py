"""Work during which no cycles of garbage are looked for."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collected_seldom", "uncollected"]

_THINGS = 10_000


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


def collected_seldom() -> None:
    """For a process that steps all its life, once it has begun: what is there by now stays, and the rest is looked through seldom.

    Or else the states that a detector holds make the collector go through all of it again and again.
    """
    gc.freeze()
    gc.set_threshold(_THINGS)
