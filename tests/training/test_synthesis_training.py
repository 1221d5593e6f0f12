import itertools
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from telucodec.audio.mdct import inverse_mdct, whole_mdct
from telucodec.config import parse, read_toml
from telucodec.errors import DataError
from telucodec.export.graphs import synthesis_graph
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.envelope import BANDS
from telucodec.runtime.frames import Decoded, Side
from telucodec.runtime.model import HOP, load_model
from telucodec.runtime.quantise import noise_signs, quantise, restore
from telucodec.runtime.synthesis import REFINED, Synthesis
from telucodec.training.recipe import CONFIGS
from telucodec.training.run_folder import CHECKPOINT
from telucodec.training.synthesis import REFINED_PARTS, Crops, Prepared, SynthesisRecipe, SynthesisTrainer, prepare, train_synthesis

SMALL = {"width": 32, "blocks": 2, "batch_size": 4, "crop_frames": 40, "optimiser": {"learning_rate": 5e-3, "warmup_updates": 5}}


def quiet(done, total, name):
    pass


@pytest.fixture(scope="module", params=["natural", "fidelity", "live"])
def recipe(request):
    path = CONFIGS / ("refinement.toml" if request.param == "fidelity" else "synthesis.toml")
    return parse(read_toml(path) | SMALL | {"mode": request.param}, SynthesisRecipe, path)


@pytest.fixture(scope="module")
def prepared(recipe, telugu, tmp_path_factory):
    return prepare([telugu], load_model(), recipe.mode, tmp_path_factory.mktemp("prepared"), 0, quiet)


def trainer(recipe, prepared):
    return SynthesisTrainer(recipe, Crops([prepared], recipe), Fabric(accelerator="cpu", devices=1))


def test_learning_brings_decoded_speech_nearer_to_the_original(recipe, prepared):
    too_quiet = {"values": (0.4 * prepared.parts["values"]).astype(np.float16)}
    learner = trainer(recipe, replace(prepared, parts=prepared.parts | too_quiet))

    def heard():
        with torch.no_grad():
            return np.mean([float(learner.compare(learner.average, learner.crops, 1000 + number)[0]) for number in range(4)])

    before = heard()
    for _ in range(60):
        learner.update(0.0)
    assert heard() < before - {"natural": 0.03 * before, "fidelity": 0.3, "live": 0.03 * before}[recipe.mode]  # the latter in dB


def test_what_goes_on_is_what_never_stopped(recipe, prepared):
    whole, first, second = (trainer(recipe, prepared) for _ in range(3))
    for number in range(6):
        whole.update(number / 6)
    for number in range(3):
        first.update(number / 6)
    second.load_state_dict(first.state_dict())
    for number in range(3, 6):
        second.update(number / 6)
    for name, tensor in whole.state_dict()["average"].items():
        assert torch.equal(tensor, second.state_dict()["average"][name]), name


def after_steps(monkeypatch, number, happens):
    """Have it happen amid an update: when the optimiser has taken so many steps, before anyone notes it."""
    step, calls = torch.optim.AdamW.step, itertools.count(1)

    def stepped(self, *arguments):
        step(self, *arguments)
        if next(calls) == number:
            happens()

    monkeypatch.setattr(torch.optim.AdamW, "step", stepped)


def train_for_a_minute(recipe, prepared, folder):
    return train_synthesis(recipe, [prepared], prepared, 1.0, folder, Fabric(accelerator="cpu", devices=1), lambda line: None)


def test_ctrl_c_within_an_update_waits_for_its_end(recipe, prepared, tmp_path, monkeypatch):
    after_steps(monkeypatch, 2, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        train_for_a_minute(recipe, prepared, tmp_path)
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    assert state["updates"] == state["optimiser"]["state"][0]["step"] == 2


def test_an_update_that_breaks_off_leaves_nothing_to_go_on_from(recipe, prepared, tmp_path, monkeypatch):
    after_steps(monkeypatch, 2, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train_for_a_minute(recipe, prepared, tmp_path)
    assert not (tmp_path / CHECKPOINT).exists()


def test_training_and_runtime_repair_alike(telugu, recipe):
    model, power, step = load_model(), {"natural": 13, "fidelity": 0, "live": 10}[recipe.mode], 0.02
    torch.manual_seed(0)
    repair = recipe.build(model.shaping.weighting).eval().requires_grad_(False)
    for name, parameter in repair.net.named_parameters():
        if not parameter.any() and name.endswith("weight"):  # the last layer's
            torch.nn.init.normal_(parameter, std=0.1)
    coefficients = whole_mdct(telugu[0], HOP)
    frames = quantise(coefficients, step, power, model.shaping)
    rows = EntropyCoder(model).coefficient_rows(frames.halves, Side.of(frames.levels, power, model.shaping))
    restored = restore(Decoded(frames.halves, frames.levels, rows), step, power, model, noise_signs(0, len(coefficients)))
    repaired = Synthesis(lambda: synthesis_graph(repair.net), "net", recipe.mode).begin().push(restored, power)[1:]
    parts = {
        "values": restored.values,
        "zero": restored.zero,
        "levels": np.zeros((len(rows), BANDS)) if frames.levels is None else frames.levels,
        "dials": np.tile(np.float32([step, power]), (len(rows), 1)),
        "known": np.ones((len(rows), 1), bool),
    }
    if recipe.mode == "fidelity":
        parts |= {name: getattr(restored, name)[:, :REFINED] for name in REFINED_PARTS}
    sound = repair({name: torch.from_numpy(part)[None] for name, part in parts.items()})
    expected, _ = inverse_mdct(repaired, np.zeros(HOP, np.float32))
    assert np.abs(sound[0, 0].numpy() - expected).max() < 1e-4
    plain, _ = inverse_mdct(restored.coefficients[:-1], np.zeros(HOP, np.float32))
    assert np.abs(plain - expected).max() > 1e-3


def test_a_prepared_recording_is_read_again(recipe, prepared, tmp_path_factory, telugu):
    folder = tmp_path_factory.mktemp("again")
    prepare([telugu], load_model(), recipe.mode, folder, 0, quiet)
    again = Prepared.read(folder)
    assert all(np.array_equal(again.parts[name], part) for name, part in prepared.parts.items())
    np.testing.assert_array_equal(again.weighting, load_model().shaping.weighting)


def test_silence_alone_teaches_nothing(tmp_path):
    with pytest.raises(DataError, match="silent"):
        prepare([np.zeros((1, 16_000), np.float32)], load_model(), "natural", tmp_path, 0, quiet)


def test_too_little_sound_is_told(prepared, recipe):
    short = replace(prepared, parts={name: part[:10] for name, part in prepared.parts.items()}, ends=np.array([10]))
    with pytest.raises(DataError, match="10 frames"):
        Crops([short], recipe)


def test_what_models_of_other_weightings_coded_does_not_mix(prepared, recipe):
    with pytest.raises(DataError, match="different models"):
        Crops([prepared, replace(prepared, weighting=prepared.weighting + 1)], recipe)


def test_crops_come_from_all_that_was_prepared(prepared, recipe):
    marked = [replace(prepared, parts={name: np.full_like(part, mark) for name, part in prepared.parts.items()}) for mark in (0, 1)]
    drawn = np.concatenate([Crops(marked, recipe).batch(number)["levels"] for number in range(20)])
    assert (drawn == drawn[:, :1, :1]).all() and 0.3 < drawn.mean() < 0.7


def test_what_was_made_up_passes_unchanged_and_is_not_heard(telugu, prepared, recipe):
    repair = recipe.build(prepared.weighting).eval().requires_grad_(False)
    for parameter in repair.net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    parts = {name: torch.from_numpy(np.array(part[:40]))[None] for name, part in prepared.parts.items()}
    made_up = {"known": torch.zeros_like(parts["known"]), "levels": torch.zeros_like(parts["levels"])}
    made_up["dials"] = torch.tensor([1.0, 0.0]).expand_as(parts["dials"])
    expected, _ = inverse_mdct(parts["values"][0, :-1].float().numpy(), np.zeros(HOP, np.float32))
    np.testing.assert_allclose(repair(parts | made_up)[0, 0].numpy(), expected, atol=1e-4)
    assert not repair.heard(parts | made_up).any() and repair.heard(parts).any()
    assert np.abs(repair(parts)[0, 0].numpy() - expected).max() > 1e-2


def test_of_several_collections_the_one_without_a_crop_is_told():
    path = CONFIGS / "synthesis.toml"
    recipe = parse(read_toml(path) | SMALL, SynthesisRecipe, path)
    long, short = (Prepared({}, np.array([frames]), np.zeros(HOP)) for frames in (1000, 30))
    with pytest.raises(DataError, match=": 30 frames of sound are less than one crop"):
        Crops([long, short], recipe)
