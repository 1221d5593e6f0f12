"""The parameters of a graph as it is stored, so that learning can go on from a shipped one: as near as 8 and 16 bits keep them."""

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor


def parameters_of(graph: bytes) -> dict[str, Tensor]:
    """Parameters of the network of the ONNX file `graph` by their names, in 32 bits."""
    model = onnx.load_from_string(graph).graph
    stored = {parameter.name.removesuffix(".half"): numpy_helper.to_array(parameter) for parameter in model.initializer}
    found = {name: values.astype(np.float32) for name, values in stored.items() if name.startswith("net.")}
    matrices = {
        node.output[0]: (stored[node.input[0]].astype(np.float32) - stored[node.input[2]]) * stored[node.input[1]]
        for node in model.node
        if node.op_type == "DequantizeLinear" and node.input[0] in stored
    }
    products = {node.output[0]: matrices[node.input[1]] for node in model.node if node.op_type == "MatMul" and node.input[1] in matrices}
    for node in model.node:  # a matrix lost its name when it was put into 8 bits; the bias that is added to its product did not
        if node.op_type == "Add" and node.input[0] in products:
            found[f"{node.input[1].removesuffix('bias')}weight"] = products[node.input[0]].T
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in found.items()}
