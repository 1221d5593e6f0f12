from pathlib import Path

import numpy as np
import pytest
import torch

from telucodec.bitstream.container import HEADER_BYTES
from telucodec.errors import DataError
from telucodec.runtime import transform
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.model import HOP, PLANS, ROW_OF_MODE, SCALES, SIGN_PLANS, load_model
from telucodec.runtime.transform import TransformCodec
from telucodec.training.context import IntegerNet
from telucodec.training.examples import examples, packets
from telucodec.training.fit import FitConfig, fit, ideal_kbps


def test_trainable_twin_computes_what_will_ship():
    for name in PLANS:
        for layers in load_model().passes[name]:
            net = IntegerNet.of(layers)
            features = np.random.randint(-127, 128, (len(layers.first), 1, len(layers.bias))).astype(np.float32)
            with torch.no_grad():
                outputs = net(torch.from_numpy(features[:, 0].T), torch.arange(len(layers.bias))).numpy()
            np.testing.assert_array_equal(outputs * 2048, layers(features)[:, 0].T)
            again = net.layers()
            assert all(
                (getattr(again, field) == getattr(layers, field)).all() for field in ("first", "bias", "second", "last", "last_bias")
            )


def test_refitting_shortens_the_code_of_what_it_was_fitted_to(telugu):
    shipped = load_model()
    tuned = fit([telugu], FitConfig(minutes=1, max_updates=100, batch=1024, symbols=200_000, most_repeats=4), shipped)
    assert ideal_kbps(tuned, [telugu]) < ideal_kbps(shipped, [telugu])
    assert tuned.identity != shipped.identity


def test_counting_again_keeps_the_networks(telugu):
    shipped = load_model()
    counted = fit([telugu], FitConfig(minutes=0, most_repeats=1), shipped)
    assert counted.passes is shipped.passes
    assert (counted.frequencies != shipped.frequencies).any()
    assert ideal_kbps(counted, [telugu]) < 1.01 * ideal_kbps(shipped, [telugu])


def test_signs_are_learned_beside_networks_that_are_kept(telugu, golden_model):
    config = FitConfig(minutes=1, max_updates=150, batch=1024, learning_rate=1e-2, sign_hidden=16, most_repeats=2)
    model = fit([telugu], config, golden_model, names=SIGN_PLANS)
    assert all(model.passes[name] is golden_model.passes[name] for name in golden_model.passes)
    assert ideal_kbps(model, [telugu]) < 0.985 * ideal_kbps(golden_model, [telugu])
    decoded = TransformCodec(model).decode(TransformCodec(model).encode(telugu, kbps=8))
    assert decoded.shape == telugu.shape


def test_going_on_from_one_quantiser_gives_fidelity_mode_a_second_and_leaves_natural_mode_nearly_alone(telugu):
    one = load_model(Path(__file__).parents[1] / "golden" / "signs")
    model = fit([telugu], FitConfig(minutes=0, most_repeats=2), one, names=["fidelity"])
    assert model.dependent("fidelity") and model.tails and not one.dependent("fidelity")
    natural = slice(ROW_OF_MODE["natural"], ROW_OF_MODE["natural"] + SCALES)
    assert (model.frequencies[natural] == one.frequencies[natural]).all()
    assert (model.centroids[natural] == one.centroids[natural]).all() and (model.noise == one.noise).all()
    natural_files = [TransformCodec(codec).encode(telugu, quality=10)[HEADER_BYTES:] for codec in (model, one)]  # where nothing escapes
    assert natural_files[0] == natural_files[1]
    decoded = TransformCodec(model).decode(TransformCodec(model).encode(telugu, kbps=8, mode="fidelity"))
    assert 10 * np.log10((telugu**2).sum() / ((telugu - decoded) ** 2).sum()) > 20
    assert not fit([telugu], FitConfig(minutes=0, most_repeats=1), one, names=["natural"]).dependent("fidelity")


def test_a_model_without_signs_is_refitted_without_them(telugu, golden_model):
    model = fit([telugu], FitConfig(minutes=1, max_updates=2, symbols=50_000, most_repeats=1), golden_model)
    assert model.passes.keys() == golden_model.passes.keys()
    assert model.frequencies.shape == golden_model.frequencies.shape


def test_a_model_from_nothing_beats_its_own_beginning_and_codes(telugu):
    def trained(updates):
        return fit([telugu], FitConfig(hidden=8, minutes=1, max_updates=updates, batch=1024, symbols=50_000, most_repeats=2))

    little, more = trained(1), trained(60)
    assert ideal_kbps(more, [telugu]) < ideal_kbps(little, [telugu])
    decoded = TransformCodec(more).decode(TransformCodec(more).encode(telugu, kbps=8, mode="fidelity"))
    assert 10 * np.log10((telugu**2).sum() / ((telugu - decoded) ** 2).sum()) > 10


def test_the_same_seed_gives_the_same_model(telugu):
    config = FitConfig(hidden=8, minutes=5, max_updates=20, batch=1024, symbols=20_000, most_repeats=1)
    assert fit([telugu[:, :40_000]], config).identity == fit([telugu[:, :40_000]], config).identity


def test_examples_of_files_follow_the_power_of_files_and_packets_that_of_packets(telugu, monkeypatch):
    monkeypatch.setitem(transform.POWER_OF_MODE, "natural", 13)
    shipped, wave, rng = load_model(), telugu[:, :32_000], np.random.default_rng(0)
    assert {case.power for case in examples([wave], "natural", rng, shipped)} == {13}
    assert {case.power for case in packets([wave], "natural", rng, shipped)} == {10}


def test_networks_learn_from_live_packets(telugu):
    shipped = load_model()
    config = FitConfig(minutes=1, max_updates=150, batch=1024, symbols=200_000, most_repeats=4)
    model = fit([telugu], config, shipped, names=["natural", "levels"], live=True)
    cases = packets([telugu], "natural", np.random.default_rng(1), shipped)
    assert {len(case.frames.halves) for case in packets([telugu] * 20, "natural", np.random.default_rng(1), shipped)} == {1, 2, 3}
    bits = [sum(EntropyCoder(each).ideal_bits(case.frames, HOP, case.power, case.start) for case in cases) for each in (model, shipped)]
    assert bits[0] < 0.98 * bits[1]
    with pytest.raises(ValueError, match="live packets"):
        fit([telugu], config, live=True)


def test_silence_is_nothing_to_train_on():
    silence = [np.zeros((1, 32_000), np.float32)]
    with pytest.raises(DataError, match="every recording is silent"):
        fit(silence, FitConfig(minutes=0), load_model())
    assert np.isnan(ideal_kbps(load_model(), silence))
    assert np.isnan(ideal_kbps(load_model(), []))
