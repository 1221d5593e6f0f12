"""Extraction does each file once, says what it could not read, and knows who spoke."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.data import extract as room
from telucodec.data.extract import Recording, extract, for_test
from telucodec.errors import DataError


def record(path: Path, duration_s: float = 1.0, sample_rate: int = SAMPLE_RATE) -> Path:
    """Write a recording of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(os.fsencode(path), np.random.uniform(-0.3, 0.3, round(duration_s * sample_rate)), sample_rate, format="WAV")
    return path


def names(report: room.ExtractReport) -> list[str]:
    return [recording.name for recording in report.recordings]


def test_every_recording_becomes_16_khz_mono_flac_with_its_suffix_in_the_name(tmp_path):
    record(tmp_path / "media" / "లక్ష్మి" / "day one" / "a.wav", 2.0, 44_100)
    record(tmp_path / "media" / "a.WAV")
    report = extract(tmp_path / "media", tmp_path / "out")
    assert [(recording.path, recording.speaker, recording.duration_s) for recording in report.recordings] == [
        ("audio/a.WAV.flac", "", 1.0),
        ("audio/లక్ష్మి/day one/a.wav.flac", "లక్ష్మి", 2.0),
    ]
    for recording in report.recordings:
        info = soundfile.info(tmp_path / "out" / recording.path)
        assert (info.samplerate, info.channels, info.frames) == (SAMPLE_RATE, 1, recording.duration_s * SAMPLE_RATE)


def test_16_khz_sound_is_kept_sample_for_sample(tmp_path):
    source = record(tmp_path / "media" / "a.wav")
    (recording,) = extract(tmp_path / "media", tmp_path / "out").recordings
    np.testing.assert_array_equal(read_media(tmp_path / "out" / recording.path), read_media(source))


def test_a_second_run_does_only_what_changed(tmp_path):
    for name in ("a.wav", "b.wav", "c.wav", "d.wav"):
        record(tmp_path / "media" / name)
    first = extract(tmp_path / "media", tmp_path / "out")
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.flac")}
    record(tmp_path / "media" / "b.wav", 3.0)
    (tmp_path / "out" / "audio" / "c.wav.flac").write_bytes(b"damaged")
    (tmp_path / "out" / "audio" / "d.wav.json").write_bytes(b"damaged")
    second = extract(tmp_path / "media", tmp_path / "out")
    assert (first.num_reused, second.num_reused) == (0, 1)
    assert names(second) == names(first)
    assert second.recordings[1].duration_s == 3.0
    assert (tmp_path / "out" / "audio" / "a.wav.flac").stat().st_mtime_ns == written[tmp_path / "out" / "audio" / "a.wav.flac"]


def test_a_change_that_keeps_size_and_date_is_noticed(tmp_path):
    source = record(tmp_path / "media" / "a.wav")
    extract(tmp_path / "media", tmp_path / "out")
    date = source.stat().st_mtime_ns
    record(source)
    os.utime(source, ns=(date, date))
    assert extract(tmp_path / "media", tmp_path / "out").num_reused == 0


def test_an_interruption_costs_only_the_file_at_hand(tmp_path):
    for name in ("a.wav", "b.wav"):
        record(tmp_path / "media" / name)

    def interrupt(done_s, total_s, name):
        if name == "b.wav":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(tmp_path / "media", tmp_path / "out", interrupt)
    assert not list((tmp_path / "out" / "audio").glob("*b.wav*"))
    assert extract(tmp_path / "media", tmp_path / "out").num_reused == 1


def test_unreadable_files_are_told_and_the_others_are_done(tmp_path):
    record(tmp_path / "media" / "good.wav")
    (tmp_path / "media" / "empty.mp4").touch()
    (tmp_path / "media" / "diary.mkv").write_text("dear diary")
    soundfile.write(tmp_path / "media" / "silent.flac", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    report = extract(tmp_path / "media", tmp_path / "out")
    assert names(report) == ["good.wav"]
    for line, (name, reason) in zip(
        report.unreadable, [("diary.mkv", "no media file"), ("empty.mp4", "empty"), ("silent.flac", "digital silence")], strict=True
    ):
        assert name in line and reason in line
    assert not (tmp_path / "out" / "audio" / "silent.flac.flac").exists()


def test_hidden_files_other_files_and_its_own_output_are_passed_over(tmp_path):
    record(tmp_path / "a.wav")
    record(tmp_path / ".hidden.wav")
    record(tmp_path / ".trash" / "b.wav")
    (tmp_path / "notes.txt").write_text("notes")
    for _ in range(2):
        assert names(extract(tmp_path, tmp_path / "out")) == ["a.wav"]


@pytest.mark.parametrize("name", ["nowhere", "empty", "media"])
def test_a_folder_that_cannot_be_used_is_named(tmp_path, name):
    (tmp_path / "empty").mkdir()
    record(tmp_path / "media" / "a.wav")
    with pytest.raises(DataError, match=name):
        extract(tmp_path / name, tmp_path / "media")


@pytest.mark.parametrize(
    "name, speaker, test",
    [
        ("a.wav", "", False),
        ("kerstin/a.wav", "kerstin", False),
        ("kerstin/2024/a.wav", "kerstin", False),
        ("test/a.wav", "", True),
        ("Test/lakshmi/a.wav", "lakshmi", True),
        ("test/lakshmi/2024/a.wav", "lakshmi", True),
        ("kerstin/test/a.wav", "kerstin", False),
        ("test.wav", "", False),
    ],
)
def test_folders_name_the_speaker_and_the_test_part(name, speaker, test):
    assert Recording(name, 1.0).speaker == speaker
    assert for_test(name) == test


def test_long_and_broken_names_are_cut_and_kept_apart(tmp_path):
    sources = ["తె" * 40 + "1.wav", "తె" * 40 + "2.wav", os.fsdecode(b"\xe9.wav"), os.fsdecode(b"\xe8.wav")]
    for source in sources:
        record(tmp_path / "media" / source)
    report = extract(tmp_path / "media", tmp_path / "out")
    assert len(set(names(report))) == 4 and not report.unreadable
    for recording in report.recordings:
        assert len(recording.name.encode()) <= 200
        assert (tmp_path / "out" / recording.path).is_file()
    assert extract(tmp_path / "media", tmp_path / "out").num_reused == 4


def test_progress_runs_evenly_to_its_total(tmp_path):
    for name, duration_s in (("a.wav", 25.0), ("b.wav", 5.0)):
        record(tmp_path / "media" / name, duration_s)
    soundfile.write(tmp_path / "media" / "c.wav", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    told = []
    extract(tmp_path / "media", tmp_path / "out", lambda *step: told.append(step))
    assert told[:2] == [(10.0, 31.0, "a.wav"), (20.0, 31.0, "a.wav")]
    assert told[-1] == (31.0, 31.0, "c.wav")
    assert told == sorted(told, key=lambda step: step[0])
