"""Opens the model. Apart from what all processes share: only those that judge need the detector and its libraries."""

from pathlib import Path

from vedette.detect import EXPERTS, REFERENCE, WARM, Bundle, Detector

__all__ = ["load_detector"]


def load_detector(model: Path | None, *, budget: float = REFERENCE, warm: int = WARM) -> Detector:
    """A detector with the bundle in this folder, or the shipped one, and the incidents a host-month it may cost.

    It holds at most `warm` bytes of states.

    Raises:
        ConfigError: the bundle can't be used or lacks a part, or the budget is out of bounds.
    """
    bundle = Bundle.load(model) if model else Bundle.shipped()
    return Detector(bundle.whole((*EXPERTS, "judge")), budget=budget, warm=warm)
