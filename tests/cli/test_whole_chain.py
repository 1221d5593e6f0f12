"""Telugu all the way: what was typed in two forms comes out in one, and folders keep their names byte for byte."""

import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import soundfile

from telucodec.data.manifest import read_manifest

CLIPS = sorted((Path(__file__).parents[2] / "examples" / "speech" / "test" / "cv-telugu").glob("*.flac"))[:6]
NFD_SPEAKERS = [unicodedata.normalize("NFD", name) for name in ("మైనా", "పైడి", "కైక")]
"""Names whose vowel sign is two characters in NFD and one in NFC, as folders."""
NFD_TEXTS = [unicodedata.normalize("NFD", f"ఇది  {word} కథ, “పైకి” \u200cచూడు") for word in ("మొదటి", "రెండో", "మూడో", "నాలుగో", "ఐదో", "ఆరో")]


def telucodec(*arguments, cwd):
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", *map(str, arguments)]
    # Nothing may depend on the language of the terminal.
    done = subprocess.run(command, capture_output=True, cwd=cwd, env=os.environ | {"LC_ALL": "C"})
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """The folder in which the whole chain has run, and its source: sound with text beside it, and one recording without."""
    home = tmp_path_factory.mktemp("chain") / unicodedata.normalize("NFD", "పై డేటా")
    source = home / "మూలం"
    for number, (clip, text) in enumerate(zip(CLIPS, NFD_TEXTS, strict=True)):
        folder = source / NFD_SPEAKERS[number // 2]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, folder / f"ధ్వని {number}.flac")
        (folder / f"ధ్వని {number}.txt").write_bytes(text.encode())
    shutil.copy(CLIPS[0], source / NFD_SPEAKERS[0] / "మాట.flac")
    telucodec("import", "folder", source, "--out", home / "raw", "--language", "te", cwd=home)
    telucodec("segment", "raw/manifest.csv", "--out", "raw/segments.csv", "--jobs", 1, cwd=home)
    telucodec(
        "filter", "raw/segments.csv", "--out", "good", "--copy", "copied", "--keep", "duplicate", "--keep", "noisy", "--jobs", 1, cwd=home
    )
    telucodec("manifest", "split", "copied/manifest.csv", "--out", "manifests", cwd=home)
    telucodec("manifest", "export", "manifests/train.csv", "--to", "huggingface", "--out", "exported", cwd=home)
    return home


def rows_of(home):
    return {part: read_manifest(home / "manifests" / f"{part}.csv") for part in ("train", "val", "test", "left_out")}


def test_the_names_differ_in_their_two_forms():
    assert all(unicodedata.normalize("NFC", text) != text for text in [*NFD_SPEAKERS, *NFD_TEXTS])


def test_text_and_speakers_come_out_in_nfc_and_are_the_same_otherwise(chain):
    expected = {" ".join(unicodedata.normalize("NFC", text).split()) for text in NFD_TEXTS}
    rows = [row for part in rows_of(chain).values() for row in part]
    assert {row.text for row in rows} - {""} == expected
    assert "" in {row.text for row in rows}  # the recording without text came through `segment` too
    assert {row.speaker for row in rows} == {unicodedata.normalize("NFC", name) for name in NFD_SPEAKERS}


def test_folders_and_files_keep_their_names_byte_for_byte(chain):
    expected = {f"{folder.parent.name}/{folder.stem}" for folder in (chain / "మూలం").rglob("*.flac")}
    copied = [row for part in rows_of(chain).values() for row in part]
    found = {"/".join(row.recording.split("/")[-2:]).removesuffix(".flac") for row in copied}
    assert found == expected
    listed = {os.fsencode(path.relative_to(chain / "manifests")) for row in copied if (path := chain / "manifests" / row.path).exists()}
    assert len(listed) == len({row.path for row in copied}) == len(copied)
    on_disk = {os.fsencode(path.parent.name) for path in (chain / "copied").rglob("*.flac")}
    assert on_disk == {name.encode() for name in NFD_SPEAKERS}


def test_what_is_exported_is_the_text_and_sound_of_the_rows(chain):
    rows = rows_of(chain)["train"]
    lines = [json.loads(line) for line in (chain / "exported" / "metadata.jsonl").read_text("utf-8").split("\n") if line]
    assert [(line["text"], line["speaker"], line["path"]) for line in lines] == [(row.text, row.speaker, row.path) for row in rows]
    for line, row in zip(lines, rows, strict=True):
        sound, _ = soundfile.read(chain / "exported" / line["file_name"], dtype="int16")
        original, _ = soundfile.read(chain / "manifests" / row.path, dtype="int16")
        assert (sound == original).all()
