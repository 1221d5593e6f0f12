"""Test sets: folders and manifests."""

import os
from pathlib import Path

import numpy as np
import pytest

from telucodec.audio.sound_file import write_audio
from telucodec.data.manifest import Segment, write_manifest
from telucodec.errors import DataError
from telucodec.evaluation.clips import open_clips


def test_a_folder_is_all_its_sound_that_is_not_hidden_with_subfolders_as_groups(tmp_path):
    tone = np.full((1, 1600), 0.25, np.float32)
    for name in ("b.flac", "te/a.wav", "te/deep/c.flac", "._b.flac", ".trash/d.flac"):
        write_audio(tmp_path / name, tone, 16_000)
    (tmp_path / "notes.txt").write_text("no sound")
    found = open_clips(tmp_path)
    assert [(clip.name, clip.group) for clip in found.clips] == [("b.flac", ""), ("te/a.wav", "te"), ("te/deep/c.flac", "te")]
    np.testing.assert_array_equal(found.clips[1].read(), tone)


def test_one_sound_file_is_a_test_set_of_one(tmp_path):
    tone = np.full((1, 1600), 0.25, np.float32)
    for name in ("one.WAV", "two.wav"):
        write_audio(tmp_path / name, tone, 16_000)
    found = open_clips(tmp_path / "one.WAV")
    assert [(clip.name, clip.group) for clip in found.clips] == [("one.WAV", "")] and found.name == "one.WAV"
    np.testing.assert_array_equal(found.clips[0].read(), tone)
    assert found.sha256 != open_clips(tmp_path).sha256


def test_a_folder_has_its_name_where_one_stands_in_it(tmp_path, monkeypatch):
    write_audio(tmp_path / "clips" / "deep" / "a.wav", np.full((1, 1600), 0.25, np.float32), 16_000)
    monkeypatch.chdir(tmp_path / "clips" / "deep")
    assert [open_clips(Path(name)).name for name in (".", "..", "../deep/")] == ["deep", "clips", "deep"]


def test_names_of_any_bytes_are_told_apart_and_fit_into_results(tmp_path):
    for name in (b"a\xfe.wav", b"a\xff.wav", b"\xfd/b.wav"):
        write_audio(tmp_path / os.fsdecode(b"c\xff") / os.fsdecode(name), np.full((1, 1600), 0.25, np.float32), 16_000)
    found = open_clips(tmp_path / os.fsdecode(b"c\xff"))
    names = [clip.name for clip in found.clips]
    assert len(set(names)) == 3 and "\ufffd/b.wav" in names
    for told in (found.name, *names, *(clip.group for clip in found.clips)):
        told.encode()
    moved = os.fsdecode(b"a\xfc.wav")
    (tmp_path / os.fsdecode(b"c\xff/a\xfe.wav")).rename(tmp_path / os.fsdecode(b"c\xff") / moved)
    assert open_clips(tmp_path / os.fsdecode(b"c\xff")).sha256 != found.sha256


def test_a_manifest_is_its_rows_with_speakers_as_groups(tmp_path):
    wave = np.linspace(-0.5, 0.5, 32_000, dtype=np.float32)[None]
    write_audio(tmp_path / "audio" / "one.flac", wave, 16_000)
    row = {"path": "audio/one.flac", "recording": "one", "speaker": "sita", "rms": 0.1, "peak": 0.5, "clipped_share": 0.0}
    write_manifest(tmp_path / "test.csv", [Segment(start_s=start, duration_s=0.5, **row) for start in (0.0, 1.0)])
    found = open_clips(tmp_path / "test.csv")
    assert [clip.group for clip in found.clips] == ["sita", "sita"]
    assert found.clips[0].name != found.clips[1].name
    np.testing.assert_allclose(found.clips[1].read(), wave[:, 16_000:24_000], atol=1e-4)


def test_recordings_of_one_name_in_two_folders_and_rows_of_one_start_are_told_apart(tmp_path):
    row = {"start_s": 0.0, "duration_s": 0.5, "speaker": "", "rms": 0.1, "peak": 0.5, "clipped_share": 0.0}
    recordings = ["kavya/001.wav", "ravi/001.wav", "one.wav", "one.wav", ""]
    write_manifest(tmp_path / "test.csv", [Segment(f"{n}.flac", recording=name, **row) for n, name in enumerate(recordings)])
    assert [clip.name for clip in open_clips(tmp_path / "test.csv").clips] == [
        "kavya/001.wav at 0.00 s",
        "ravi/001.wav at 0.00 s",
        "one.wav at 0.00 s (1)",
        "one.wav at 0.00 s (2)",
        "4.flac at 0.00 s",
    ]


def test_the_hash_pins_the_sound(tmp_path):
    write_audio(tmp_path / "a.flac", np.full((1, 1600), 0.25, np.float32), 16_000)
    before = open_clips(tmp_path).sha256
    assert open_clips(tmp_path).sha256 == before
    write_audio(tmp_path / "a.flac", np.full((1, 1600), 0.5, np.float32), 16_000)
    louder = open_clips(tmp_path).sha256
    assert louder != before
    (tmp_path / "a.flac").rename(tmp_path / "b.flac")
    assert open_clips(tmp_path).sha256 not in (before, louder)


def test_sound_that_an_evaluation_kept_in_the_folder_is_not_of_the_set(tmp_path):
    tone = np.full((1, 1600), 0.25, np.float32)
    write_audio(tmp_path / "a.flac", tone, 16_000)
    before = open_clips(tmp_path)
    for kept in ("original", "opus"):
        write_audio(tmp_path / "samples" / "one" / f"sample_1_{kept}.flac", tone, 16_000)
    after = open_clips(tmp_path)
    assert [clip.name for clip in after.clips] == ["a.flac"] and after.sha256 == before.sha256


def test_the_hash_of_a_manifest_pins_its_sound_too_and_what_is_missing(tmp_path):
    row = {"start_s": 0.0, "duration_s": 0.1, "speaker": "", "rms": 0.1, "peak": 0.5, "clipped_share": 0.0}
    write_manifest(tmp_path / "test.csv", [Segment(f"{name}.flac", recording=name, **row) for name in "ab"])
    found = []
    for level in (0.25, 0.5):
        for name in "ab":
            found.append(open_clips(tmp_path / "test.csv"))
            write_audio(tmp_path / f"{name}.flac", np.full((1, 1600), level, np.float32), 16_000)
    assert len({each.sha256 for each in found}) == 4
    assert open_clips(tmp_path / "test.csv").sha256 == open_clips(tmp_path / "test.csv").sha256


def test_nothing_to_listen_to_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no speech"):
        open_clips(tmp_path)
    for name in ("missing.csv", "missing"):
        with pytest.raises(DataError, match=f"{name}: no such file or folder; check its name"):
            open_clips(tmp_path / name)
