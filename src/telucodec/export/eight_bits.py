"""Matrices of a graph in 8 bits: four times smaller, products of integers where the processor has them."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static

Inputs = Mapping[str, np.ndarray]
"""Arrays by the names of a graph's inputs."""


def in_eight_bits(graph: bytes, heard: Iterable[Inputs] | None = None) -> bytes:
    """The ONNX file `graph` with the weights of its matrix products in int8, scaled by column.

    Weights keep 7 bits, so that 16 bits hold the sums of two products on processors that add them there. Activations are scaled as
    they come, by all frames of a call; where `heard` says what a graph usually hears, as they are then. With such fixed scales what
    becomes of a frame does not depend on the frames that are computed with it. What comes out of a product is not rounded again.
    """
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        before.write_bytes(graph)
        weights = {"op_types_to_quantize": ["MatMul", "Gemm"], "per_channel": True, "weight_type": QuantType.QInt8, "reduce_range": True}
        if heard is None:
            quantize_dynamic(before, after, **weights)
        else:
            _fold(before)
            options = {"MatMulConstBOnly": True, "OpTypesToExcludeOutputQuantization": weights["op_types_to_quantize"]}
            quantize_static(before, after, _Heard(iter(heard)), **weights, activation_type=QuantType.QUInt8, extra_options=options)
        return after.read_bytes()


class _Heard(CalibrationDataReader):
    def __init__(self, inputs):
        self._inputs = inputs

    def get_next(self):
        return next(self._inputs, None)


def _fold(path: Path) -> None:
    """Work out what depends on parameters alone, so that matrices stored in 16 bits are found."""
    options = SessionOptions()
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
