"""Matrices in 8 bits with fixed scales: smaller, nearly the same, and the same however frames come."""

import numpy as np
import onnx
import pytest
import torch

from telucodec.export.eight_bits import in_eight_bits
from telucodec.export.graphs import synthesis_graph
from telucodec.export.sixteen_bits import in_sixteen_bits
from telucodec.models.synthesis import SynthesisConfig
from telucodec.runtime.bundle import Graph

INPUTS, OUTPUTS, FRAMES = 40, 30, 60


@pytest.fixture(scope="module")
def signal():
    return np.random.default_rng(0).standard_normal((1, INPUTS, FRAMES)).astype(np.float32)


@pytest.fixture(scope="module")
def float_graph():
    torch.manual_seed(0)
    net = SynthesisConfig(inputs=INPUTS, outputs=OUTPUTS, width=64, blocks=2).build().eval()
    torch.nn.init.normal_(net.links[-1].conv.weight, std=0.1)
    for block in net.links[1:-1]:
        torch.nn.init.ones_(block.scale)
    return synthesis_graph(net.requires_grad_(False))


@pytest.fixture(scope="module")
def heard(float_graph, signal):
    silence = Graph(float_graph, "float").silence()
    return [{"signal": signal} | {f"state_{number}": state for number, state in enumerate(silence)}]


@pytest.fixture(scope="module")
def eight(float_graph, heard):
    return in_sixteen_bits(in_eight_bits(in_sixteen_bits(float_graph), heard))


def through(graph, signal):
    graph = Graph(graph, "graph")
    return graph.step(signal, graph.silence())[0]


def test_it_is_smaller_and_nearly_the_same(float_graph, eight, signal):
    assert len(eight) < 0.5 * len(float_graph)
    expected, found = through(float_graph, signal), through(eight, signal)
    error = ((expected - found) ** 2).mean() / expected.var()
    assert 1e-8 < error < 7e-5  # 9e-5 where what comes out of products is rounded too


@pytest.mark.parametrize("scales", ["as they come", "fixed"])
def test_sixteen_bits_hold_two_products(float_graph, heard, scales):
    graph = onnx.load_from_string(in_eight_bits(float_graph, heard if scales == "fixed" else None)).graph
    weights = [onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.INT8]
    largest = [int(np.abs(weight.astype(int)).max()) for weight in weights if weight.ndim == 2]
    assert len(largest) >= 4 and 32 < max(largest) and 2 * 255 * max(largest) < 2**15


def test_what_becomes_of_a_frame_does_not_depend_on_its_company(eight, signal):
    graph = Graph(eight, "graph")
    state, pieces = graph.silence(), []
    for first in range(0, FRAMES, 7):
        output, state = graph.step(signal[..., first : first + 7], state)
        pieces.append(output)
    np.testing.assert_allclose(np.concatenate(pieces, axis=-1), through(eight, signal), atol=2e-3)
