from pathlib import Path

import numpy as np
import pytest

from telucodec.audio.mdct import whole_mdct
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.frames import Decoded, Side
from telucodec.runtime.model import HOP, ROW_OF_MODE, SCALES, load_model
from telucodec.runtime.quantise import noise_signs, quantise, restore
from telucodec.runtime.rate_distortion import BIT_PRICE, LIVE_BIT_PRICE, SURELY_ZERO, cheapest

GOLDEN = Path(__file__).parents[1] / "golden"
POWER = {"natural": 13, "fidelity": 0}


@pytest.fixture(scope="module")
def model():
    """Of one quantiser; test_trellis.py has those of two."""
    return load_model(GOLDEN / "signs")


@pytest.fixture(scope="module")
def coder(model):
    return EntropyCoder(model)


def kbps_and_snr(coefficients, frames, step, power, coder, model):
    """Rate, and SNR in dB without the noise that fills zeros."""
    rows = coder.coefficient_rows(frames.halves, Side.of(frames.levels, power, model.shaping))
    restored = restore(Decoded(frames.halves, frames.levels, rows), step, power, model, noise_signs(0, len(coefficients)))
    error = np.where(restored.zero, coefficients, coefficients - restored.coefficients) / restored.steps
    bits = coder.ideal_bits(frames, HOP, power)
    return bits / len(coefficients) / 20, 10 * np.log10(((coefficients / restored.steps) ** 2).sum() / (error**2).sum())


@pytest.mark.parametrize("mode", POWER)
def test_the_same_distortion_takes_fewer_bits(mode, telugu, coder, model):
    coefficients, power = whole_mdct(telugu[0], HOP), POWER[mode]
    steps = 0.02 * 2.0 ** np.array([-0.5, 0, 0.5])
    plain = [kbps_and_snr(coefficients, quantise(coefficients, step, power, model.shaping), step, power, coder, model) for step in steps]
    cheap = [kbps_and_snr(coefficients, cheapest(coefficients, step, power, coder, model), step, power, coder, model) for step in steps]
    kbps, snr_db = cheap[1]
    assert kbps < plain[1][0]
    assert kbps < 0.998 * np.interp(snr_db, [at[1] for at in plain[::-1]], [at[0] for at in plain[::-1]])


@pytest.mark.parametrize("mode", POWER)
def test_integers_stay_next_to_their_coefficients(mode, telugu, coder, model):
    coefficients, power = whole_mdct(telugu[0], HOP), POWER[mode]
    plain, cheap = quantise(coefficients, 0.02, power, model.shaping), cheapest(coefficients, 0.02, power, coder, model)
    assert np.abs(cheap.halves - plain.halves).max() <= 2
    assert (cheap.halves * coefficients >= 0).all()
    assert power == 0 or np.array_equal(cheap.levels, plain.levels)


def test_silence_stays_silence(coder, model):
    assert not cheapest(np.zeros((4, HOP), np.float32), 0.01, 13, coder, model).halves.any()


@pytest.mark.parametrize("folder", [None, GOLDEN, GOLDEN / "turns"])
@pytest.mark.parametrize("mode", POWER)
def test_what_is_taken_for_surely_zero_is_cheapest_as_zero_in_every_row(folder, mode):
    model = load_model(folder)
    rows = slice(ROW_OF_MODE[mode], ROW_OF_MODE[mode] + SCALES)
    bits, points = model.tables.bits[rows], 1 + model.centroids[rows, 0]
    for price in (BIT_PRICE[mode], LIVE_BIT_PRICE):
        as_one = (points - SURELY_ZERO) ** 2 + price * (bits[:, 1] + 1)
        assert (SURELY_ZERO**2 + price * bits[:, 0] < as_one).all()
