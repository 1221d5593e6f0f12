"""Pictures that show what is there."""

import io

import numpy as np
from PIL import Image

from telucodec.apps.plots import rate_plot_svg, spectrogram_png, spectrum_db


def test_a_tone_is_a_line_at_its_height():
    tone = np.sin(2 * np.pi * 2000 * np.arange(16_000) / 16_000).astype(np.float32)[None]
    spectrum = spectrum_db(tone)
    assert spectrum.shape[0] == 129
    assert np.all(np.argmax(spectrum[:, 2:-2], axis=0) == 32)  # 2000 / 62.5
    picture = np.asarray(Image.open(io.BytesIO(spectrogram_png(spectrum, spectrum.max()))))
    assert picture.shape == spectrum.shape and picture[128 - 32].mean() > picture.mean()  # high frequencies on top


def test_silence_and_tiny_waves_have_pictures_too():
    for wave in (np.zeros((1, 16_000)), np.zeros((1, 1)), np.zeros((1, 0))):
        spectrum = spectrum_db(wave.astype(np.float32))
        assert Image.open(io.BytesIO(spectrogram_png(spectrum, spectrum.max()))).height == 129


def test_long_waves_make_no_wider_pictures():
    assert spectrum_db(np.zeros((1, 16_000 * 60), np.float32)).shape[1] <= 481


def test_the_plot_takes_the_colour_of_the_page_and_escapes_names():
    svg = rate_plot_svg({"PESQ": {"<b>a</b> $x$": [(6.0, 2.0), (3.0, 1.0)]}}, 6.4)
    assert svg.startswith("<svg") and "currentColor" in svg
    assert "<b>" not in svg and "$x$" in svg
    assert svg == rate_plot_svg({"PESQ": {"<b>a</b> $x$": [(6.0, 2.0), (3.0, 1.0)]}}, 6.4)
