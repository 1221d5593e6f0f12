"""An import may be stopped in any way at any moment: nothing is torn, and nothing finished is done again."""

import io
import json
import random
import signal
import subprocess
import sys
import tarfile
import time
import unicodedata

import numpy as np
import pytest
import soundfile
from release import COLUMNS, mp3, row_of

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.data.check import check
from telucodec.data.importing import import_source
from telucodec.data.manifest import read_manifest
from telucodec.data.sources import SOURCES
from telucodec.data.sources.folder import Folder
from telucodec.data.sources.json_lines import JsonLines
from telucodec.data.sources.source import SourceConfig

NUM_SOUNDS = 120
KEPT = {"audio", "import.jsonl", "manifest.csv", "manifest.jsonl", "rejected.csv"}


def noise(path, seconds, level=0.1):
    write_audio(path, level * np.random.standard_normal((1, int(seconds * SAMPLE_RATE))).astype(np.float32), SAMPLE_RATE)


def journal(out):
    """What is finished: each name of the journal with what tells its FLAC file from one made later."""
    path = out / "import.jsonl"
    finished = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        try:
            name = json.loads(line)["name"]
        except ValueError:
            continue
        state = (out / "audio" / f"{name}.flac").stat()
        finished[name] = (state.st_ino, state.st_mtime_ns)
    return finished


def folder_of_sounds(root):
    for number in range(NUM_SOUNDS):
        noise(root / f"ధ్వని {number}.flac", 6)
    return "folder", root


def release_of_sounds(root):
    """An archive that holds one clip under many names."""
    root.mkdir()
    clip = mp3(0.1 * np.random.standard_normal(6 * 32_000).clip(-3, 3))
    rows = ["\t".join(COLUMNS), *("\t".join([f"s{at}", f"{at}.mp3", *row_of(0)[2:]]) for at in range(NUM_SOUNDS))]
    files = {"validated.tsv": "\n".join(rows).encode()} | {f"clips/{at}.mp3": clip for at in range(NUM_SOUNDS)}
    with tarfile.open(root / "te.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cv-corpus/te/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return "common-voice", root / "te.tar.gz"


@pytest.mark.parametrize("make", [folder_of_sounds, release_of_sounds])
def test_killed_at_any_moment_it_goes_on_and_leaves_nothing_torn(make, tmp_path):
    kind, source = make(tmp_path / "in")
    out = tmp_path / "out"
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", "import", kind, source, "--out", out]
    waits, kills, finished, lengths = random.Random(5), 0, {}, set()
    for _ in range(10):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        known = len(finished)
        while process.poll() is None and len(journal(out)) <= known:
            time.sleep(0.01)  # the clock starts with its first new sound
        time.sleep(waits.uniform(0, 0.06))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        now = journal(out)
        assert finished.items() <= now.items(), "something finished was done again"
        finished = now
        lengths |= {len(soundfile.read(path)[0]) for path in (out / "audio").rglob("[!.]*.flac")}
    assert kills >= 6 and 0 < len(finished) < NUM_SOUNDS
    subprocess.run(command, check=True, capture_output=True)
    assert finished.items() <= journal(out).items(), "something finished was done again"
    rows = read_manifest(out / "manifest.csv")
    assert len(rows) == NUM_SOUNDS and not list(check(rows, out))
    assert len(lengths | {round(row.duration_s * SAMPLE_RATE) for row in rows}) == 1, "torn"
    assert {path.name for path in out.iterdir()} - {"details.csv"} == KEPT
    assert len([path for path in (out / "audio").rglob("*") if path.is_file()]) == NUM_SOUNDS


def test_a_speaker_is_one_however_the_name_is_written(tmp_path):
    names = ["Müller", "Mu\u0308ller", " Müller "]
    lines = [json.dumps({"key": f"{number}.wav", "text": "", "speaker": name}) + "\n" for number, name in enumerate(names)]
    (tmp_path / "list.jsonl").write_text("".join(lines), "utf-8")
    for number in range(len(names)):
        noise(tmp_path / f"{number}.wav", 0.2)
    rows = import_source(JsonLines(tmp_path / "list.jsonl", SourceConfig()), tmp_path / "out", "own").rows
    assert [row.speaker for row in rows] == ["Müller"] * 3


def test_an_interruption_leaves_no_sound_that_was_on_its_way(tmp_path):
    def interrupt(done, total, which):
        assert list((tmp_path / "out" / ".incoming").iterdir())
        raise KeyboardInterrupt

    _, archive = release_of_sounds(tmp_path / "in")
    with pytest.raises(KeyboardInterrupt):
        import_source(SOURCES["common-voice"](archive, SourceConfig()), tmp_path / "out", "commonvoice", interrupt)
    assert not (tmp_path / "out" / ".incoming").exists()


def test_a_journal_cut_short_loses_its_last_line_only(tmp_path):
    for name in "abc":
        noise(tmp_path / "in" / f"{name}.wav", 1)
    source = Folder(tmp_path / "in", SourceConfig())
    rows = import_source(source, tmp_path / "out", "own").rows
    path = tmp_path / "out" / "import.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    again = import_source(source, tmp_path / "out", "own")
    assert again.rows == rows and again.num_reused == 2
    assert import_source(source, tmp_path / "out", "own").num_reused == 3


def test_a_sound_that_changed_is_imported_again(tmp_path):
    noise(tmp_path / "in" / "a.wav", 1)
    noise(tmp_path / "in" / "b.wav", 1)
    source = Folder(tmp_path / "in", SourceConfig())
    import_source(source, tmp_path / "out", "own")
    noise(tmp_path / "in" / "a.wav", 2)
    again = import_source(source, tmp_path / "out", "own")
    assert [row.duration_s for row in again.rows] == [2.0, 1.0] and again.num_reused == 1


def test_a_flac_file_cut_short_is_made_again(tmp_path):
    noise(tmp_path / "in" / "a.wav", 1)
    source = Folder(tmp_path / "in", SourceConfig())
    rows = import_source(source, tmp_path / "out", "own").rows
    flac = tmp_path / "out" / rows[0].path
    flac.write_bytes(flac.read_bytes()[:3000])
    assert import_source(source, tmp_path / "out", "own").num_reused == 0
    assert not list(check(rows, tmp_path / "out"))


def test_a_line_of_a_journal_that_lacks_a_size_counts_for_nothing(tmp_path):
    noise(tmp_path / "in" / "a.wav", 1)
    source = Folder(tmp_path / "in", SourceConfig())
    import_source(source, tmp_path / "out", "own")
    path = tmp_path / "out" / "import.jsonl"
    cells = json.loads(path.read_text("utf-8"))
    del cells["flac_bytes"]
    path.write_text(json.dumps(cells) + "\n", "utf-8")
    assert import_source(source, tmp_path / "out", "own").num_reused == 0


def test_silence_and_what_is_no_sound_are_rejected(tmp_path):
    noise(tmp_path / "in" / "a.wav", 1)
    noise(tmp_path / "in" / "silence.wav", 1, level=0)
    wave = 0.1 * np.random.standard_normal(SAMPLE_RATE)
    soundfile.write(tmp_path / "in" / "opposed.wav", np.stack([wave, -wave], axis=1), SAMPLE_RATE, "FLOAT")
    (tmp_path / "in" / "text.mp3").write_text("no sound")
    (tmp_path / "in" / "empty.mp3").touch()
    imported = import_source(Folder(tmp_path / "in", SourceConfig()), tmp_path / "out", "own")
    reasons = dict(imported.rejected)
    assert set(reasons) == {"empty.mp3", "opposed.wav", "silence.wav", "text.mp3"}
    assert "digital silence" in reasons["silence.wav"] and "channels cancel" in reasons["opposed.wav"]
    assert [row.recording for row in imported.rows] == ["a.wav"]
    assert [path.name for path in (tmp_path / "out" / "audio").iterdir()] == ["a.wav.flac"]


@pytest.mark.parametrize("text", ["క్\u200cష\u2028మించండి", "o\u0308 é", "  two\t words\n"])
def test_text_comes_in_as_nfc_with_single_spaces(text, tmp_path):
    noise(tmp_path / "a.wav", 0.2)
    (tmp_path / "list.jsonl").write_text(json.dumps({"key": "a.wav", "text": text}, ensure_ascii=False), "utf-8")
    import_source(JsonLines(tmp_path / "list.jsonl", SourceConfig()), tmp_path / "out", "own")
    for name in ("manifest.csv", "manifest.jsonl"):
        (row,) = read_manifest(tmp_path / "out" / name)
        assert row.text == " ".join(unicodedata.normalize("NFC", text).split())
