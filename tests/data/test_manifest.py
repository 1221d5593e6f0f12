"""Manifests come back as they were written, and a bad one is named with its line."""

import math
import os
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.data.manifest import (
    Segment,
    moved,
    read_json_lines,
    read_manifest,
    read_segment,
    write_json_lines,
    write_manifest,
)
from telucodec.errors import DataError

ROW = Segment(
    path="audio/లక్ష్మి/a, b.mp4.flac",
    start_s=1.5,
    duration_s=2.25,
    recording='లక్ష్మి/a, "b".mp4',
    speaker="లక్ష్మి",
    rms=0.1 / 3,
    peak=0.7,
    clipped_share=0.0,
)


def test_rows_come_back_exactly(tmp_path):
    rows = [ROW, replace(ROW, speaker="", rms=np.float32(0.1).item(), recording="two\nlines.wav")]
    write_manifest(tmp_path / "train.csv", rows)
    assert read_manifest(tmp_path / "train.csv") == rows


FULL = replace(
    ROW,
    text='క్\u200cషమించండి, "అన్నాడు"\u2028రెండవ\r\nవరుస o\u0308',
    language="te",
    source="commonvoice",
    licence="CC0-1.0",
    synthetic=True,
)


@pytest.mark.parametrize("name", ["train.csv", "train.jsonl"])
def test_text_and_paths_come_back_byte_for_byte(tmp_path, name):
    rows = [FULL, replace(FULL, synthetic=False, text=""), ROW]
    write_manifest(tmp_path / name, rows)
    assert read_manifest(tmp_path / name) == rows
    assert ROW.path.encode() in (tmp_path / name).read_bytes() and "క్\u200cషమించండి".encode() in (tmp_path / name).read_bytes()


def test_json_lines_begin_with_key_and_text(tmp_path):
    write_json_lines(tmp_path / "a", [FULL])
    (line,) = (tmp_path / "a").read_bytes().decode().splitlines(keepends=True)[:1]
    assert line.startswith('{"key": "audio/లక్ష్మి/a, b.mp4.flac", "text": ')
    assert read_json_lines(tmp_path / "a") == [FULL]


def test_a_manifest_of_before_texts_is_read(tmp_path):
    write_manifest(tmp_path / "train.csv", [ROW])
    lines = (tmp_path / "train.csv").read_text("utf-8").splitlines()
    assert lines[0].endswith(",text,language,source,licence,synthetic") and lines[1].endswith(",,,,,False")
    old = [lines[0].removesuffix(",text,language,source,licence,synthetic"), lines[1].removesuffix(",,,,,False")]
    (tmp_path / "train.csv").write_text("\n".join(old), "utf-8")
    assert read_manifest(tmp_path / "train.csv") == [ROW]


@pytest.mark.parametrize(
    "line, complaint",
    [
        ("{", "line 1"),
        ("[]", "line 1"),
        ('{"text": ""}', "lacks 'key'"),
        ('{"key": "a.wav", "text": ""}', "telucodec import json-lines"),
        (b"\xff", "is not UTF-8"),
    ],
)
def test_a_bad_json_line_is_named(tmp_path, line, complaint):
    (tmp_path / "a.jsonl").write_bytes(line if isinstance(line, bytes) else line.encode())
    with pytest.raises(DataError, match=complaint):
        read_manifest(tmp_path / "a.jsonl")


@pytest.mark.parametrize("change", [{"start_s": "1"}, {"synthetic": 1}, {"text": None}, {"peak": True}])
def test_a_value_of_another_type_is_named(tmp_path, change):
    write_json_lines(tmp_path / "a.jsonl", [replace(FULL, **change)])
    with pytest.raises(DataError, match=f"line 1: {next(iter(change))} is"):
        read_manifest(tmp_path / "a.jsonl")


@pytest.mark.parametrize("value", ["1" + 400 * "0", 200_000 * "["], ids=["long", "deep"])
def test_numbers_too_long_and_brackets_too_deep_are_named_by_their_line(tmp_path, value):
    write_json_lines(tmp_path / "a.jsonl", [ROW, replace(ROW, rms=0.125)])
    (tmp_path / "a.jsonl").write_text((tmp_path / "a.jsonl").read_text("utf-8").replace("0.125", value), "utf-8")
    with pytest.raises(DataError, match="line 2.*mend that line"):
        read_manifest(tmp_path / "a.jsonl")


def test_rows_that_move_still_find_their_sound(tmp_path):
    write_audio(tmp_path / "raw" / "own" / ROW.path, np.zeros((1, 5 * SAMPLE_RATE), np.float32), SAMPLE_RATE)
    (row,) = moved([ROW], tmp_path / "raw" / "own", tmp_path / "manifests")
    assert row.path == f"../raw/own/{ROW.path}"
    (tmp_path / "manifests").mkdir()
    assert read_segment(row, tmp_path / "manifests").shape == (1, 36_000)


def test_a_place_that_no_manifest_can_name_is_told(tmp_path):
    folder = tmp_path / os.fsdecode(b"r\xff")
    assert moved([ROW], folder, folder) == [ROW]
    with pytest.raises(DataError, match="not UTF-8.*rename"):
        moved([ROW], folder, tmp_path)


def test_a_spreadsheet_may_have_saved_it(tmp_path):
    write_manifest(tmp_path / "train.csv", [ROW])
    text = (tmp_path / "train.csv").read_text("utf-8")
    (tmp_path / "train.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_manifest(tmp_path / "train.csv") == [ROW]


@pytest.mark.parametrize(
    "content, complaint",
    [
        (None, "no such manifest"),
        (b"", "lacks the column"),
        (b"path,text\na.wav,hello\n", "lacks the column start_s"),
        (b"\xff\xfe\x00", "is not UTF-8.*save it as UTF-8"),
    ],
)
def test_what_is_no_manifest_is_named(tmp_path, content, complaint):
    if content is not None:
        (tmp_path / "train.csv").write_bytes(content)
    with pytest.raises(DataError, match=complaint):
        read_manifest(tmp_path / "train.csv")


@pytest.mark.parametrize("spoil", [lambda text: text.replace("2.25", "long"), lambda text: text.replace("False", "maybe")])
def test_a_bad_line_is_named_by_its_number(tmp_path, spoil):
    write_manifest(tmp_path / "train.csv", [ROW])
    (tmp_path / "train.csv").write_text(spoil((tmp_path / "train.csv").read_text("utf-8")), "utf-8")
    with pytest.raises(DataError, match="line 2"):
        read_manifest(tmp_path / "train.csv")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_path_that_no_file_can_have_is_named_by_its_line(tmp_path, name):
    write_manifest(tmp_path / name, [replace(ROW, path="a\0b.flac")])
    with pytest.raises(DataError, match=r"line \d: path is 'a\\x00b.flac'"):
        read_manifest(tmp_path / name)


@pytest.mark.parametrize("change", [{"start_s": math.inf}, {"duration_s": 1e305}, {"duration_s": math.nan}])
def test_a_row_without_numbers_is_named_where_its_sound_is_read(tmp_path, change):
    write_audio(tmp_path / ROW.path, np.zeros((1, 5 * SAMPLE_RATE), np.float32), SAMPLE_RATE)
    with pytest.raises(DataError, match="mend the row"):
        read_segment(replace(ROW, **change), tmp_path)


def test_a_segment_is_exactly_its_samples(tmp_path):
    wave = np.random.randint(-9999, 9999, (1, 5 * SAMPLE_RATE)) / np.float32(32768)
    write_audio(tmp_path / ROW.path, wave, SAMPLE_RATE)
    np.testing.assert_array_equal(read_segment(ROW, tmp_path), wave[:, 24_000:60_000])


def test_sound_of_another_rate_is_named(tmp_path):
    write_audio(tmp_path / "a.flac", np.zeros((1, 5 * SAMPLE_RATE), np.float32), SAMPLE_RATE // 2)
    with pytest.raises(DataError, match="not the 16000 Hz mono file"):
        read_segment(replace(ROW, path="a.flac"), tmp_path)


def test_sound_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="missing"):
        read_segment(ROW, tmp_path)
    write_audio(tmp_path / ROW.path, np.zeros((1, 30_000), np.float32), SAMPLE_RATE)
    with pytest.raises(DataError, match="from 1.5 s for 2.25 s, and the file ends before"):
        read_segment(ROW, tmp_path)


def test_a_file_of_floats_that_are_no_numbers_is_named_where_its_sound_is_read(tmp_path):
    wave = np.zeros(5 * SAMPLE_RATE, np.float32)
    wave[30_000] = math.nan
    soundfile.write(tmp_path / "a.wav", wave, SAMPLE_RATE, "FLOAT")
    with pytest.raises(DataError, match="a.wav: holds NaN or infinity"):
        read_segment(replace(ROW, path="a.wav"), tmp_path)
