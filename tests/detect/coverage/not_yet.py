"""What leaves a trace and is not told as it should be: known gaps, named so that the page says them too.

A test fails when one of these is told rightly after all: then its line here goes.
"""

from tests.detect.coverage.unseen import UNSEEN

__all__ = ["NOT_YET"]

NOT_YET: frozenset[str] = UNSEEN | frozenset(
    {
        # the very trace of a comment that configuration management writes
        "T1574.007: the path of scheduled jobs is changed",
    }
)
