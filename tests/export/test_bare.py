"""A graph tells nothing of the machine that made it, and computes as it did."""

import numpy as np
import onnx
import pytest
import torch

from telucodec.export.bare import bare
from telucodec.export.eight_bits import in_eight_bits
from telucodec.export.graphs import synthesis_graph
from telucodec.models.synthesis import SynthesisConfig
from telucodec.runtime.bundle import Graph
from telucodec.runtime.model import WEIGHTS
from telucodec.runtime.synthesis import USES


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return SynthesisConfig(inputs=40, outputs=30, width=64, blocks=2).build().eval().requires_grad_(False)


def test_an_exported_graph_holds_no_paths_and_is_the_same_again(net):
    graph = synthesis_graph(net)
    for made in (graph, in_eight_bits(graph)):
        assert b".py" not in made
    assert synthesis_graph(net) == graph == bare(graph)


@pytest.mark.parametrize("mode", USES)
def test_no_graph_ships_with_notes(mode):
    shipped = (WEIGHTS / USES[mode].file_name).read_bytes()
    assert bare(shipped) == shipped


def test_without_its_notes_a_graph_computes_the_same(net):
    graph = synthesis_graph(net)
    noted = onnx.load_from_string(graph)
    for place in (noted, noted.graph, *noted.graph.node, *noted.graph.input, *noted.graph.initializer):
        place.doc_string = "made at /home/sita"
        place.metadata_props.add(key="stack", value="/home/sita/graphs.py")
    told = np.random.standard_normal((1, 40, 9)).astype(np.float32)
    outputs = [Graph(made, "graph").step(told, Graph(made, "graph").silence())[0] for made in (noted.SerializeToString(), graph)]
    np.testing.assert_array_equal(*outputs)
    assert bare(noted.SerializeToString()) == graph
