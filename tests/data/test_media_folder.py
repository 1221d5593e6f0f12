"""What lies below a folder is found once, and what cannot be looked into is told of, never left out without a word."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.doctor import examine
from telucodec.data.extract import extract
from telucodec.data.importing import import_source
from telucodec.data.media_folder import media_below
from telucodec.data.sources.folder import Folder
from telucodec.data.sources.source import SourceConfig
from telucodec.errors import DataError


@pytest.fixture
def media(tmp_path):
    folder = tmp_path / "media"
    for name in ("a.wav", "kerstin/b.WAV", "kerstin/.hidden/c.wav", ".d.wav", "kerstin/notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, np.random.uniform(-0.3, 0.3, SAMPLE_RATE), SAMPLE_RATE, format="WAV")
    return folder


@pytest.fixture
def close(monkeypatch):
    """Close a folder, to root as well."""
    scandir = os.scandir

    def close_(folder: Path) -> None:
        def refusing(path="."):
            if Path(path) == folder:
                raise PermissionError(13, "Permission denied", os.fspath(path))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refusing)

    return close_


def test_media_are_found_by_their_suffixes_and_hidden_ones_are_not(media):
    assert list(media_below(media)) == [media / "a.wav", media / "kerstin" / "b.WAV"]
    assert list(media_below(media, lambda below: below.name == "kerstin")) == [media / "a.wav"]


def test_what_a_build_wrote_is_no_recording(media, tmp_path):
    for name in ("kerstin/mine/steps/audio.json", "kerstin/mine/samples/c.wav", "steps/d.wav"):
        (media / name).parent.mkdir(parents=True, exist_ok=True)
        (media / name).touch()
    assert list(media_below(media)) == [media / "a.wav", media / "kerstin" / "b.WAV", media / "steps" / "d.wav"]
    assert [row.recording for row in extract(media, tmp_path / "out").rows] == ["a.wav", "kerstin/b.WAV"]


@pytest.mark.parametrize("name", ["disc.vob", "book.m4b", "A.WAVE"])
def test_what_ffmpeg_reads_is_found_by_its_less_common_suffixes_too(tmp_path, name):
    (tmp_path / name).touch()
    assert list(media_below(tmp_path)) == [tmp_path / name]


def test_a_folder_that_may_not_be_read_is_told_and_the_rest_is_done(media, tmp_path, close):
    close(media / "kerstin")
    extracted = extract(media, tmp_path / "extracted")
    assert [row.recording for row in extracted.rows] == ["a.wav"]
    assert [name for name, _ in extracted.failed] == ["kerstin"]
    imported = import_source(Folder(media, SourceConfig()), tmp_path / "imported", "own")
    assert [row.recording for row in imported.rows] == ["a.wav"]
    assert [name for name, _ in imported.rejected] == ["kerstin"]
    diagnoses = {diagnosis.sound.path.name: diagnosis for diagnosis in examine([media]).diagnoses}
    assert [finding.case for finding in diagnoses["kerstin"].findings] == ["unreadable"]


def test_a_folder_of_which_nothing_may_be_read_is_an_error(media, close):
    close(media)
    with pytest.raises(DataError, match="media: cannot be read .Permission denied.; check who may read it"):
        list(media_below(media))


def test_a_link_that_leads_nowhere_is_told_and_a_pipe_is_not_waited_for(media, tmp_path):
    (media / "gone.wav").symlink_to("nowhere.wav")
    (media / "round.wav").symlink_to("round.wav")
    os.mkfifo(media / "pipe.wav")
    assert [name for name, _ in extract(media, tmp_path / "out").failed] == ["gone.wav", "round.wav"]
    assert {diagnosis.sound.path.name for diagnosis in examine([media]).diagnoses} == {"a.wav", "b.WAV", "gone.wav", "round.wav"}


def test_links_to_folders_are_followed_where_they_lead_to_something_new(media, tmp_path):
    disk = tmp_path / "disk"
    (disk / "films").mkdir(parents=True)
    (disk / "films" / "e.mp4").touch()
    (media / "near").symlink_to(disk / "films")
    (media / "wide").symlink_to(disk)
    (disk / "f.mp4").touch()
    (disk / "back").symlink_to(media)
    (media / "again").symlink_to(media / "kerstin")
    (media / "round").symlink_to(tmp_path)
    assert list(media_below(media)) == [
        media / "a.wav",
        media / "kerstin" / "b.WAV",
        media / "near" / "e.mp4",
        media / "round" / "disk" / "f.mp4",
    ]
