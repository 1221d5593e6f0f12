"""Extraction does each file once, says what it could not read, and knows who spoke."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.data import extract as room
from telucodec.data.extract import Origin, extract, for_test, speaker_of
from telucodec.data.extract_status import extract_status
from telucodec.data.loudness import measure
from telucodec.data.manifest import read_manifest
from telucodec.errors import DataError


def record(path: Path, duration_s: float = 1.0, sample_rate: int = SAMPLE_RATE) -> Path:
    """Write a recording of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(os.fsencode(path), np.random.uniform(-0.3, 0.3, round(duration_s * sample_rate)), sample_rate, format="WAV")
    return path


def names(report: room.ExtractReport) -> list[str]:
    return [row.recording for row in report.rows]


def test_every_recording_becomes_16_khz_mono_flac_with_its_suffix_in_the_name(tmp_path):
    record(tmp_path / "media" / "లక్ష్మి" / "day one" / "a.wav", 2.0, 44_100)
    record(tmp_path / "media" / "a.WAV")
    report = extract(tmp_path / "media", tmp_path / "out")
    assert [(row.path, row.speaker, row.duration_s) for row in report.rows] == [
        ("audio/a.WAV.flac", "", 1.0),
        ("audio/లక్ష్మి/day one/a.wav.flac", "లక్ష్మి", 2.0),
    ]
    for row in report.rows:
        info = soundfile.info(tmp_path / "out" / row.path)
        assert (info.samplerate, info.channels, info.frames) == (SAMPLE_RATE, 1, row.duration_s * SAMPLE_RATE)


def test_16_khz_sound_is_kept_sample_for_sample(tmp_path):
    source = record(tmp_path / "media" / "a.wav")
    (row,) = extract(tmp_path / "media", tmp_path / "out").rows
    np.testing.assert_array_equal(read_media(tmp_path / "out" / row.path), read_media(source))


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
    assert second.rows[1].duration_s == 3.0
    assert (tmp_path / "out" / "audio" / "a.wav.flac").stat().st_mtime_ns == written[tmp_path / "out" / "audio" / "a.wav.flac"]


def test_a_flac_file_cut_short_is_made_again(tmp_path):
    record(tmp_path / "media" / "a.wav")
    flac = tmp_path / "out" / "audio" / "a.wav.flac"
    extract(tmp_path / "media", tmp_path / "out")
    whole = flac.read_bytes()
    flac.write_bytes(whole[:3000])
    assert extract(tmp_path / "media", tmp_path / "out").num_reused == 0
    assert flac.read_bytes() == whole


def test_a_record_that_lacks_a_size_counts_for_nothing(tmp_path):
    record(tmp_path / "media" / "a.wav")
    extract(tmp_path / "media", tmp_path / "out")
    path = tmp_path / "out" / "audio" / "a.wav.json"
    cells = json.loads(path.read_text())
    del cells["flac_bytes"]
    path.write_text(json.dumps(cells))
    assert extract(tmp_path / "media", tmp_path / "out").num_reused == 0


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
    wave, _ = soundfile.read(tmp_path / "media" / "good.wav")
    soundfile.write(tmp_path / "media" / "opposed.wav", np.stack([wave, -wave], axis=1), SAMPLE_RATE, "FLOAT")
    report = extract(tmp_path / "media", tmp_path / "out")
    assert names(report) == ["good.wav"]
    reasons = [
        ("diary.mkv", "no media file"),
        ("empty.mp4", "empty"),
        ("opposed.wav", "channels cancel"),
        ("silent.flac", "digital silence"),
    ]
    for line, (name, reason) in zip(report.unreadable, reasons, strict=True):
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


@pytest.mark.parametrize("name", ["", "audio", "audio/kerstin"])
def test_sound_is_not_extracted_into_the_folder_it_comes_from(tmp_path, name):
    record(tmp_path / name / "a.wav")
    with pytest.raises(DataError, match="is where the extracted sound would go; give another folder"):
        extract(tmp_path / name, tmp_path)


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
        ("test", "", False),
        ("Mu\u0308ller /a.wav", "Müller", False),
    ],
)
def test_folders_name_the_speaker_and_the_test_part(name, speaker, test):
    assert speaker_of(name) == speaker
    assert for_test(name) == test


def test_long_and_broken_names_are_cut_and_kept_apart(tmp_path):
    sources = ["తె" * 40 + "1.wav", "తె" * 40 + "2.wav", os.fsdecode(b"\xe9.wav"), os.fsdecode(b"\xe8.wav")]
    for source in sources:
        record(tmp_path / "media" / source)
    report = extract(tmp_path / "media", tmp_path / "out")
    assert len(set(names(report))) == 4 and not report.unreadable
    for row in report.rows:
        assert len(row.recording.encode()) <= 200
        assert (tmp_path / "out" / row.path).is_file()
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


def test_the_manifest_says_what_the_flac_files_hold(tmp_path):
    record(tmp_path / "media" / "లక్ష్మి" / "a.wav", 12.0, 44_100)
    loud = np.random.uniform(-1.5, 1.5, 3 * SAMPLE_RATE).clip(-1, 1)
    soundfile.write(tmp_path / "media" / "loud.wav", loud, SAMPLE_RATE, "FLOAT")
    report = extract(tmp_path / "media", tmp_path / "out", origin=Origin("own", "te", "CC0-1.0"))
    for name in ("manifest.csv", "manifest.jsonl"):
        rows = read_manifest(tmp_path / "out" / name)
        assert [row.recording for row in rows] == ["loud.wav", "లక్ష్మి/a.wav"] and tuple(rows) == report.rows
        assert {(row.source, row.language, row.licence, row.synthetic) for row in rows} == {("own", "te", "CC0-1.0", False)}
        assert [row.speaker for row in rows] == ["", "లక్ష్మి"]
        for row in rows:
            found = measure(tmp_path / "out" / row.path)
            assert (row.duration_s * SAMPLE_RATE, row.peak, row.clipped_share) == (found.num_samples, found.peak, found.clipped_share)
            assert row.rms == pytest.approx(found.rms, rel=1e-9)
    assert rows[0].clipped_share == pytest.approx(1 / 3, abs=0.02)
    dates = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert len(dates) == 3
    extract(tmp_path / "media", tmp_path / "out", origin=Origin("own", "te", "CC0-1.0"))
    assert {path: path.stat().st_mtime_ns for path in dates} == dates


def test_what_failed_is_tried_again_when_it_changed_or_is_told_to(tmp_path, monkeypatch):
    media, out = tmp_path / "media", tmp_path / "out"
    record(media / "good.wav")
    (media / "empty.mp4").touch()
    (media / "diary.mkv").write_text("dear diary")
    first = extract(media, out)
    assert dict(first.failed).keys() == {"empty.mp4", "diary.mkv"} and first.num_not_tried == 0
    tried = []
    monkeypatch.setattr(
        room, "bring", lambda source, flac, heard, bring=room.bring: tried.append(source.name) or bring(source, flac, heard)
    )
    second = extract(media, out)
    assert not tried and second.failed == first.failed and (second.num_not_tried, second.num_reused) == (2, 1)
    assert "empty.mp4,is empty" in (out / "failed.csv").read_text("utf-8")
    record(media / "diary.mkv")
    third = extract(media, out)
    assert tried == ["diary.mkv"] and dict(third.failed).keys() == {"empty.mp4"} and third.num_not_tried == 1
    extract(media, out, retry=True)
    assert tried == ["diary.mkv", "empty.mp4"]


def test_a_recording_that_went_bad_leaves_no_old_sound(tmp_path):
    record(tmp_path / "media" / "a.wav")
    extract(tmp_path / "media", tmp_path / "out")
    (tmp_path / "media" / "a.wav").write_bytes(b"")
    assert extract(tmp_path / "media", tmp_path / "out").failed
    assert not list((tmp_path / "out").rglob("*.flac"))


def test_the_status_counts_every_file_once(tmp_path):
    media, out = tmp_path / "media", tmp_path / "out"
    record(media / "a.wav", 3.0)
    (media / "empty.mp4").touch()
    before = extract_status(media, out)
    assert (before.done, before.to_do, before.failed, before.to_do_s, before.running) == (0, 2, (), 3.0, False)
    assert not out.exists()
    extract(media, out)
    record(media / "b.wav", 5.0)
    now = extract_status(media, out)
    assert (now.done, now.to_do, now.done_s, now.to_do_s) == (1, 1, 3.0, 5.0)
    assert [name for name, _ in now.failed] == ["empty.mp4"]


def test_of_a_run_at_work_the_status_tells_and_a_second_is_refused(tmp_path):
    record(tmp_path / "media" / "a.wav", 30.0)
    seen = []

    def look(done_s, total_s, name):
        seen.append(extract_status(tmp_path / "media", tmp_path / "out"))
        if len(seen) == 1:
            with pytest.raises(DataError, match="another run"):
                extract(tmp_path / "media", tmp_path / "out")

    extract(tmp_path / "media", tmp_path / "out", look)
    assert seen[0].running and seen[0].on_their_way == ("a.wav",) and seen[0].to_do == 0
    assert seen[-1].running and not seen[-1].on_their_way and seen[-1].done == 1


def test_side_by_side_the_bar_moves_within_long_files_and_never_back(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "LOOK_S", 0.02)
    for name, duration_s in (("a.wav", 300.0), ("b.wav", 1.0), ("c.wav", 2.0)):
        (tmp_path / "media").mkdir(exist_ok=True)
        with soundfile.SoundFile(tmp_path / "media" / name, "w", 48_000, 1, "PCM_U8") as file:
            file.write(np.random.uniform(-0.3, 0.3, round(duration_s * 48_000)))
    told = []
    report = extract(tmp_path / "media", tmp_path / "out", lambda *step: told.append(step), jobs=2)
    assert [row.duration_s for row in report.rows] == [300.0, 1.0, 2.0]
    assert told[-1][:2] == (303.0, 303.0)
    assert [step[0] for step in told] == sorted(step[0] for step in told)
    assert any(3.0 < done_s < 303.0 for done_s, _, _ in told)
