import numpy as np
import pytest

from telucodec.runtime.quantise import step_size
from telucodec.runtime.rate import COARSEST, FINEST, RateCurve


def curve(power, frames=20):
    coefficients = np.random.standard_normal((frames, 320)).astype(np.float32) * np.exp(-np.arange(320) / 60)
    return RateCurve([coefficients / step_size(200)], 200, power)


@pytest.mark.parametrize("power", [0, 10])
def test_bits_rise_with_the_index_and_are_found_again(power):
    found = curve(power)
    bits = [found.bits(index) for index in range(COARSEST, FINEST + 1, 16)]
    assert (np.diff(bits) >= 0).all()
    for index in (-100, 0, 250, 600):
        assert abs(found.index_for(found.bits(index)) - index) <= (index < 0) * 200
    assert found.index_for(0) == COARSEST
    assert found.index_for(1e12) == FINEST


def test_twice_the_sound_takes_twice_the_bits():
    once, twice = curve(0, 2000), curve(0, 4000)
    assert twice.bits(200) / once.bits(200) == pytest.approx(2, rel=0.02)


def test_it_does_not_matter_where_coefficients_were_looked_at():
    coefficients = np.random.standard_normal((50, 320)).astype(np.float32)
    near, far = (RateCurve([coefficients / step_size(index)], index, 0) for index in (100, 164))
    assert near.bits(150) == pytest.approx(far.bits(150), rel=1e-3)


def test_silence_takes_next_to_nothing():
    assert RateCurve([np.zeros((10, 320), np.float32)], 0, 0).bits(FINEST) < 10
