"""The judge hears the original as its recogniser does, and noise as wrong."""

import math
import shutil
from functools import partial

import numpy as np
from toy import spoken

from telucodec.audio.media import SAMPLE_RATE
from telucodec.evaluation.clips import Clip
from telucodec.evaluation.compare import compare
from telucodec.evaluation.contender import Contender
from telucodec.evaluation.judge import Judge, untouched

CLIP = spoken("kat sit", np.random.default_rng(3))


def noisy(packed: np.ndarray) -> np.ndarray:
    return packed + np.random.default_rng(0).normal(0, 1, packed.shape).astype(np.float32)


def test_words_are_lost_in_noise_and_not_in_the_original(bundle):
    clip = Clip("a", partial(np.copy, CLIP), text="Kat, sit!")
    noise = Contender("noise", "", "", np.copy, noisy, num_bytes=lambda packed: 1)
    trials, _ = compare([clip], [untouched(), noise], [], judge=Judge(bundle))
    assert trials[0].values == {"wer": 0.0, "cer": 0.0} and round(trials[0].kbps) == 256
    assert trials[1].values["cer"] > 50


def test_what_has_no_transcript_is_not_measured(bundle):
    for text in ("", "room 101", "½ kat"):
        for metric in Judge(bundle).metrics(text):
            found = metric.measure(CLIP[0], CLIP[0])
            assert math.isnan(found.value) and "transcript" in found.reason


def test_what_is_too_long_to_be_heard_at_once_is_not_measured(bundle):
    wave = np.zeros(31 * SAMPLE_RATE, np.float32)
    for metric in Judge(bundle).metrics("kat"):
        found = metric.measure(wave, wave)
        assert math.isnan(found.value) and "longer than 30 s" in found.reason
        assert metric.measure(wave[:-SAMPLE_RATE], wave[:-SAMPLE_RATE]).value == 100


def test_another_recogniser_in_the_same_folder_is_another_judge(bundle, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder)
    assert Judge(folder).digest == Judge(bundle).digest
    with open(folder / "acoustic.onnx", "ab") as graph:
        graph.write(b"x")
    assert Judge(folder).digest != Judge(bundle).digest
