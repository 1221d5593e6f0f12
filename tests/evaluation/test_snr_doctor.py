"""Files and folders are compared as they are on the disk; real codecs are healthy."""

import numpy as np
import pytest
import soundfile

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.errors import DataError, MediaError
from telucodec.evaluation import snr_doctor
from telucodec.evaluation.baselines.opus import opus
from telucodec.evaluation.ours import ours
from telucodec.evaluation.snr_doctor import examine_files
from telucodec.metrics.pair import measure_pair
from telucodec.metrics.signs.waves import signs_of_pairs


@pytest.mark.parametrize(
    "contender",
    [ours(None, 3, "natural"), ours(None, 6, "natural"), ours(None, 3, "fidelity"), ours(None, 6, "fidelity")]
    + [opus(kbps, application) for application in ("voip", "audio") for kbps in (6, 8, 12, 24)],
    ids=lambda contender: contender.name,
)
def test_a_real_codec_is_healthy(contender, waves):
    pairs = [measure_pair(wave[0], contender.decode(contender.encode(wave))[0]) for wave in waves[:2]]
    assert signs_of_pairs(pairs) == ()


@pytest.fixture
def folders(tmp_path, waves):
    """Originals as FLAC, and as WAV what is nearly the same."""
    for number, wave in enumerate(waves[:3]):
        noise = np.random.default_rng(number).normal(0, 0.005, wave.shape).astype(np.float32)
        write_audio(tmp_path / "in" / "వక్త" / f"{number}.flac", wave, SAMPLE_RATE)
        write_audio(tmp_path / "out" / "వక్త" / f"{number}.wav", wave + noise, SAMPLE_RATE)
    return tmp_path / "in", tmp_path / "out"


def test_folders_are_paired_by_names_without_suffixes(folders, waves):
    reference, decoded = folders
    write_audio(decoded / "more.wav", waves[0], SAMPLE_RATE)
    found = examine_files(reference, decoded)
    assert found.signs == () and found.num_files == 3 and found.unpaired == ("more",)
    assert [pair.name for pair in found.pairs] == ["వక్త/0", "వక్త/1", "వక్త/2"]
    assert found.duration_s == pytest.approx(sum(wave.shape[-1] for wave in waves[:3]) / SAMPLE_RATE)


def test_originals_without_an_output_are_the_first_sign(folders):
    reference, decoded = folders
    (decoded / "వక్త" / "1.wav").unlink()
    soundfile.write(decoded / "వక్త" / "2.wav", -soundfile.read(decoded / "వక్త" / "2.wav")[0], SAMPLE_RATE)
    found = examine_files(reference, decoded)
    assert [sign.case for sign in found.signs] == ["no output", "polarity flipped"] and found.signs[0].where == ("వక్త/1",)
    assert "1 of 3 originals" in found.signs[0].measured


def test_windows_measure_what_the_whole_file_does(folders, monkeypatch):
    whole = examine_files(*folders).validation
    monkeypatch.setattr(snr_doctor, "WINDOW_S", 1.0)
    windows = examine_files(*folders)
    assert len(windows.pairs) > 6 and windows.signs == ()
    assert windows.validation.snr_db.value == pytest.approx(whole.snr_db.value, abs=0.1)


def test_a_header_with_the_wrong_rate_is_named(folders, waves):
    reference, decoded = folders
    for number, wave in enumerate(waves[:3]):
        write_audio(decoded / "వక్త" / f"{number}.wav", wave, 8000)
    (sign,) = examine_files(reference, decoded).signs
    assert sign.case == "wrong sample rate" and "0.5 times as fast" in sign.measured


def test_a_file_that_was_cut_short_is_named(folders, waves):
    reference, decoded = folders
    write_audio(decoded / "వక్త" / "1.wav", waves[1][:, : waves[1].shape[-1] // 2], SAMPLE_RATE)
    (sign,) = examine_files(reference, decoded).signs
    assert sign.case == "length differs" and sign.where == ("వక్త/1",)


@pytest.mark.parametrize("num_samples", [100, 6000])
def test_an_output_cut_short_in_a_pause_is_told_by_its_length_and_not_as_a_silent_original(num_samples, tmp_path, waves):
    original = np.pad(waves[0], ((0, 0), (8000, 0)))  # it begins with half a second of silence
    write_audio(tmp_path / "in.wav", original, SAMPLE_RATE)
    write_audio(tmp_path / "out.wav", original[:, :num_samples], SAMPLE_RATE)
    (sign,) = examine_files(tmp_path / "in.wav", tmp_path / "out.wav").signs
    assert sign.case == "length differs"


def test_what_cannot_be_compared_is_told(folders, tmp_path):
    reference, decoded = folders
    silent = tmp_path / "silent.wav"
    write_audio(silent, np.zeros((1, 16_000), np.float32), SAMPLE_RATE)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.wav").write_text("text")
    file = decoded / "వక్త" / "0.wav"
    for first, second, error, words in (
        (reference, tmp_path / "gone", DataError, "no such file or folder"),
        (reference, file, DataError, "a folder with a folder"),
        (reference, tmp_path / "empty", DataError, "no file of the name"),
        (silent, file, DataError, "is silent"),
        (file, tmp_path / "text.wav", MediaError, "no media file"),
    ):
        with pytest.raises(error, match=words):
            examine_files(first, second)
