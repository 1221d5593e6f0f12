"""A take with a defect made on purpose is told so, with what to do; real speech sounds good."""

import numpy as np
import pytest

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.data.take import REMEDIES, TAKE_CONFIG, judge

TEXT = "గుంటూరు నుండి నా మిత్రుడు"


def mains(size):
    return np.sin(2 * np.pi * 50 * np.arange(size) / SAMPLE_RATE)


TAKES = {
    "good": lambda x: x,
    "clipped": lambda x: np.clip(6 * x / np.abs(x).max(), -1, 1),
    "too quiet": lambda x: 0.03 * x / np.abs(x).max(),
    "mostly silent": lambda x: 0.0003 * np.random.standard_normal(len(x)),
    "noisy": lambda x: x + 0.5 * x.std() * np.random.standard_normal(len(x)),
    "no speech": lambda x: 0.05 * np.random.standard_normal(len(x)),
    "hum": lambda x: x + 0.03 * mains(len(x)),
    "too short": lambda x: x[SAMPLE_RATE : SAMPLE_RATE + 8000],
}


@pytest.mark.parametrize("case", TAKES)
def test_a_defect_is_named_first_with_a_remedy_for_the_speaker(tmp_path, telugu, case):
    wave = TAKES[case](telugu[0]).astype(np.float32)
    write_audio(tmp_path / "take.wav", wave[None], SAMPLE_RATE)
    _, findings = judge(tmp_path / "take.wav", TEXT)
    if case == "good":
        assert findings == ()
    else:
        assert findings[0].case == case
        assert findings[0].remedy == REMEDIES[case]


def test_digital_silence_is_told_in_words(tmp_path):
    write_audio(tmp_path / "take.wav", np.zeros((1, 3 * SAMPLE_RATE), np.float32), SAMPLE_RATE)
    _, findings = judge(tmp_path / "take.wav", TEXT)
    assert findings[0].case == "mostly silent"


def test_how_long_a_take_must_be_depends_on_its_sentence(tmp_path, telugu):
    write_audio(tmp_path / "take.wav", telugu[:, : 2 * SAMPLE_RATE], SAMPLE_RATE)
    assert "too short" not in [finding.case for finding in judge(tmp_path / "take.wav", TEXT)[1]]
    (finding,) = (finding for finding in judge(tmp_path / "take.wav", " ".join([TEXT] * 6))[1] if finding.case == "too short")
    assert "2.0 s" in finding.measured


def test_zeros_to_fill_a_segment_up_are_no_matter_of_a_take(tmp_path, telugu):
    write_audio(tmp_path / "take.wav", telugu[:, : 2 * SAMPLE_RATE + 123], SAMPLE_RATE)
    assert judge(tmp_path / "take.wav", "మ")[0].padding_samples == 0
    assert TAKE_CONFIG.segment_s * SAMPLE_RATE == 1
