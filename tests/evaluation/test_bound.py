"""`bound`: from any media the same estimate, from much of it as from all, and its words."""

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from telucodec.audio.sound_file import write_audio
from telucodec.cli.main import app
from telucodec.data.manifest import Segment, write_manifest
from telucodec.errors import DataError
from telucodec.evaluation import bound as bounding
from telucodec.evaluation.bound import bound
from telucodec.metrics.rate_distortion import bracket


def test_a_file_gives_the_estimate_of_its_sound(telugu, tmp_path):
    write_audio(tmp_path / "one.flac", telugu, 16_000)
    expected = bracket([telugu[0]]).snr_db_for(4)
    assert bound(tmp_path / "one.flac").snr_db_for(4) == pytest.approx(expected, abs=0.1)  # 16 bits, cut in pieces of 10 s
    assert bound(tmp_path).snr_db_for(4) == pytest.approx(expected, abs=0.1)  # 16 bits, cut in pieces of 10 s


@pytest.mark.parametrize("name", ["test.csv", "test.jsonl"])
def test_a_manifest_gives_the_estimate_of_its_rows(telugu, tmp_path, name):
    write_audio(tmp_path / "one.flac", telugu, 16_000)
    write_manifest(tmp_path / name, [Segment("one.flac", 1.0, 2.0, "one.mp4", "", 0.1, 0.5, 0.0)])
    found = bound(tmp_path / name)
    assert found.duration_s == pytest.approx(2, abs=0.1)
    assert found.snr_db_for(4) == pytest.approx(bracket([telugu[0, 16_000:48_000]]).snr_db_for(4), abs=0.1)


def test_much_sound_is_heard_in_part_and_evenly(telugu, tmp_path, monkeypatch):
    monkeypatch.setattr(bounding, "PIECE_S", 0.5)
    monkeypatch.setattr(bounding, "MOST_PIECES", 8)
    quiet, loud = 0.01 * telugu, telugu
    for name, wave in (("quiet.flac", quiet), ("quiet-then-loud.flac", np.concatenate([quiet, loud], axis=-1))):
        write_audio(tmp_path / name, wave, 16_000)
    found = bound(tmp_path / "quiet-then-loud.flac")
    assert found.duration_s <= 8 * 0.5
    assert found.fine.energy > 100 * bound(tmp_path / "quiet.flac").fine.energy


def test_silence_is_an_error_in_one_line(tmp_path):
    write_audio(tmp_path / "silent.wav", np.zeros((1, 16_000), np.float32), 16_000)
    with pytest.raises(DataError, match="silent"):
        bound(tmp_path / "silent.wav")


def test_the_verb_refuses_35_db_at_4_kbps(telugu, tmp_path):
    path = tmp_path / "one.flac"
    write_audio(path, telugu, 16_000)
    said = CliRunner().invoke(app, ["bound", str(path), "--kbps", "4", "--snr", "35"]).output
    assert "35 dB at 4 kbps: out of reach by an optimistic estimate" in said
    assert re.search(r"4 kbps: about \d+\.\d dB, optimistically \d+\.\d dB", said)
    told = json.loads(CliRunner().invoke(app, ["bound", str(path), "--kbps", "4", "--snr", "35", "--json"]).output)
    assert told["verdicts"][0]["verdict"].startswith("out of reach")
    low, high = told["reachable_db"][0]["coarse"], told["reachable_db"][0]["fine"]
    assert 5 < low < high < 35
