"""Writes the judge's combination as an ONNX graph (operator set 18, float64)."""

from typing import Any

import numpy as np

from vedette.core import ConfigError
from vedette.detect import ABSENT, AMONG, COUNTED, LOUDEST, Combination

__all__ = ["judge_graph"]

_OPSET, _FORMAT = 18, 9


def judge_graph(combination: Combination) -> bytes:
    """The graph's bytes: `raw` [N, voices, 3] to `scaled` [N, voices, 3], `experts` [N, experts] and `total` [N].

    Raises:
        ConfigError: the package onnx, which only building needs, is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise ConfigError(
            "building a model needs the package onnx: install vedette[learn]"
        ) from error
    make, tensor = onnx.helper, onnx.numpy_helper.from_array
    voices, experts = len(combination.voices), len(combination.experts)
    wide = (1, voices, 1, -1)
    values: dict[str, Any] = {
        "low": np.float64(ABSENT),
        "high": np.float64(LOUDEST),
        "zero": np.float64(0.0),
        "among": np.float64(AMONG),
        "at": combination.at.reshape(wide),
        "rise": combination.rise.reshape(wide),
        "base": combination.base.reshape(1, voices, 1),
        "members": combination.members,
        "axis1": np.array([1]),
        "axis2": np.array([2]),
        "axis3": np.array([3]),
    }
    double = onnx.TensorProto.DOUBLE
    graph = make.make_graph(
        [
            make.make_node(kind, inputs.split(), [output], **more)
            for kind, inputs, output, more in _NODES
        ],
        "judge",
        [make.make_tensor_value_info("raw", double, ["hosts", voices, COUNTED])],
        [
            make.make_tensor_value_info("scaled", double, ["hosts", voices, COUNTED]),
            make.make_tensor_value_info("experts", double, ["hosts", experts]),
            make.make_tensor_value_info("total", double, ["hosts"]),
        ],
        [tensor(np.asarray(value), name) for name, value in values.items()],
    )
    model = make.make_model(
        graph, opset_imports=[make.make_opsetid("", _OPSET)], producer_name="vedette"
    )
    model.ir_version = _FORMAT
    onnx.checker.check_model(model, full_check=True)
    blob: bytes = model.SerializeToString(deterministic=True)
    return blob


_SUM = {"keepdims": 0}
_NODES: tuple[tuple[str, str, str, dict[str, int]], ...] = (
    ("Max", "raw low", "raised", {}),
    ("Min", "raised high", "held", {}),
    # each voice's scale: x + base + sum of rise * max(x - at, 0)
    ("Unsqueeze", "held axis3", "column", {}),
    ("Sub", "column at", "past", {}),
    ("Max", "past zero", "hinge", {}),
    ("Mul", "hinge rise", "bend", {}),
    ("ReduceSum", "bend axis3", "bends", _SUM),
    ("Add", "held base", "moved", {}),
    ("Add", "moved bends", "free", {}),
    ("Max", "free low", "floored", {}),
    ("Min", "floored high", "scaled", {}),
    # an expert's cases, then the experts
    ("Exp", "scaled", "weights", {}),
    ("ReduceSum", "weights axis2", "voices", _SUM),
    ("MatMul", "voices members", "sums", {}),
    ("Log", "sums", "experts", {}),
    ("Div", "experts among", "tempered", {}),
    ("Exp", "tempered", "parts", {}),
    ("ReduceSum", "parts axis1", "whole", _SUM),
    ("Log", "whole", "log", {}),
    ("Mul", "log among", "total", {}),
)
