"""Graphs that are no halves of a codec are refused in one line, when they are read or when they first answer."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from telucodec.errors import ModelError
from telucodec.runtime.bundle import Graph

FLOAT = TensorProto.FLOAT


def graph(nodes, inputs, outputs, constants=()):
    made = helper.make_graph([helper.make_node(*node[:-1], **node[-1]) for node in nodes], "g", inputs, outputs, constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def of(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


SIGNAL = of("x", [1, 3, "t"])
SAME = ("Identity", ["x"], ["y"], {})
NO_HALVES = {
    "a state of no size": graph([SAME, ("Identity", ["s"], ["s2"], {})], [SIGNAL, of("s", [])], [of("y", None), of("s2", [])]),
    "a state of integers": graph(
        [SAME, ("Identity", ["s"], ["s2"], {})],
        [SIGNAL, of("s", [1, 2], TensorProto.INT64)],
        [of("y", None), of("s2", [1, 2], TensorProto.INT64)],
    ),
    "a state that is a list": graph(
        [SAME, ("Identity", ["s"], ["s2"], {})],
        [SIGNAL, helper.make_tensor_sequence_value_info("s", FLOAT, None)],
        [of("y", None), helper.make_tensor_sequence_value_info("s2", FLOAT, None)],
    ),
}
NO_SIGNALS = {
    "one number": graph([("ReduceSum", ["x"], ["y"], {"keepdims": 0})], [SIGNAL], [of("y", [])]),
    "a list": graph([("SequenceConstruct", ["x", "x"], ["y"], {})], [SIGNAL], [helper.make_tensor_sequence_value_info("y", FLOAT, None)]),
    "words": graph([("Cast", ["x"], ["y"], {"to": TensorProto.STRING})], [SIGNAL], [of("y", None, TensorProto.STRING)]),
}


@pytest.mark.parametrize("content", NO_HALVES.values(), ids=NO_HALVES)
def test_what_remembers_anything_but_signals_is_refused(content):
    with pytest.raises(ModelError, match="decoder.onnx: takes or gives other signals"):
        Graph(content, "decoder.onnx")


@pytest.mark.parametrize("content", NO_SIGNALS.values(), ids=NO_SIGNALS)
def test_what_gives_anything_but_signals_is_refused(content):
    with pytest.raises(ModelError, match="decoder.onnx: gives something else than signals"):
        Graph(content, "decoder.onnx").step(np.ones((1, 3, 2), np.float32), [])


@pytest.mark.parametrize("place", ["{name}", "./{name}", "../{folder}/{name}", "{path}"])
def test_parameters_are_read_from_no_other_file(tmp_path, monkeypatch, place):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.ones(300, np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    elsewhere = TensorProto(name="w", data_type=FLOAT, dims=[1, 3, 100], data_location=TensorProto.EXTERNAL)
    elsewhere.external_data.add(key="location", value=place.format(name=secret.name, folder=tmp_path.name, path=secret))
    with pytest.raises(ModelError, match="decoder.onnx: is no graph that can be run"):
        Graph(graph([("Add", ["x", "w"], ["y"], {})], [of("x", [1, 3, 100])], [of("y", None)], [elsewhere]), "decoder.onnx")


def test_what_does_not_run_is_told_in_one_line_alone(capfd):
    entries = TensorProto(name="w", data_type=FLOAT, dims=[2, 1], raw_data=bytes(8))
    found = Graph(
        graph([("Gather", ["w", "x"], ["y"], {})], [of("x", [1, "t"], TensorProto.INT64)], [of("y", None)], [entries]), "decoder.onnx"
    )
    with pytest.raises(ModelError, match="decoder.onnx: does not run"):
        found.step(np.full((1, 3), 999), [])
    assert capfd.readouterr() == ("", "")
