"""Features, experts, judge, reasons: a snapshot and its host's state give a verdict and the next state. No I/O."""

from vedette.detect.case import Case
from vedette.detect.expert import Expert
from vedette.detect.view import View

__all__ = ["Case", "Expert", "View"]
