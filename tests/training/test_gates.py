"""Every fault that wasted weeks is named by a gate within seconds, and a sound codec passes them all."""

import math

import numpy as np
import pytest
import torch
from tiny import built, on_cpu, speech_crops, tiny

from telucodec.data.manifest import Segment
from telucodec.training.faults import FAULTS
from telucodec.training.gates import Plan, apart, check, no_refuge, planned
from telucodec.training.recipe import recipe_of
from telucodec.training.trainer import Trainer

ENOUGH = Plan(10_000, 10.0)
BODY_OF = {"no tanh": "time-domain"}
GATE_OF = {
    "no straight-through gradient": "gradient path",
    "detached encoder": "gradient path",
    "no k-means start": "codebooks start at the latents",
    "no revival of dead codes": "dead codes come back",
    "learning rate 1e-5": "overfits one second",
    "L1 alone": "silence is no refuge",
    "BatchNorm at the output": "level kept",
}


def verdicts(config, codec=None, plan=ENOUGH):
    crops = speech_crops(config, 8)
    trainer = Trainer(codec or built(config), config.recipe, on_cpu())
    trainer.start(crops.batch(number) for number in range(100))
    return list(check(trainer.average, config.recipe, crops.batch(0), plan))


@pytest.mark.parametrize("body", ["spectral", "time-domain"])
def test_a_sound_codec_passes(body):
    failed = [str(verdict) for verdict in verdicts(tiny(body)) if not verdict.passed]
    assert not failed


@pytest.mark.parametrize(
    "quantizer", [{"kind": "rvq-factorised", "num_codebooks": 4, "codebook_size": 64}, {"kind": "fsq", "num_codebooks": 4}]
)
def test_a_sound_codec_with_another_quantizer_passes(quantizer):
    failed = [str(verdict) for verdict in verdicts(tiny(quantizer=quantizer)) if not verdict.passed]
    assert not failed


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault):
    config = tiny(BODY_OF.get(fault, "spectral"))
    codec, config = FAULTS[fault](built(config), config)
    found = {verdict.gate: verdict for verdict in verdicts(config, codec)}
    if fault == "no tanh":  # no fault of its own, but to be known
        assert found["full scale"].noted
        assert not next(v for v in verdicts(tiny("time-domain")) if v.gate == "full scale").noted
        return
    named = found[GATE_OF[fault]]
    assert not named.passed
    assert named.cause in str(named)
    assert "FAILED" in str(named)


def test_too_few_updates_are_named():
    assert not verdicts(tiny(), plan=Plan(1_400, 1.2))[0].passed


@pytest.mark.parametrize(
    ("updates", "said"), [(3_000, "FAILED"), (3_002, "noted"), (4_499, "noted"), (4_500, "passed"), (1_400, "FAILED"), (math.nan, "passed")]
)
def test_discriminators_that_hardly_join_are_named_before_the_run(updates, said):
    verdict = planned(Plan(updates, 1.2), recipe_of("adversarial"))
    assert str(verdict).startswith(said)
    assert ("join after 3,000" in str(verdict)) == (3_000 <= updates < 4_500)
    assert str(planned(Plan(3_000, 1.2), recipe_of("perceptual"))).startswith("passed")


def test_validation_on_what_was_learned_from_is_told():
    rows = [Segment(f"{name}.flac", 0.0, 5.0, f"{name}.mp4", "", 0.1, 0.5, 0.0) for name in "abcd"]
    assert str(apart(rows[:2], rows[2:])).startswith("passed  validation apart from training: 0 of 2 rows")
    told = apart(rows[:3], rows[1:])
    assert told.passed and str(told).startswith("noted   validation apart from training: 2 of 3 rows") and "b.mp4 at 0 s" in str(told)


def test_silent_data_is_named_rather_than_the_loss():
    verdict = no_refuge(tiny().recipe.loss, torch.zeros(4, 1, 6400), 16_000)
    assert not verdict.passed and "crops themselves are silent" in str(verdict)


def test_looking_ahead_is_named():
    config = tiny()
    codec = built(config)
    inner = codec.decoder.step
    codec.decoder.step = lambda x, state: (inner(x.flip(-1), state)[0].flip(-1), inner(x, state)[1])
    assert not {verdict.gate: verdict for verdict in verdicts(config, codec)}["causality"].passed


def test_gates_leave_the_codec_and_the_random_numbers_as_they_were():
    config = tiny()
    crops = speech_crops(config, 4)
    codec = built(config)
    before = {name: tensor.clone() for name, tensor in codec.state_dict().items()}
    state = torch.get_rng_state()
    list(check(codec, config.recipe, crops.batch(0), ENOUGH))
    assert torch.equal(state, torch.get_rng_state())
    for name, tensor in codec.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name].numpy(), err_msg=name)
