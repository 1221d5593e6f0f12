"""What is exported is read by the toolkits it is for, text and sound as they were."""

import importlib
import importlib.machinery
import json
import os
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import soundfile

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.exporting import export
from telucodec.data.exports import EXPORTS
from telucodec.data.manifest import Segment, read_segment, write_manifest
from telucodec.errors import DataError, TelucodecError

SPEECH = Path(__file__).parents[2] / "examples" / "speech"
TEXTS = ["క్ష్మి \u200cజ్ఞ", "NA", "  007\u2028", '"a", b\t{c}', "", "2024-05-01"]
"""Joiners, what CSV readers take for a hole or a number, a separator of lines within a text, quotes, nothing, a date."""


def row(path, start_s, duration_s, text, **more):
    return Segment(path, start_s, duration_s, f"{path}.mp4", "వక్త", 0.1, 0.5, 0.0, text, "te", "own", "CC0-1.0", **more)


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """A manifest of five parts of two files, and one whole file, in folders whose names mean parts of data to others."""
    folder = tmp_path_factory.mktemp("collection")
    clips = sorted((SPEECH / "test" / "cv-telugu").glob("*.flac"))[:3]
    names = ["test/గీతం 1.flac", "train/100% #a.flac", "whole.flac"]
    for clip, name in zip(clips, names, strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(clip, folder / name)
    whole_s = soundfile.info(folder / names[2]).frames / SAMPLE_RATE
    places = [(names[0], 0.0, 1.0), (names[1], 0.5, 1.0), (names[0], 0.75, 1.25), (names[0], 2.0, 0.5), (names[1], 0, 0.3)]
    rows = [row(*place, text) for place, text in zip(places, TEXTS, strict=False)]
    rows.append(row(names[2], 0.0, whole_s, TEXTS[-1], synthetic=True))
    write_manifest(folder / "manifest.jsonl", rows)
    return folder, rows


@pytest.fixture
def loading(monkeypatch, tmp_path):
    """Hugging Face's load_dataset, offline. It wants the encoder of torchcodec to be there, and calls it for arrays only, never for files."""
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = importlib.import_module("datasets")
    for name in ("torchcodec", "torchcodec.encoders"):
        empty = types.ModuleType(name)
        empty.__spec__, empty.AudioEncoder = importlib.machinery.ModuleSpec(name, None), None
        monkeypatch.setitem(sys.modules, name, empty)

    def load(folder):
        loaded = datasets.load_dataset("audiofolder", data_dir=str(folder), cache_dir=str(tmp_path / "cache"))
        return {part: data.cast_column("audio", datasets.Audio(decode=False)) for part, data in loaded.items()}

    return load


def test_lhotse_reads_spans_text_and_sound(collection, tmp_path):
    lhotse = importlib.import_module("lhotse")
    folder, rows = collection
    assert export(folder / "manifest.jsonl", "lhotse", tmp_path / "out") == (6, pytest.approx(sum(each.duration_s for each in rows)))
    recordings = lhotse.load_manifest(tmp_path / "out" / "recordings.jsonl.gz")
    supervisions = lhotse.load_manifest(tmp_path / "out" / "supervisions.jsonl.gz")
    lhotse.validate_recordings_and_supervisions(recordings, supervisions, read_data=True)
    cuts = list(lhotse.CutSet.from_manifests(recordings=recordings, supervisions=supervisions).trim_to_supervisions(keep_overlapping=False))
    assert len(recordings) == 3 and len(cuts) == 6
    by_place = {(cut.recording_id, cut.start): cut for cut in cuts}
    for each in rows:
        cut = by_place[each.path, each.start_s]
        (said,) = cut.supervisions
        assert (said.text or "", said.speaker, said.language) == (each.text, each.speaker, each.language)
        assert said.custom == {"recording": each.recording, "source": "own", "licence": "CC0-1.0", "synthetic": each.synthetic}
        np.testing.assert_array_equal(cut.load_audio(), read_segment(each, folder))


@pytest.mark.parametrize("called", ["plain", "test"])
def test_hugging_face_reads_columns_and_sound(collection, tmp_path, loading, called):
    folder, rows = collection
    export(folder / "manifest.jsonl", "huggingface", tmp_path / called)
    ((part, loaded),) = loading(tmp_path / called).items()
    assert part == "train" and len(loaded) == len(rows)
    for each, found in zip(rows, loaded, strict=True):
        sound = found.pop("audio")
        assert Segment(**found) == each
        wave, sample_rate = soundfile.read(sound["path"], dtype="float32")
        assert sample_rate == SAMPLE_RATE
        np.testing.assert_array_equal(wave[None], read_segment(each, folder))
    assert os.path.samefile(sound["path"], folder / "whole.flac")  # not a second copy on the disk


def test_folders_called_train_and_test_are_parts_to_hugging_face(collection, tmp_path, loading):
    folder, _ = collection
    for part in ("train", "test"):
        export(folder / "manifest.jsonl", "huggingface", tmp_path / "all" / part)
    assert {part: data["text"][0] for part, data in loading(tmp_path / "all").items()} == {"train": TEXTS[0], "test": TEXTS[0]}


def test_a_whole_file_is_copied_where_it_cannot_be_linked(collection, tmp_path, monkeypatch):
    def refuse(path, target):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    folder, _ = collection
    export(folder / "manifest.jsonl", "huggingface", tmp_path / "out")
    assert (tmp_path / "out" / "audio" / "5.flac").read_bytes() == (folder / "whole.flac").read_bytes()


@pytest.mark.parametrize("form", EXPORTS)
def test_the_same_manifest_gives_the_same_bytes(collection, tmp_path, form):
    for name in ("a", "b"):
        export(collection[0] / "manifest.jsonl", form, tmp_path / name)
    contents = [
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()} for name in "ab"
    ]
    assert contents[0] == contents[1] and contents[0]


@pytest.mark.parametrize("form", EXPORTS)
def test_a_sound_that_is_not_there_leaves_nothing_behind(collection, tmp_path, form):
    folder, rows = collection
    for wrong in (row("gone.flac", 0.0, 1.0, ""), row("whole.flac", 0.0, 999.0, ""), row("whole.flac", 1.0, 0.0, "")):
        write_manifest(folder / "wrong.csv", [*rows, wrong])
        with pytest.raises(DataError, match=r"telucodec manifest check"):
            export(folder / "wrong.csv", form, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(collection, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(TelucodecError, match="is there already"):
        export(collection[0] / "manifest.jsonl", "lhotse", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_manifest_is_told(tmp_path):
    write_manifest(tmp_path / "empty.csv", [])
    with pytest.raises(DataError, match="no rows"):
        export(tmp_path / "empty.csv", "lhotse", tmp_path / "out")


def test_the_lines_are_plain_json(collection, tmp_path):
    export(collection[0] / "manifest.jsonl", "huggingface", tmp_path / "out")
    lines = (tmp_path / "out" / "metadata.jsonl").read_text("utf-8").split("\n")
    assert [json.loads(line, parse_constant=pytest.fail)["text"] for line in lines[:-1]] == TEXTS
