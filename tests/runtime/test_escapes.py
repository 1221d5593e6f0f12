"""Magnitudes beyond the tables come back whatever their size, with rows of their own or without, and cost fewer bits with them."""

from dataclasses import replace

import numpy as np
import pytest

from telucodec.audio.mdct import whole_mdct
from telucodec.runtime.context import MAGNITUDE_CODES
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.envelope import BANDS
from telucodec.runtime.frames import MAX_MAGNITUDE, Frames, Side
from telucodec.runtime.model import BIT_ROW, ESCAPE, HOP, TAIL_END, TAIL_ROW, TAILS, load_model
from telucodec.runtime.quantise import quantise, used_fours
from telucodec.runtime.rate_distortion import cheapest
from telucodec.runtime.start import starts
from telucodec.runtime.trellis import second_reads

SIZES = [0, 1, ESCAPE - 1, *(ESCAPE + 17 * turn + more for turn in range(5) for more in (-1, 0, 1)), 4000, MAX_MAGNITUDE]


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def without(model):
    return replace(model, frequencies=model.frequencies[:TAIL_ROW])


def test_without_its_last_rows_a_model_has_no_tails(model, without):
    assert model.tails and not without.tails
    assert without.dependent("fidelity") and len(model.frequencies) == TAIL_ROW + TAILS


@pytest.mark.parametrize("which", ["model", "without"])
def test_any_size_comes_back(which, request):
    coder = EntropyCoder(request.getfixturevalue(which))
    sizes = np.random.choice(SIZES, (5, HOP))
    levels = np.full((5, BANDS), 14)  # as loud as any, so that all is sent
    frames = Frames((2 * sizes * np.random.choice([-1, 1], sizes.shape)).astype(np.int32), levels.astype(np.int32))
    (decoded,) = coder.decode([coder.encode(frames, HOP, 10)], [5], [HOP], 10)
    np.testing.assert_array_equal(decoded.halves, frames.halves)
    np.testing.assert_array_equal(decoded.levels, frames.levels)


def test_what_no_decoder_takes_is_refused(model):
    halves = np.zeros((1, HOP), np.int32)
    halves[0, 8] = -2 * (MAX_MAGNITUDE + 1)
    with pytest.raises(ValueError, match="larger than any that a decoder takes"):
        EntropyCoder(model).encode(Frames(halves, None), HOP, 0)


def test_what_lies_beyond_is_told_in_rounds_by_the_frame_before(model):
    halves = np.zeros((2, HOP), np.int32)
    halves[0, [3, 8]], halves[1, [4, 6, 20]] = 2 * 20, 2 * np.array([20, 34, 77])
    side = Side.of(None, 0, model.shaping)
    rounds = [tuple(part.tolist() for part in parts) for parts in EntropyCoder(model).tail_symbols(halves, side)]
    near, far = TAIL_ROW + int(MAGNITUDE_CODES[40]) // 2, TAIL_ROW  # 8 and 4 have a 20 beside them in the frame before, 6 and 20 none
    assert rounds == [
        ([0, 0, 1, 1, 1], [3, 3, 3, 17, 17], [far, far, near, far, far]),
        ([1, 1], [0, 17], [far, far]),
        ([1], [17], [far]),
    ]


def test_a_gamma_code_follows_three_escapes_alone(model):
    coder = EntropyCoder(model)
    for size, bits in ((ESCAPE, 0), (ESCAPE + TAIL_END - 1, 0), (ESCAPE + TAIL_END, 1), (ESCAPE + TAIL_END + 3, 5)):
        halves = np.zeros((1, HOP), np.int32)
        halves[0, 8] = 2 * size
        _, rows = coder.symbols(Frames(halves, None), 12, 0)
        assert np.count_nonzero(rows == BIT_ROW) == bits
        assert (rows[rows != BIT_ROW] >= TAIL_ROW).sum() == min((size - ESCAPE) // 17 + 1, 3)


@pytest.mark.parametrize(("mode", "power"), [("fidelity", 0), ("natural", 10)])
def test_rows_of_their_own_save_bits(model, without, telugu, mode, power):
    coefficients = whole_mdct(telugu[0], HOP)
    frames = cheapest(coefficients, 0.004, power, EntropyCoder(model), model)
    assert np.abs(frames.halves).max() > 2 * ESCAPE
    cut = 4 * used_fours(frames)
    bits = [EntropyCoder(which).ideal_bits(frames, cut, power) for which in (model, without)]
    assert bits[0] < 0.995 * bits[1]
    with_tails, plain = (EntropyCoder(which).encode(frames, cut, power) for which in (model, without))
    assert len(with_tails) < len(plain)
    assert frames.mode == mode


def test_a_silent_packet_has_none(model):
    silent = quantise(np.zeros((3, HOP), np.float32), 0.01, 0, model.shaping)
    symbols, rows = EntropyCoder(model).symbols(silent, 0, 0)
    assert not len(symbols) and not len(rows)


@pytest.mark.parametrize("power", [0, 10])
def test_live_packets_side_by_side_decode_as_alone(model, power):
    """Each knows as much of its start as it sends of a frame."""
    coder, start, cuts = EntropyCoder(model), starts()[100], [24, 160, 80, 320]
    packets = []
    for cut in cuts:
        symbols = np.zeros((2, HOP), np.int32)
        symbols[:, :cut] = np.random.choice([0, 0, 0, 1, 2, 5, 17, 40], (2, cut))
        halves = 2 * symbols - second_reads(np.minimum(symbols, ESCAPE)) * (symbols > 0) if power == 0 else 2 * symbols
        levels = np.full((2, BANDS), 10, np.int32) if power else None
        packets.append(Frames(halves.astype(np.int32), levels))
    payloads = [coder.written(packet, cut, power, start).to_bytes() for packet, cut in zip(packets, cuts, strict=True)]
    for decoded, packet in zip(coder.decode(payloads, [2] * 4, cuts, power, start), packets, strict=True):
        np.testing.assert_array_equal(decoded.halves, packet.halves)
