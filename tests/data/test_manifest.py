"""Manifests come back as they were written, and a bad one is named with its line."""

from dataclasses import replace

import numpy as np
import pytest

from telucodec.audio.media import SAMPLE_RATE, write_audio
from telucodec.data.manifest import Segment, read_manifest, read_segment, write_manifest
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
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_what_is_no_manifest_is_named(tmp_path, content, complaint):
    if content is not None:
        (tmp_path / "train.csv").write_bytes(content)
    with pytest.raises(DataError, match=complaint):
        read_manifest(tmp_path / "train.csv")


@pytest.mark.parametrize("spoil", [lambda text: text.replace("2.25", "long"), lambda text: text.rstrip().rsplit(",", 1)[0]])
def test_a_bad_line_is_named_by_its_number(tmp_path, spoil):
    write_manifest(tmp_path / "train.csv", [ROW])
    (tmp_path / "train.csv").write_text(spoil((tmp_path / "train.csv").read_text("utf-8")), "utf-8")
    with pytest.raises(DataError, match="line 2"):
        read_manifest(tmp_path / "train.csv")


def test_a_segment_is_exactly_its_samples(tmp_path):
    wave = np.random.randint(-9999, 9999, (1, 5 * SAMPLE_RATE)) / np.float32(32768)
    write_audio(tmp_path / ROW.path, wave, SAMPLE_RATE)
    np.testing.assert_array_equal(read_segment(ROW, tmp_path), wave[:, 24_000:60_000])


def test_sound_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="missing"):
        read_segment(ROW, tmp_path)
    write_audio(tmp_path / ROW.path, np.zeros((1, 30_000), np.float32), SAMPLE_RATE)
    with pytest.raises(DataError, match="extract the recordings again"):
        read_segment(ROW, tmp_path)
