"""Scores that makers of a metric publish for sounds they publish; where these come from is in published/LICENCE.txt."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from telucodec.metrics import METRICS

PUBLISHED = Path(__file__).parent / "published"


def sound(name: str) -> tuple[np.ndarray, int]:
    return soundfile.read(PUBLISHED / f"{name}.flac")


def test_pesq_of_speech_in_babble_is_what_its_package_publishes():
    measured = METRICS["pesq"].measure(sound("pesq_original")[0], sound("pesq_babble")[0])
    assert measured.value == pytest.approx(1.0832337141036987, abs=1e-6)


def test_pesq_of_a_copy_is_the_top_of_the_mapping():
    original, _ = sound("pesq_original")
    top = 0.999 + 4 / (1 + np.exp(-1.3669 * 4.5 + 3.8224))  # P.862.2, equation for a raw score of 4.5
    assert METRICS["pesq"].measure(original, original).value == pytest.approx(top, abs=1e-4)


def test_visqol_of_transcoded_speech_is_what_google_publishes():
    (original, rate), (transcoded, _) = sound("visqol_original"), sound("visqol_transcoded")
    narrow = [soxr.resample(wave, rate, 16_000) for wave in (original, transcoded)]
    # kConformanceSpeechCA01TranscodedLattice, at 48 kHz, where the package gives 3.3153; without its lattice it would be 3.37
    assert METRICS["visqol"].measure(*narrow).value == pytest.approx(3.3129234313964844, abs=0.02)
