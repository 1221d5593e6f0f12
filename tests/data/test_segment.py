"""Segments tile their recording, are cut where it is quiet, and carry true levels."""

import numpy as np
import pytest

from telucodec.audio.media import SAMPLE_RATE, write_audio
from telucodec.data.extract import Recording
from telucodec.data.manifest import read_segment
from telucodec.data.segment import cut
from telucodec.errors import DataError


def recorded(root, wave, name="kerstin/a.wav"):
    """Write wave [T] as the extracted sound of a recording."""
    recording = Recording(name, len(wave) / SAMPLE_RATE)
    write_audio(root / recording.path, wave[None], SAMPLE_RATE)
    return recording


@pytest.mark.parametrize("duration_s", [0.5, 1.99, 9.99, 10.0, 10.01, 11.99, 12.0, 12.01, 20.0, 47.123])
def test_segments_tile_the_recording(tmp_path, duration_s):
    wave = np.random.uniform(-0.5, 0.5, round(duration_s * SAMPLE_RATE)).astype(np.float32)
    recording = recorded(tmp_path, wave)
    rows = cut(recording, tmp_path)
    joined = np.concatenate([read_segment(row, tmp_path) for row in rows], axis=-1)[0]
    np.testing.assert_allclose(joined, wave, atol=2**-16)
    for row in rows:
        assert row.duration_s <= 10.0 and (row.duration_s >= 2.0 or len(rows) == 1)
        assert (row.recording, row.speaker, row.path) == (recording.name, "kerstin", recording.path)


def test_cuts_lie_in_pauses(tmp_path):
    wave = np.random.uniform(-0.5, 0.5, 30 * SAMPLE_RATE).astype(np.float32)
    for pause_s in (7.0, 15.5, 23.0):
        wave[round(pause_s * SAMPLE_RATE) :][: SAMPLE_RATE // 10] *= 0.01
    rows = cut(recorded(tmp_path, wave), tmp_path)
    for row, pause_s in zip(rows[1:], (7.0, 15.5, 23.0), strict=True):
        assert pause_s < row.start_s < pause_s + 0.1


def test_silence_is_cut_as_late_as_may_be(tmp_path):
    rows = cut(recorded(tmp_path, np.zeros(25 * SAMPLE_RATE, np.float32)), tmp_path)
    assert [row.start_s for row in rows] == pytest.approx([0, 10, 20], abs=0.05)


def test_levels_are_those_of_the_segment(tmp_path):
    wave = np.concatenate([np.full(SAMPLE_RATE, 0.25), np.full(SAMPLE_RATE, -1.0), np.zeros(2 * SAMPLE_RATE)]).astype(np.float32)
    (row,) = cut(recorded(tmp_path, wave), tmp_path)
    assert row.rms == pytest.approx(np.sqrt((0.0625 + 1) / 4))
    assert (row.peak, row.clipped_share) == (1.0, 0.25)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="missing"):
        cut(Recording("a.wav", 1.0), tmp_path)
