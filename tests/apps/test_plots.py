"""Pictures that show what is there."""

import io
import math
import re

import numpy as np
from made_up import results, trial
from PIL import Image

from telucodec.apps.plots import (
    Columns,
    Curve,
    Panel,
    Point,
    columns_svg,
    curves_svg,
    difference_png,
    rate_plot_svg,
    spectrogram_png,
    spectrum_db,
)
from telucodec.apps.result_plots import Bound, rate_plot
from telucodec.evaluation.results import MetricRow


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
    panel = Panel(
        "PESQ", {"<b>a</b> $x$": [Point(6.0, 2.0, 1.5, 2.5), Point(3.0, 1.0)]}, 3.0, [(1.0, 2.0, 3.0), (2.0, 3.0, 4.0)], "estimate"
    )
    svg = rate_plot_svg([panel], 6.4)
    assert svg.startswith("<svg") and "currentColor" in svg
    assert "<b>" not in svg and "$x$" in svg and "estimate" in svg
    assert svg == rate_plot_svg([panel], 6.4)


def test_a_difference_is_red_where_louder_blue_where_softer_and_white_where_nobody_hears_it():
    reference = np.full((129, 30), -20.0)
    estimate = reference.copy()
    estimate[:, 10:20] += 25
    estimate[:, 20:] -= 25
    reference[64:], estimate[64:] = -150.0, -130.0
    picture = np.asarray(Image.open(io.BytesIO(difference_png(reference, estimate))).convert("RGB")).astype(int)
    (alike, louder, softer), unheard = picture[-1, [5, 15, 25]], picture[0]
    assert alike.min() > 230 and unheard.min() > 230
    assert louder[0] > louder[2] + 80 and softer[2] > softer[0] + 80


def test_word_errors_are_drawn_beside_what_the_recogniser_makes_of_the_original():
    trials = [trial(name, "a", num_bytes=size, wer=error) for name, size, error in (("ours", 790, 20.0), ("original", 32_000, 5.0))]
    word_errors = MetricRow(name="wer", label="WER", unit="%", digits=1, better="lower", about="Words wrong.")
    found = results(*trials, names=("ours", "original"))
    svg = rate_plot(found.model_copy(update={"metrics": (*found.metrics, word_errors)}), Bound(reason="nothing kept"))
    assert "WER, %: mean over clips" in svg and "what the recogniser makes of the original" in svg
    assert "250" not in re.findall(r">([^<>]+)</text>", svg)  # the rate of the original is on no axis
    assert "what the recogniser" not in rate_plot(results(trials[0]), Bound(reason="nothing kept"))


def test_curves_and_columns_are_drawn_around_holes():
    curve = Curve("<i>loss</i>", {"a": [(1, 2.0), (2, math.nan), (3, 1.0)], "b": [(1, 1.0)]}, marked=0.0)
    for svg in (curves_svg([curve]), columns_svg([Columns("<i>used</i>", ["1", "2"], [3.0, math.nan], 100.0)])):
        assert svg.startswith("<svg") and "<i>" not in svg and not re.search(r"\bnan\b", svg)
