"""From a manifest of recordings to segments worth learning from, on the command line."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.audio.sound_file import write_audio
from telucodec.data.check import check
from telucodec.data.manifest import Segment, read_manifest, write_manifest

CLIPS = sorted((Path(__file__).parents[2] / "examples" / "speech" / "kerstin").glob("*.flac"))
NAN = float("nan")


def telucodec(*arguments, cwd):
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env={**os.environ, "COLUMNS": "200"})


@pytest.fixture
def raw(tmp_path):
    """A film of two clips, one of them clipped, with silence and noise between, and a recording that is gone."""
    clean, loud = (read_media(clip) for clip in CLIPS[:2])
    noise = (0.02 * np.random.standard_normal((1, 3 * SAMPLE_RATE))).astype(np.float32)
    film = [clean, noise, 0 * noise, np.clip(4 * loud / np.abs(loud).max(), -1, 1)]
    size = write_audio(tmp_path / "raw" / "audio" / "చిత్రం.mp4.flac", film, SAMPLE_RATE)
    rows = [Segment("audio/చిత్రం.mp4.flac", 0.0, size / SAMPLE_RATE, "చిత్రం.mp4", "సీత", NAN, NAN, NAN, language="te", licence="CC0-1.0")]
    write_manifest(tmp_path / "raw" / "manifest.csv", rows)
    write_manifest(tmp_path / "raw" / "with_gone.csv", [*rows, Segment("audio/gone.flac", 0.0, 4.0, "gone.mp4", "", NAN, NAN, NAN)])
    return tmp_path


def test_a_film_becomes_segments_and_the_good_ones_a_folder(raw):
    done = telucodec("segment", "raw/manifest.csv", "--out", "new/segments.csv", "--jobs", 1, cwd=raw)
    assert done.returncode == 0, done.stderr
    segments = read_manifest(raw / "new" / "segments.csv")
    assert not list(check(segments, raw / "new"))
    last = done.stdout.splitlines()[-1]
    kept, heard = (sum(row.duration_s for row in rows) / 60 for rows in (segments, read_manifest(raw / "raw" / "manifest.csv")))
    assert f"{len(segments)} segments of 1 to 15 s, {kept:.1f} minutes kept of {heard:.1f} heard" in last

    done = telucodec("filter", "new/segments.csv", "--out", "good", "--copy", "copied", "--jobs", 1, cwd=raw)
    assert done.returncode == 0, done.stderr
    good, bad = read_manifest(raw / "good" / "kept.csv"), read_manifest(raw / "good" / "bad.csv")
    assert good
    assert bad
    assert sorted([*good, *bad], key=lambda row: row.start_s) == [
        Segment(**(vars(row) | {"path": f"../raw/{row.path.removeprefix('../raw/')}"})) for row in segments
    ]
    reasons = [cells["reasons"] for cells in csv.DictReader((raw / "good" / "bad.csv").open(encoding="utf-8", newline=""))]
    assert all(reason.startswith("clipped: ") and "record again" in reason for reason in reasons)
    assert "clipped" in done.stdout
    assert f"good/kept.csv: {len(good)} of {len(segments)} rows" in done.stdout.splitlines()[-1]
    copied = read_manifest(raw / "copied" / "manifest.csv")
    assert not list(check(copied, raw / "copied"))
    assert [(row.rms, row.speaker, row.language) for row in copied] == [(row.rms, "సీత", "te") for row in good]


def test_lengths_follow_the_purpose_and_the_options(raw):
    for options, (shortest, longest) in ((["--for", "text"], (5, 16)), (["--min", "2", "--max", "4"], (2, 4))):
        done = telucodec("segment", "raw/manifest.csv", "--out", "raw/s.jsonl", *options, cwd=raw)
        assert done.returncode == 0, done.stderr
        assert f"segments of {shortest} to {longest} s" in done.stdout
        assert all(shortest <= row.duration_s <= longest for row in read_manifest(raw / "raw" / "s.jsonl"))


def test_a_folder_that_is_not_utf_8_is_worked_in_and_never_a_traceback(raw):
    folder = os.fsdecode(b"r\xff")
    os.rename(raw / "raw", raw / folder)
    for verb, out in (
        ("segment", f"{folder}/s.csv"),
        ("filter", folder),
        ("manifest split", folder),
        ("manifest convert", f"{folder}/m.jsonl"),
    ):
        manifest = f"{folder}/manifest.csv" if verb == "segment" else f"{folder}/s.csv"
        done = telucodec(*verb.split(), manifest, *([out] if "convert" in verb else ["--out", out]), cwd=raw)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1].startswith("r\ufffd")
    for form, out in (("convert", ["here.jsonl"]), ("export", ["--to", "lhotse", "--out", "here"])):
        done = telucodec("manifest", form, f"{folder}/s.csv", *out, cwd=raw)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert "is not UTF-8" in line and "rename" in line


def test_a_missing_recording_is_told_and_the_rest_is_done(raw):
    done = telucodec("segment", "raw/with_gone.csv", "--out", "raw/s.csv", "--jobs", 2, cwd=raw)
    assert done.returncode == 2
    first, last = done.stderr.splitlines()
    assert "gone.flac: is missing" in first
    assert last.startswith("telucodec: 1 of the recordings could not be read")
    assert read_manifest(raw / "raw" / "s.csv")


@pytest.mark.parametrize("options", [["--max", "1.5"], ["--min", "0"], ["--max", "inf"], ["--min", "0.00001", "--max", "0.00002"]])
def test_lengths_that_cannot_be_are_one_line(raw, options):
    done = telucodec("segment", "raw/manifest.csv", "--out", "raw/s.csv", *options, cwd=raw)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert not (raw / "raw" / "s.csv").exists()


def test_options_win_over_the_file_and_json_tells_all(raw):
    (raw / "filter.toml").write_text("min_snr_db = 90\nmin_duration_s = 0.5\n")
    write_manifest(raw / "raw" / "clips.csv", [Segment("audio/చిత్రం.mp4.flac", 0.0, 3.0, "a", "", NAN, NAN, NAN)])
    options = ["--out", "good", "--config", "filter.toml", "--json", "--jobs", 1]
    done = telucodec("filter", "raw/clips.csv", *options, cwd=raw)
    assert done.returncode == 2
    assert json.loads(done.stdout)["cases"]["noisy"]["rows"] == 1
    assert "no row is worth learning from" in done.stderr
    for more in (["--min-snr", "3"], ["--keep", "noisy"]):
        done = telucodec("filter", "raw/clips.csv", *options, *more, cwd=raw)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["kept"] == {"rows": 1, "hours": pytest.approx(3 / 3600)}
        assert found["thresholds"]["min_duration_s"] == 0.5


def test_what_is_no_threshold_is_one_line(raw):
    (raw / "filter.toml").write_text("loudness = 3\n")
    (raw / "zero.toml").write_text("segment_s = 0\n")
    for options in (["--config", "filter.toml"], ["--config", "zero.toml"], ["--keep", "nosy"], ["--config", "missing.toml"]):
        done = telucodec("filter", "raw/manifest.csv", "--out", "good", *options, cwd=raw)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith("telucodec: ")
    assert not (raw / "good").exists()


def test_a_part_is_not_dealt_out_over_itself_and_the_others(raw):
    rows = [Segment(f"audio/{name}.flac", 0.0, 9.0, name, name, NAN, NAN, NAN) for name in "abcdefgh"]
    write_manifest(raw / "all.csv", rows)
    assert telucodec("manifest", "split", "all.csv", "--out", "parts", cwd=raw).returncode == 0
    before = {path: path.read_bytes() for path in (raw / "parts").iterdir()}
    for again in ([], ["--anew"]):
        done = telucodec("manifest", "split", "parts/train.csv", "--out", "parts", *again, cwd=raw)
        assert done.returncode == 2 and "is what it would be made of" in done.stderr
    assert {path: path.read_bytes() for path in (raw / "parts").iterdir()} == before


def test_a_manifest_is_not_replaced_by_what_is_kept_of_it(raw):
    before = (raw / "raw" / "manifest.csv").read_bytes()
    (raw / "raw" / "kept.csv").write_bytes(before)
    for manifest, options in (
        ("raw/manifest.csv", ["--out", "good", "--copy", "raw"]),
        ("raw/manifest.csv", ["--out", "good", "--link", "good/../raw"]),
        ("raw/kept.csv", ["--out", "raw"]),
    ):
        done = telucodec("filter", manifest, *options, cwd=raw)
        assert done.returncode == 2
        assert "is what it would be made of" in done.stderr and len(done.stderr.splitlines()) == 1
        assert (raw / manifest).read_bytes() == before


@pytest.mark.parametrize("verb", [["segment"], ["manifest", "mix", "--take", "own=1"]])
def test_a_manifest_is_not_replaced_by_a_part_of_it(tmp_path, verb):
    manifest = tmp_path / "manifest.csv"
    write_manifest(manifest, [Segment("audio/talk.flac", 0.0, 5.0, "talk.mp4", "kavya", 0.1, 0.5, 0.0, text="one", source="own")] * 2)
    before = manifest.read_bytes()
    done = telucodec(*verb, "manifest.csv", "--out", "manifest.csv", cwd=tmp_path)
    assert done.returncode == 2 and "is what it would be made of" in done.stderr and len(done.stderr.splitlines()) == 1
    assert manifest.read_bytes() == before
