"""A manifest that is true passes; each way of being false is found."""

from dataclasses import replace

import numpy as np
import pytest

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.data.check import check
from telucodec.data.loudness import measure
from telucodec.data.manifest import Segment


@pytest.fixture
def rows(tmp_path):
    wave = np.clip(0.4 * np.random.standard_normal((1, 25 * SAMPLE_RATE)), -1, 1).astype(np.float32)
    write_audio(tmp_path / "audio" / "a.wav.flac", wave, SAMPLE_RATE)
    rows = []
    for start_s in (0.0, 10.0, 20.0):
        levels = measure(tmp_path / "audio" / "a.wav.flac", round(start_s * SAMPLE_RATE), 5 * SAMPLE_RATE)
        rows.append(Segment("audio/a.wav.flac", start_s, 5.0, "a.wav", "", levels.rms, levels.peak, levels.clipped_share))
    return rows


def test_what_was_measured_is_true(rows, tmp_path):
    assert not list(check(rows, tmp_path))


@pytest.mark.parametrize(
    "change, finding",
    [
        ({"path": "audio/b.flac"}, "missing"),
        ({"start_s": 24.0}, "before its row does"),
        ({"duration_s": float("nan")}, "mend the row"),
        ({"duration_s": float("inf")}, "mend the row"),
        ({"duration_s": 1e305}, "mend the row"),
        ({"start_s": -1.0}, "mend the row"),
        ({"rms": 0.1}, "has rms"),
        ({"peak": float("nan")}, "has peak"),
        ({"clipped_share": 0.5}, "has clipped_share"),
        ({"text": "o\u0308"}, "not in NFC"),
    ],
)
def test_a_false_row_is_found(rows, tmp_path, change, finding):
    (line,) = check([replace(rows[0], **change), *rows[1:]], tmp_path)
    assert finding in line


def test_a_level_may_be_rounded_and_no_more(rows, tmp_path):
    assert not list(check([replace(rows[0], rms=rows[0].rms + 5e-4)], tmp_path))
    assert len(list(check([replace(rows[0], rms=rows[0].rms + 5e-3)], tmp_path))) == 1


def test_a_damaged_file_and_a_row_listed_twice_are_found(rows, tmp_path):
    assert ["listed twice" in line for line in check([*rows, rows[0]], tmp_path)] == [True]
    path = tmp_path / "audio" / "a.wav.flac"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert list(check(rows, tmp_path))
    write_audio(tmp_path / "audio" / "a.wav.wav", np.zeros((1, 9), np.float32), 8000)
    (tmp_path / "audio" / "a.wav.wav").rename(path)
    assert "not 16000 Hz mono" in next(check(rows, tmp_path))
