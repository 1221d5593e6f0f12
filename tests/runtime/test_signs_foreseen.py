import numpy as np
import pytest

from telucodec.audio.mdct import whole_mdct
from telucodec.runtime.context import COEFFICIENT_PASSES, EDGE, Layers
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.frames import told
from telucodec.runtime.model import BIT_ROW, ESCAPE, HOP, Shaping, load_model
from telucodec.runtime.quantise import quantise
from telucodec.runtime.signs import BEFORE, COMMON_SIGN_FEATURES, MAGNITUDES, ROOTS, SignContext, likelier, sign_inputs


@pytest.fixture(scope="module")
def speech_integers(telugu):
    return quantise(whole_mdct(telugu[0], HOP), 0.04, 0, Shaping()).halves


def bits_of_a_sign(halves, mode="fidelity"):
    model = load_model()
    _, symbols, rows = EntropyCoder(model).sign_symbols(halves, mode)
    return model.tables.bits[rows, symbols].mean()


def test_signs_of_speech_take_less_than_a_bit(speech_integers):
    assert bits_of_a_sign(speech_integers) < 0.8


def test_signs_thrown_by_a_coin_take_a_bit_and_hardly_more(speech_integers):
    thrown = speech_integers * np.random.choice([-1, 1], speech_integers.shape)
    assert 0.99 < bits_of_a_sign(thrown) < 1.6  # what is sure of itself pays for being wrong


def test_a_steady_voice_is_foreseen():
    time_s = np.arange(32_000) / 16_000
    voice = sum(0.1 / k * np.sin(2 * np.pi * 120 * k * time_s + k) for k in range(1, 20)).astype(np.float32)
    assert bits_of_a_sign(quantise(whole_mdct(voice, HOP), 0.02, 0, Shaping()).halves) < 0.5


def test_all_signs_turned_take_the_same_bits(speech_integers):
    coder = EntropyCoder(load_model())
    for one, other in zip(coder.sign_symbols(speech_integers, "natural"), coder.sign_symbols(-speech_integers, "natural"), strict=True):
        undecided = one != other
        assert undecided.mean() < 0.05  # where both are as likely, above zero is taken for the likelier


def test_frame_by_frame_has_the_features_of_all_at_once():
    integers = np.random.randint(-40, 41, (7, 40)) * (np.random.random((7, 40)) < 0.4)
    together = {}
    for plan, frames, bins, features in sign_inputs(integers, told(integers)):
        together |= {(frame, place): column for frame, place, column in zip(frames, bins, features.T, strict=True)}
    context = SignContext(1, 40)
    for number, frame in enumerate(integers):
        context.begin(told(frame[None]))
        for plan in COEFFICIENT_PASSES:
            bins = plan.start + plan.stride * np.flatnonzero(frame[plan.positions])
            features = context.features(np.zeros_like(bins), bins, plan)
            for place, column in zip(bins, features.T, strict=True):
                np.testing.assert_array_equal(column, together.pop((number, place)))
            context.known[0, bins] = np.sign(frame[bins]) * context.magnitudes[0, bins]
        context.end(frame[None])
    assert not together


def test_features_are_what_they_are_said_to_be():
    integers = np.zeros((3, 20), int)
    integers[0, 9], integers[1, 12], integers[2, [5, 8, 9]] = -3, 30, (2, -1, 1)
    for plan, frames, bins, features in sign_inputs(integers, told(integers)):
        for place, column in zip(bins[frames == 2], features.T[frames == 2], strict=True):
            assert list(column[:MAGNITUDES]) == [ROOTS[abs(integers[2, place + offset])] for offset in range(-5, 6)]
            past = iter(column[MAGNITUDES:COMMON_SIGN_FEATURES])
            for distance, reach in enumerate(BEFORE, start=1):
                for offset in range(-reach, reach + 1):
                    value = integers[2 - distance, place + offset] if distance < 3 else 0
                    assert next(past) == np.sign(value) * ROOTS[abs(value)]
            assert list(column[COMMON_SIGN_FEATURES:]) == [
                np.sign(integers[2, place + offset]) * ROOTS[abs(integers[2, place + offset])] for offset in plan.offsets
            ]
    assert max(abs(offset) for plan in COEFFICIENT_PASSES for offset in plan.offsets) < EDGE


def test_what_escaped_is_told_after_the_signs():
    integers = np.zeros((2, 12), int)
    integers[0, 4], integers[1, 4] = 100, 100
    first, second = (column for _, _, _, features in sign_inputs(integers, told(integers)) for column in features.T)
    assert first[5] == second[5] == ROOTS[2 * ESCAPE]
    assert second[MAGNITUDES + BEFORE[0]] == ROOTS[100]


def test_the_likelier_sign_turns_with_those_around():
    def drawn(*shape):
        return np.random.randint(-127, 128, shape).astype(np.float32)

    plan = COEFFICIENT_PASSES[3]
    inputs = COMMON_SIGN_FEATURES + len(plan.offsets)
    layers = Layers(drawn(inputs, 8), drawn(80, 8), drawn(8, 8), drawn(8), drawn(8, 1), drawn(1))
    features, bins = drawn(inputs, 500), 3 + 4 * np.random.randint(0, 80, 500)
    signs, confidence = likelier(layers, features, bins, plan)
    turned = np.concatenate([features[:MAGNITUDES], -features[MAGNITUDES:]])
    others, same = likelier(layers, turned, bins, plan)
    np.testing.assert_array_equal(confidence, same)
    assert (signs == -others)[confidence > 0].all()
    assert len(np.unique(confidence)) > 5


def test_without_networks_a_sign_is_a_bit(speech_integers, golden_model):
    _, symbols, rows = EntropyCoder(golden_model).sign_symbols(speech_integers, "natural")
    assert (rows == BIT_ROW).all()
    np.testing.assert_array_equal(symbols, speech_integers[speech_integers != 0] < 0)
