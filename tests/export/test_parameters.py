"""A stored graph gives back the network it was made of."""

import pytest
import torch

from telucodec.config import parse, read_toml
from telucodec.export.parameters import parameters_of
from telucodec.runtime.bundle import Graph
from telucodec.runtime.model import WEIGHTS, load_model
from telucodec.runtime.synthesis import USES
from telucodec.training.recipe import CONFIGS
from telucodec.training.synthesis import SynthesisRecipe


@pytest.mark.parametrize("mode", USES)
def test_learning_goes_on_from_what_is_shipped(mode):
    path = CONFIGS / ("refinement.toml" if mode == "fidelity" else "synthesis.toml")
    recipe = parse(read_toml(path) | {"mode": mode}, SynthesisRecipe, path)
    shipped = (WEIGHTS / USES[mode].file_name).read_bytes()
    repair = recipe.build(load_model().shaping.weighting)
    repair.load_state_dict(parameters_of(shipped))
    signal = torch.rand(1, repair.net.config.inputs, 30, generator=torch.Generator().manual_seed(0))
    kept, _ = Graph(shipped, "shipped").step(signal.numpy(), Graph(shipped, "shipped").silence())
    with torch.no_grad():
        found, _ = repair.net.step(signal, repair.net.silence(1))
    assert kept.std() > 0.01
    assert ((found.numpy() - kept) ** 2).mean() < 0.01 * kept.var()  # what numbers in 8 bits round away
