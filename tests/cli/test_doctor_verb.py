"""`telucodec doctor` as a script meets it: exit codes, JSON, the page."""

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from telucodec.data.manifest import Segment, write_manifest

SPEECH = Path(__file__).parents[2] / "examples" / "speech"
CLIP = min((SPEECH / "kerstin").glob("*.flac"))


def doctor(*arguments, columns=400):
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", "doctor", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": str(columns)})


@pytest.fixture
def recordings(tmp_path):
    """A healthy clip, a clipped one with a name to be careful with, and one that is no sound."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "good.flac").write_bytes(CLIP.read_bytes())
    wave, sample_rate = soundfile.read(CLIP)
    soundfile.write(folder / "<b>[red]తెలుగు.wav", np.clip(8 * wave, -1, 1)[8000:40_000], sample_rate)
    (folder / "no sound.mp3").write_text("text" * 1000)
    return folder


def test_healthy_is_exit_code_0():
    done = doctor(CLIP)
    assert done.returncode == 0, done.stderr
    assert "1 healthy, 0 with findings" in done.stdout


@pytest.mark.parametrize("length", ["inf", "nan", "0"])
def test_a_length_that_is_none_is_exit_code_2(length):
    done = doctor(CLIP, "--segment-s", length)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and "segment-s" in done.stderr


def test_findings_are_exit_code_1(recordings):
    done = doctor(recordings, "--jobs", 1)
    assert done.returncode == 1, done.stderr
    assert "unreadable" in done.stdout
    assert done.stdout.index("no sound.mp3") < done.stdout.index("[red]")
    assert "1 healthy, 2 with findings" in done.stdout


def test_long_names_are_whole_in_a_narrow_terminal(tmp_path, monkeypatch):
    name = f"{'a_long_name_without_a_space_' * 4}.wav"
    (tmp_path / name).write_text("text")
    monkeypatch.chdir(tmp_path)
    lines = doctor(name, columns=80).stdout.splitlines()
    assert "".join(line.split("│")[1].strip() for line in lines if line.startswith("│")) == name


def test_what_cannot_be_done_is_exit_code_2(tmp_path):
    for path in (tmp_path, tmp_path / "missing.wav"):
        done = doctor(path)
        assert done.returncode == 2
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("telucodec: ")


def test_json_holds_every_measure_without_nan(recordings):
    done = doctor(recordings, "--json", "--jobs", 2, "--segment-s", 0.5)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    files = {Path(file["path"]).name: file for file in found["files"]}
    assert files["good.flac"]["findings"] == []
    assert files["good.flac"]["measures"]["quietest_channel_db"] is None
    assert files["good.flac"]["measures"]["sample_rate"] == 16_000
    assert files["<b>[red]తెలుగు.wav"]["findings"][0]["case"] == "clipped"
    assert files["no sound.mp3"]["measures"] == {}
    assert found["thresholds"]["segment_s"] == 0.5
    assert found["cases"]["unreadable"] == 1


def test_the_page_stands_alone(recordings, tmp_path):
    page = tmp_path / "doctor.html"
    assert doctor(recordings, "--html", page, "--jobs", 1).returncode == 1
    text = page.read_text("utf-8")
    assert "&lt;b&gt;[red]తెలుగు.wav" in text
    assert "<b>[red]" not in text
    assert text.count("<audio") == text.count("data:audio/flac;base64,") == text.count("<polygon") == 1
    assert "http" not in text
    shown = page.read_text("utf-8")
    assert 'aria-label="Waveform of ' in shown and len(re.findall("<audio [^>]*aria-label=", shown)) == shown.count("<audio ")


def test_json_on_a_manifest_leads_back_to_the_row(tmp_path):
    (tmp_path / "తెలుగు.flac").write_bytes(CLIP.read_bytes())
    nan = float("nan")
    rows = [Segment("తెలుగు.flac", start_s, 4.0 - start_s, "a.mp4", "kerstin", nan, 0.5, 0.0, text="మాట") for start_s in (0.0, 0.5)]
    write_manifest(tmp_path / "rows.csv", rows)
    page = tmp_path / "doctor.html"
    done = doctor(tmp_path / "rows.csv", "--json", "--jobs", 1, "--html", page)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    assert [file["row"]["start_s"] for file in found["files"]] == [0.0, 0.5]
    assert found["files"][1]["row"] == asdict(rows[1]) | {"rms": None}
    assert found["files"][1]["path"].endswith("తెలుగు.flac")
    assert found["case_hours"] == {"duplicate": pytest.approx(3.5 / 3600)}
    assert "తెలుగు.flac at 0.50 to 4.00 s" in page.read_text("utf-8")
