"""From a release, own recordings and sentences to a mix for training, as a person types it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from release import make_archive, make_folder
from typer.testing import CliRunner

from telucodec.audio.sound_file import write_audio
from telucodec.cli.main import app
from telucodec.data.manifest import read_manifest, read_segment
from telucodec.data.synthesis import SYNTHESISERS

SPEECH = Path(__file__).parents[2] / "examples" / "speech"


def telucodec(*arguments, code=0, **options):
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A folder with Common Voice, with a bad row, and own recordings brought in."""
    folder = tmp_path_factory.mktemp("data")
    release = make_archive(make_folder(folder, "too\tshort\n"), folder / "cv-te.tar.gz")
    done = telucodec("import", "common-voice", release, "--out", folder / "raw" / "commonvoice", "--parts", "validated,other")
    assert "8 rows" in done.stdout and "1 left out" in done.stdout and "validated.tsv, line 8" in done.stderr
    (folder / "own").mkdir()
    for clip in sorted((SPEECH / "kerstin").glob("*.flac"))[:4]:
        shutil.copy(clip, folder / "own")
    lines = [json.dumps({"key": path.name, "text": f"Satz {path.stem}"}) for path in sorted((folder / "own").iterdir())]
    (folder / "own" / "list.jsonl").write_text("\n".join(lines), "utf-8")
    options = ["--language", "de", "--speaker", "kerstin", "--licence", "CC0-1.0"]
    telucodec("import", "json-lines", folder / "own" / "list.jsonl", "--out", folder / "raw" / "own", *options)
    return folder / "raw"


def test_what_was_imported_is_split_mixed_counted_checked_and_converted(raw, tmp_path):
    manifests = sorted(raw.glob("*/manifest.csv"))
    done = telucodec("manifest", "split", *manifests, "--out", tmp_path)
    assert "train " in done.stdout and "test " in done.stdout
    parts = {part: read_manifest(tmp_path / f"{part}.csv") for part in ("train", "val", "test", "left_out")}
    assert sum(map(len, parts.values())) == 12
    assert all(read_segment(row, tmp_path).size for rows in parts.values() for row in rows)
    assert telucodec("manifest", "split", *manifests, "--out", tmp_path).stdout == done.stdout
    assert {part: read_manifest(tmp_path / f"{part}.csv") for part in parts} == parts

    telucodec("manifest", "split", *manifests[:1], "--out", tmp_path / "fewer")
    done = telucodec("manifest", "split", *manifests[1:], "--out", tmp_path / "fewer")
    assert "of the earlier split left it, not given this time" in done.stderr

    mixed = tmp_path / "mixes" / "mix.jsonl"
    telucodec("manifest", "mix", *manifests, "--out", mixed, "--take", "commonvoice=5,own=2")
    counted = json.loads(telucodec("manifest", "stats", mixed, "--json").stdout)
    assert {name: amount["rows"] for name, amount in counted["groups"]["source"].items()} == {"commonvoice": 5, "own": 2}
    assert {name: amount["rows"] for name, amount in counted["groups"]["language"].items()} == {"te": 5, "de": 2}
    assert "CC0-1.0" in telucodec("manifest", "stats", *manifests).stdout

    telucodec("manifest", "convert", mixed, tmp_path / "mix.csv")
    assert "7 rows checked, 0 findings" in telucodec("manifest", "check", tmp_path / "mix.csv").stdout
    telucodec("manifest", "convert", tmp_path / "mix.csv", tmp_path / "mixes" / "again.jsonl")
    assert (tmp_path / "mixes" / "again.jsonl").read_bytes() == mixed.read_bytes()

    done = telucodec("manifest", "export", mixed, "--to", "huggingface", "--out", tmp_path / "hf")
    assert "7 rows" in done.stdout and "for huggingface" in done.stdout
    assert len(list((tmp_path / "hf" / "audio").iterdir())) == 7


def test_a_check_that_finds_something_says_so_in_its_exit_code(raw, tmp_path):
    shutil.copytree(raw / "own", tmp_path / "own")
    next((tmp_path / "own" / "audio").iterdir()).unlink()
    done = telucodec("manifest", "check", tmp_path / "own" / "manifest.csv", code=1)
    assert "is missing" in done.stdout and "4 rows checked, 1 finding\n" in done.stdout


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["import", "common-voice", "nowhere.tar.gz", "--out", "out"], "nowhere.tar.gz: no such file"),
        (["import", "folder", "nowhere", "--out", "out"], "nowhere: is no folder"),
        (["import", "folder", ".", "--out", "out", "--parts", "train"], "--parts is for common-voice"),
        (["manifest", "mix", "a.csv", "--out", "b.csv", "--take", "own"], "SOURCE=ROWS"),
        (["manifest", "mix", "a.csv", "--out", "b.csv", "--take", "own=400,tts"], "SOURCE=ROWS"),
        (["manifest", "mix", "a.csv", "--out", "b.csv", "--take", "own=4,tts=2", "--take", "own=5"], "names own again"),
        (["manifest", "stats", "a.csv"], "a.csv: no such manifest"),
        (["manifest", "convert", "a.csv", "b.xml"], "neither .csv nor .jsonl"),
        (["manifest", "export", "a.csv", "--to", "lhotse", "--out", "b"], "a.csv: no such manifest"),
    ],
)
def test_a_slip_is_one_clear_line(arguments, complaint, tmp_path):
    assert complaint in telucodec(*arguments, code=2, cwd=tmp_path).stderr


def test_sentences_are_spoken(tmp_path):
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed: apt-get install espeak-ng")
    (tmp_path / "prompts.txt").write_text("నమస్కారం\nమంచి రోజు\nమూడు\n", "utf-8")
    done = telucodec("tts", tmp_path / "prompts.txt", "--out", tmp_path / "tts", "--limit", 2)
    assert "2 rows" in done.stdout
    assert all(row.synthetic and row.source == "tts" for row in read_manifest(tmp_path / "tts" / "manifest.csv"))
    telucodec("manifest", "check", tmp_path / "tts" / "manifest.csv")


def test_a_synthesiser_of_the_shelf_speaks_in_the_voice_asked_for(monkeypatch, tmp_path):
    class Hum:
        language = "te"

        def __init__(self, voice):
            self.name = f"hum {voice}"

        def check(self):
            pass

        def speak(self, text, target):
            write_audio(target, 0.2 * np.sin(np.arange(16_000) / 9, dtype=np.float32)[None], 16_000)

    monkeypatch.setitem(SYNTHESISERS, "espeak", Hum)
    (tmp_path / "prompts.txt").write_text("నమస్కారం\n", "utf-8")
    asked = ["tts", str(tmp_path / "prompts.txt"), "--out", str(tmp_path / "tts"), "--synthesiser", "espeak", "--voice", "low"]
    assert "1 row," in CliRunner().invoke(app, asked).output
    assert read_manifest(tmp_path / "tts" / "manifest.csv")[0].speaker == "hum low"


def test_verbs_say_one_file_and_one_row_where_there_is_one(tmp_path):
    (tmp_path / "sounds").mkdir()
    shutil.copy(next((SPEECH / "kerstin").glob("*.flac")), tmp_path / "sounds" / "a.flac")
    own = tmp_path / "own" / "manifest.csv"
    for asked, told in (
        (["doctor", tmp_path / "sounds"], "1 file, "),
        (["import", "folder", tmp_path / "sounds", "--out", own.parent], "1 row, "),
        (["filter", own, "--out", tmp_path / "filtered", "--jobs", 1], "1 of 1 row, "),
        (["manifest", "mix", own, "--out", tmp_path / "mix.csv", "--take", "own=1"], " of 1 row, seed 0"),
        (["manifest", "convert", own, tmp_path / "all.jsonl"], "all.jsonl: 1 row\n"),
    ):
        assert told in CliRunner().invoke(app, list(map(str, asked)), catch_exceptions=False).output


def test_without_a_synthesiser_the_remedy_is_told(tmp_path):
    (tmp_path / "prompts.txt").write_text("నమస్కారం\n", "utf-8")
    done = telucodec("tts", tmp_path / "prompts.txt", "--out", tmp_path / "tts", code=2, env={"PATH": ""} | python_path())
    (line,) = done.stderr.splitlines()
    assert "apt-get install espeak-ng" in line


def python_path():
    """Where this Python finds its packages, for a process without any other environment."""
    return {"PYTHONPATH": ":".join(sys.path)}
