"""Parameters in half the bytes, but for scales of integers, which may be too small for 16 bits."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from telucodec.export.sixteen_bits import in_sixteen_bits


def test_scales_of_integers_stay_as_they_are():
    parameters = {"scale": np.full(300, 1e-9, np.float32), "integers": np.ones(300, np.int8), "bias": np.ones(300, np.float32)}
    nodes = [
        helper.make_node("DequantizeLinear", ["integers", "scale"], ["weight"], axis=0),
        helper.make_node("Add", ["weight", "bias"], ["sum"]),
    ]
    sum_of = helper.make_tensor_value_info("sum", TensorProto.FLOAT, [300])
    held = [numpy_helper.from_array(value, name) for name, value in parameters.items()]
    graph = helper.make_model(helper.make_graph(nodes, "graph", [], [sum_of], held)).SerializeToString()
    found = {each.name: numpy_helper.to_array(each) for each in onnx.load_from_string(in_sixteen_bits(graph)).graph.initializer}
    assert found["bias.half"].dtype == np.float16
    np.testing.assert_array_equal(found["scale"], parameters["scale"])
