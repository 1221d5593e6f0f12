"""What is gathered sounds as it did, sample by sample, and its folder stands alone."""

import os
import shutil
import unicodedata
from dataclasses import replace

import numpy as np
import pytest

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.data.check import check
from telucodec.data.gather import gather
from telucodec.data.loudness import measure
from telucodec.data.manifest import Segment, read_manifest, read_segment
from telucodec.errors import DataError

NAMES = ["audio/తెలుగు చిత్రం.flac", "audio/" + unicodedata.normalize("NFD", "é.flac"), "audio/" + unicodedata.normalize("NFC", "é.flac")]


@pytest.fixture
def rows(tmp_path):
    """A whole file for each name, and two parts of the first."""
    rows = []
    for name in NAMES:
        wave = np.random.uniform(-0.5, 0.5, (1, 3 * SAMPLE_RATE)).astype(np.float32)
        write_audio(tmp_path / "own" / name, wave, SAMPLE_RATE)
        levels = measure(tmp_path / "own" / name)
        rows.append(Segment(name, 0.0, 3.0, name, "సీత", levels.rms, levels.peak, levels.clipped_share, text="మాట"))
    for start_s, duration_s in ((0.0, 1.5), (1.25, 1.75)):
        levels = measure(tmp_path / "own" / NAMES[0], round(start_s * SAMPLE_RATE), round(duration_s * SAMPLE_RATE))
        rows.append(Segment(NAMES[0], start_s, duration_s, NAMES[0], "సీత", levels.rms, levels.peak, levels.clipped_share))
    return rows


@pytest.mark.parametrize("link", [False, True])
def test_every_row_keeps_its_samples_and_the_folder_stands_alone(tmp_path, rows, link):
    gathered = gather(rows, tmp_path / "own", tmp_path / "new", link)
    before = [read_segment(row, tmp_path / "own") for row in rows]
    shutil.rmtree(tmp_path / "own")
    (tmp_path / "new").rename(tmp_path / "elsewhere")
    found = read_manifest(tmp_path / "elsewhere" / "manifest.csv")
    assert found == gathered
    assert not list(check(found, tmp_path / "elsewhere"))
    for row, after, wave in zip(rows, found, before, strict=True):
        np.testing.assert_array_equal(read_segment(after, tmp_path / "elsewhere"), wave)
        assert replace(after, path=row.path, start_s=row.start_s) == row


def test_names_survive_byte_for_byte(tmp_path, rows):
    gathered = gather(rows, tmp_path / "own", tmp_path / "new")
    assert [row.path for row in gathered[:3]] == NAMES
    assert {os.fsencode(path.name) for path in (tmp_path / "new" / "audio").iterdir()} == {
        os.fsencode(row.path.removeprefix("audio/")) for row in gathered
    }


def test_whole_files_are_linked_and_parts_are_not(tmp_path, rows):
    gathered = gather(rows, tmp_path / "own", tmp_path / "new", link=True)
    same = [(tmp_path / "new" / after.path).samefile(tmp_path / "own" / row.path) for row, after in zip(rows, gathered, strict=True)]
    assert same == [True, True, True, False, False]


def test_a_file_that_is_there_already_is_not_copied_over_itself(tmp_path, rows):
    before = [(tmp_path / "own" / name).stat().st_ino for name in NAMES]
    gather(rows[:3], tmp_path / "own", tmp_path / "own")
    assert [(tmp_path / "own" / name).stat().st_ino for name in NAMES] == before


@pytest.mark.parametrize("link", [False, True])
def test_what_links_of_an_earlier_run_lead_to_is_not_written_over(tmp_path, rows, link):
    (tmp_path / "precious").write_bytes(b"mine")
    for after in gather(rows, tmp_path / "own", tmp_path / "new"):
        (tmp_path / "new" / after.path).unlink()
        (tmp_path / "new" / after.path).symlink_to(tmp_path / "precious")
    for row, after in zip(rows, gather(rows, tmp_path / "own", tmp_path / "new", link), strict=True):
        np.testing.assert_array_equal(read_segment(after, tmp_path / "new"), read_segment(row, tmp_path / "own"))
    assert (tmp_path / "precious").read_bytes() == b"mine"


def test_copies_are_copies_and_doing_it_again_changes_nothing(tmp_path, rows):
    for _ in range(2):
        gathered = gather(rows, tmp_path / "own", tmp_path / "new")
    assert not (tmp_path / "new" / gathered[0].path).samefile(tmp_path / "own" / rows[0].path)
    assert (tmp_path / "new" / gathered[0].path).read_bytes() == (tmp_path / "own" / rows[0].path).read_bytes()
    assert len([path for path in (tmp_path / "new").rglob("*") if path.is_file()]) == len(rows) + 1


def test_files_of_one_name_stay_apart_and_one_listed_twice_is_copied_once(tmp_path, rows):
    other = np.random.uniform(-0.5, 0.5, (1, SAMPLE_RATE)).astype(np.float32)
    write_audio(tmp_path / "audio" / "తెలుగు చిత్రం.flac", other, SAMPLE_RATE)
    outside = replace(rows[0], path=f"../{NAMES[0]}", duration_s=1.0)
    gathered = gather([rows[0], outside, rows[0]], tmp_path / "own", tmp_path / "new")
    assert [row.path for row in gathered] == [NAMES[0], NAMES[0].replace(".flac", "-2.flac"), NAMES[0]]
    np.testing.assert_allclose(read_segment(gathered[1], tmp_path / "new"), other, atol=2**-16)


def test_the_source_folder_itself_may_be_the_target(tmp_path, rows):
    before = (tmp_path / "own" / NAMES[0]).read_bytes()
    for link in (False, True):
        gather(rows[:1], tmp_path / "own", tmp_path / "own", link)
    assert (tmp_path / "own" / NAMES[0]).read_bytes() == before


def test_a_missing_sound_is_an_error(tmp_path, rows):
    with pytest.raises(DataError, match="missing"):
        gather([replace(rows[0], path="gone.flac")], tmp_path / "own", tmp_path / "new")
    assert not (tmp_path / "new" / "manifest.csv").exists()
