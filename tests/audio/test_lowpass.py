"""The anchor's filter is what BS.1534-3 asks for, and moves nothing in time."""

import numpy as np
import pytest

from telucodec.audio.lowpass import lowpass

RATE = 16_000


@pytest.mark.parametrize("cutoff_hz", [3500, 7000])
def test_the_response_keeps_what_is_below_and_stops_what_is_above(cutoff_hz):
    impulse = np.zeros((1, 4001), np.float32)
    impulse[0, 2000] = 1
    response_db = 20 * np.log10(np.abs(np.fft.rfft(lowpass(impulse, RATE, cutoff_hz)[0])) + 1e-9)
    hz = np.fft.rfftfreq(4001, 1 / RATE)
    assert np.abs(response_db[hz <= cutoff_hz]).max() < 0.1
    assert response_db[hz >= cutoff_hz + 500].max() < -50


def test_speech_is_neither_delayed_nor_shortened(telugu):
    low = lowpass(telugu, RATE, 3500)
    assert low.shape == telugu.shape and low.dtype == np.float32
    size = 1 << 17
    lags = np.fft.irfft(np.fft.rfft(low[0], size) * np.conj(np.fft.rfft(telugu[0], size)), size)
    assert lags.argmax() == 0


def test_a_cut_off_without_room_for_the_filter_is_refused():
    for cutoff_hz in (0, 7600, 9000):
        with pytest.raises(ValueError, match="no room"):
            lowpass(np.zeros((1, 100), np.float32), RATE, cutoff_hz)
