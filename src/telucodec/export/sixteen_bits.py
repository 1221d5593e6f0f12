"""Parameters of a graph stored in 16 bits: half the file; whoever runs it computes in 32 bits as before."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LEAST_NUMBERS = 256
"""Smaller parameters stay as they are."""


def in_sixteen_bits(graph: bytes) -> bytes:
    """The ONNX file `graph` with its larger parameters as float16, cast back when it is read; but for scales of integers."""
    model = onnx.load_from_string(graph)
    casts = []
    scales = {node.input[1] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    for parameter in model.graph.initializer:
        if parameter.data_type == TensorProto.FLOAT and np.prod(parameter.dims) >= LEAST_NUMBERS and parameter.name not in scales:
            name, values = parameter.name, numpy_helper.to_array(parameter)
            parameter.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    for number, cast in enumerate(casts):
        model.graph.node.insert(number, cast)
    return model.SerializeToString()
