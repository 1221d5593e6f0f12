"""Sound out: whole or not at all, clipped where it must be, and never what is no sound."""

import io
import signal

import numpy as np
import pytest

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.audio.sound_file import flac_bytes, write_audio
from telucodec.errors import TelucodecError

WAVE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)).astype(np.float32)[None]
"""A second of a tone."""


def test_loud_samples_are_clipped_and_never_wrap(tmp_path):
    write_audio(tmp_path / "a.wav", np.array([[1.5, 1.0, -1.0, -1.5]], np.float32), SAMPLE_RATE)
    np.testing.assert_array_equal(read_media(tmp_path / "a.wav")[0], np.float32([32767 / 32768, 32767 / 32768, -1, -1]))


def test_windows_are_written_in_turn(tmp_path):
    assert write_audio(tmp_path / "a.flac", iter([WAVE, 2 * WAVE]), SAMPLE_RATE) == 2 * SAMPLE_RATE
    np.testing.assert_allclose(read_media(tmp_path / "a.flac"), np.concatenate([WAVE, 2 * WAVE], axis=-1), atol=2**-16)


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def windows():
        yield WAVE
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_audio(tmp_path / "a.wav", windows(), SAMPLE_RATE)
    assert not list(tmp_path.iterdir())


def test_only_wav_and_flac_are_written(tmp_path):
    with pytest.raises(TelucodecError, match="written as .wav or .flac"):
        write_audio(tmp_path / "a.mp3", WAVE, SAMPLE_RATE)


def test_samples_that_are_no_numbers_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="finite"):
        write_audio(tmp_path / "a.wav", np.full((1, 9), np.nan, np.float32), SAMPLE_RATE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wave", [np.concatenate([0 * WAVE, WAVE]), WAVE.T], ids=["stereo", "samples first"])
def test_no_channel_is_left_out(tmp_path, wave):
    for write in (lambda: write_audio(tmp_path / "a.wav", wave, SAMPLE_RATE), lambda: flac_bytes(wave, SAMPLE_RATE)):
        with pytest.raises(ValueError, match="too many values"):
            write()
    assert not list(tmp_path.iterdir())


def test_more_than_a_wav_file_holds_goes_into_flac(tmp_path, monkeypatch):
    monkeypatch.setattr("telucodec.audio.sound_file.LONGEST_WAV", 2 * SAMPLE_RATE)
    with pytest.raises(TelucodecError, match="no more than 32,000 samples; name it .flac"):
        write_audio(tmp_path / "a.wav", iter([WAVE, WAVE, WAVE[:, :1]]), SAMPLE_RATE)
    assert not list(tmp_path.iterdir())
    assert write_audio(tmp_path / "a.flac", iter([WAVE, WAVE, WAVE[:, :1]]), SAMPLE_RATE) == 2 * SAMPLE_RATE + 1
    assert write_audio(tmp_path / "b.wav", iter([WAVE, WAVE]), SAMPLE_RATE) == 2 * SAMPLE_RATE


def test_a_signal_while_sound_becomes_bytes_is_not_lost(monkeypatch):
    class Interrupted(io.BytesIO):
        num_written = 0

        def write(self, content):
            self.num_written += 1
            if self.num_written == 2:
                signal.raise_signal(signal.SIGINT)
            return super().write(content)

    monkeypatch.setattr(io, "BytesIO", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        flac_bytes(WAVE, SAMPLE_RATE)


def test_sound_in_bytes_is_that_of_a_file(tmp_path):
    write_audio(tmp_path / "a.flac", WAVE, SAMPLE_RATE)
    assert flac_bytes(WAVE, SAMPLE_RATE) == (tmp_path / "a.flac").read_bytes()
