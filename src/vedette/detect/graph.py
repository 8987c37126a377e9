"""The judge's combination as the bundle's ONNX graph, run by ONNX Runtime."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.core import ConfigError
from vedette.detect.combination import COUNTED, VOICES

__all__ = ["Graph"]

Floats = NDArray[Any]


class Graph:
    """Computes what `Combination` does, from the graph that `model build` made of it. One thread: a wave is small.

    Raises:
        ConfigError: it is no graph, or not one of these voices.
    """

    def __init__(self, blob: bytes) -> None:
        # Loaded with the first graph: who only reads what a bundle is has no need of it.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                blob, options, providers=["CPUExecutionProvider"]
            )
            self(np.zeros((1, len(VOICES), COUNTED)))
        # The runtime's own errors have no common class but this one.
        except Exception as error:
            raise ConfigError(f"the judge's graph in the bundle can't be run: {error}") from error

    def __call__(self, raw: Floats) -> tuple[Floats, Floats, Floats]:
        """As `Combine` says."""
        scaled, experts, total = self._session.run(["scaled", "experts", "total"], {"raw": raw})
        return scaled, experts, total
