import numpy as np
import pytest

from telucodec.runtime.context import COEFFICIENT_PASSES, Layers
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.frames import Side, coefficient_row
from telucodec.runtime.model import HOP, Shaping
from telucodec.runtime.start import starts

SIDE = Side.of(None, 0, Shaping())


def by_networks_alone(coder, model, halves, start):
    rows = np.zeros(halves.shape, np.int32)
    networks = dict(zip(COEFFICIENT_PASSES, model.passes["fidelity"], strict=True))
    for plan, frames, bins, features in coder.coefficient_inputs(halves, SIDE, np.ones(halves.shape, bool), start):
        rows[frames, bins] = coefficient_row(networks[plan](features[:, None], bins // plan.stride)[:, 0], "fidelity")
    return rows


@pytest.fixture
def halves():
    """Noise with a falling spectrum, a few frames of silence, a lone coefficient high up, and one so quiet that hardly a mean moves."""
    halves = np.random.laplace(0, 6 * 0.97 ** np.arange(HOP), (80, HOP)).round().astype(np.int32)
    halves[20:30] = halves[50:60] = 0
    halves[25, 300], halves[55, 100] = 40, 1
    return halves


@pytest.mark.parametrize("start", [None, starts()[7]])
def test_where_nothing_is_heard_rows_are_those_of_the_network(start, codec, halves):
    rows = codec.coder.coefficient_rows(halves, SIDE, start=start)
    np.testing.assert_array_equal(rows, by_networks_alone(codec.coder, codec.model, halves, start))


def test_where_nothing_is_heard_networks_are_not_asked(codec, halves, monkeypatch):
    asked, answer = [], Layers.__call__

    def noted(layers, features, positions=None):
        asked.append(features[0].size)
        return answer(layers, features, positions)

    monkeypatch.setattr(Layers, "__call__", noted)
    coder = EntropyCoder(codec.model)
    coder.coefficient_rows(halves, SIDE)
    asked.clear()
    coder.coefficient_rows(halves, SIDE)
    assert 0.1 * halves.size < sum(asked) < 0.7 * halves.size
