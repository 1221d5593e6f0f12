from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from telucodec.audio.mdct import whole_mdct
from telucodec.runtime.context import COEFFICIENT_PASSES
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.frames import Decoded, Frames, Side, symbols_of, told
from telucodec.runtime.model import ESCAPE, HOP, SCALES, SECOND_ROW, load_model
from telucodec.runtime.quantise import noise_signs, restore
from telucodec.runtime.rate_distortion import cheapest
from telucodec.runtime.trellis import LANE, NEXT, cheapest_path, second_reads

WIDTH = 40


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def coder(model):
    return EntropyCoder(model)


def halves_of(symbols):
    """What a decoder makes of `symbols` [F, n] of a packet, without signs."""
    return 2 * symbols - (second_reads(np.minimum(symbols, ESCAPE)) & (symbols > 0))


def walked(parities):
    """By the book: quantiser of each of `parities` [F, n], coefficient after coefficient."""
    found = np.empty_like(parities)
    for lane in range(parities.shape[1] // LANE):
        state = 0
        for frame, plan in product(range(len(parities)), COEFFICIENT_PASSES):
            place = LANE * lane + plan.start
            found[frame, place] = state & 1
            state = NEXT[state, parities[frame, place]]
    return found


def test_every_state_is_left_two_ways_and_reached_two_ways():
    assert sorted(NEXT.ravel()) == sorted([*range(8)] * 2)
    assert all(one != other for one, other in NEXT)


def test_quantisers_take_turns_as_parities_say():
    symbols = np.random.randint(0, 9, (7, WIDTH))
    np.testing.assert_array_equal(second_reads(symbols), walked(symbols & 1))
    assert not second_reads(np.zeros((5, WIDTH), int)).any()


def test_the_cheapest_path_is_the_cheapest_of_all():
    costs = np.random.random((2, 2, 2, LANE))
    frames, bins = np.indices((2, LANE))
    totals = []
    for bits in product((0, 1), repeat=2 * LANE):
        parities = np.reshape(bits, (2, LANE))
        totals.append(costs[walked(parities), parities, frames, bins].sum())
    seconds, parities = cheapest_path(costs)
    np.testing.assert_array_equal(seconds, walked(parities))
    assert costs[seconds, parities, frames, bins].sum() == pytest.approx(min(totals))


def test_lanes_do_not_meet():
    costs = np.random.random((2, 2, 6, WIDTH))
    together = cheapest_path(costs)
    for one, all_of_it in zip(cheapest_path(costs[..., 8:12]), together, strict=True):
        np.testing.assert_array_equal(one, all_of_it[:, 8:12])


def test_half_steps_keep_their_symbols_and_their_quantiser():
    symbols = np.random.randint(0, 40, (9, WIDTH))
    halves = halves_of(symbols)
    np.testing.assert_array_equal(symbols_of(halves), symbols)
    np.testing.assert_array_equal(symbols_of(-halves), symbols)
    np.testing.assert_array_equal((halves & 1)[symbols > 0], second_reads(np.minimum(symbols, ESCAPE))[symbols > 0])
    np.testing.assert_array_equal(symbols_of(told(halves)), np.minimum(symbols, ESCAPE))
    np.testing.assert_array_equal(told(halves) & 1, halves & 1)


@pytest.mark.parametrize("cut", [0, 4, WIDTH, HOP])
def test_any_symbols_come_back_escapes_too(coder, cut):
    symbols = np.zeros((9, HOP), np.int32)
    symbols[:, :cut] = np.random.choice([0, 0, 0, 1, 1, 2, 3, 16, 17, 18, 90, 4000], (9, cut))
    frames = Frames((halves_of(symbols) * np.random.choice([-1, 1], symbols.shape)).astype(np.int32), None)
    (decoded,) = coder.decode([coder.encode(frames, cut, 0)], [9], [cut], 0)
    np.testing.assert_array_equal(decoded.halves, frames.halves)


def test_packets_side_by_side_decode_as_alone(coder, model, telugu):
    coefficients = whole_mdct(telugu[0], HOP)
    packets = [cheapest(coefficients[first : first + 20], step, 0, coder, model) for first, step in ((100, 0.05), (160, 0.02), (220, 0.01))]
    cuts = [4 * (1 + np.flatnonzero(packet.halves.any(axis=0))[-1] // 4) for packet in packets]
    assert len(set(cuts)) > 1
    payloads = [coder.encode(packet, cut, 0) for packet, cut in zip(packets, cuts, strict=True)]
    for decoded, packet in zip(coder.decode(payloads, [20] * 3, cuts, 0), packets, strict=True):
        np.testing.assert_array_equal(decoded.halves, packet.halves)


def test_what_an_encoder_chooses_a_decoder_can_read_and_both_quantisers_are_used(coder, model, telugu):
    halves = cheapest(whole_mdct(telugu[0], HOP), 0.02, 0, coder, model).halves
    np.testing.assert_array_equal(halves_of(symbols_of(halves)), np.abs(halves))
    assert 0.2 < (halves[halves != 0] & 1).mean() < 0.8


@pytest.mark.parametrize("step", [0.03, 0.01, 0.003])
@pytest.mark.parametrize("pause_s", [0.05, 0.3, 1.0])
def test_speech_with_a_pause_of_digital_silence_comes_back(coder, model, telugu, step, pause_s):
    """There too a lane may have to leave its state with an odd integer."""
    pause = np.zeros(round(16_000 * pause_s), np.float32)
    coefficients = whole_mdct(np.concatenate([telugu[0, :24_000], pause, telugu[0, 24_000:60_000]]), HOP)
    frames = cheapest(coefficients, step, 0, coder, model)
    (decoded,) = coder.decode([coder.encode(frames, HOP, 0)], [len(coefficients)], [HOP], 0)
    np.testing.assert_array_equal(decoded.halves, frames.halves)


def test_points_of_the_other_quantiser_are_refused(coder):
    halves = np.zeros((2, HOP), np.int32)
    halves[0, 0] = 1  # a packet begins with the first quantiser
    with pytest.raises(ValueError, match="between the points"):
        coder.encode(Frames(halves, None), 4, 0)


def test_two_quantisers_by_turns_save_bits_over_one(coder, model, telugu):
    one = replace(model, frequencies=model.frequencies[:SECOND_ROW], centroids=model.centroids[: 2 * SCALES])
    assert model.dependent("fidelity") and not model.dependent("natural") and not one.dependent("fidelity")
    coefficients = whole_mdct(telugu[0], HOP)

    def bits_and_error_db(of, step):
        codec = EntropyCoder(of)
        frames = cheapest(coefficients, step, 0, codec, of)
        rows = codec.coefficient_rows(frames.halves, Side.of(None, 0, of.shaping))
        restored = restore(Decoded(frames.halves, None, rows), step, 0, of, noise_signs(0, len(coefficients)))
        error = ((restored.coefficients - coefficients) ** 2).sum()
        return codec.ideal_bits(frames, HOP, 0), 10 * np.log10(error)

    plain = np.transpose([bits_and_error_db(one, 0.02 * 2.0**octaves) for octaves in (0.3, 0, -0.3, -0.6)])
    bits, error_db = bits_and_error_db(model, 0.02)
    assert bits < 0.98 * np.interp(-error_db, -plain[1], plain[0])


def test_a_decoder_tells_what_was_expected_and_by_which_quantiser(coder, model, telugu):
    frames = cheapest(whole_mdct(telugu[0], HOP), 0.02, 0, coder, model)
    (decoded,) = coder.decode([coder.encode(frames, HOP, 0)], [len(frames.halves)], [HOP], 0)
    restored = restore(decoded, 0.02, 0, model, noise_signs(0, len(frames.halves)))
    seen = decoded.halves != 0
    np.testing.assert_array_equal(restored.second[seen], decoded.halves[seen] & 1)
    assert 0 < restored.second[~seen].mean() < 1
    np.testing.assert_array_equal(restored.scales, coder.coefficient_rows(frames.halves, Side.of(None, 0, model.shaping)))
    magnitude = np.abs(restored.values)
    assert magnitude[restored.scales > 32].mean() > 2 * magnitude[(8 < restored.scales) & (restored.scales <= 32)].mean() > 0
