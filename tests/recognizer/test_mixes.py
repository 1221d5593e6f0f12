"""The notes' mixes, and the parts of a learning curve."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from toy import request_of
from typer.testing import CliRunner

from telucodec.cli.recognizer import recognizer
from telucodec.data.manifest import Segment, read_manifest, write_manifest
from telucodec.errors import DataError, TrainingError
from telucodec.recognizer.curve import learning_curve, parts
from telucodec.recognizer.mixes import mixes

NAMES = {"own": "own", "commonvoice": "commonvoice", "tts": "tts"}


def rows(**counts):
    return [
        Segment(f"{s}{n}.flac", 0.0, 2.0, f"{s}{n}", "", 0.1, 0.3, 0.0, "a", source=s) for s, count in counts.items() for n in range(count)
    ]


def test_mixes_hold_the_notes_proportions_and_grow_by_a_source():
    found = mixes(rows(own=500, commonvoice=250, tts=900), NAMES)
    assert [len(found[name]) for name in "ABC"] == [200, 450, 550]
    assert found["B"][: len(found["A"])] == found["A"] and found["C"][: len(found["B"])] == found["B"]


def test_a_source_without_rows_is_named():
    with pytest.raises(DataError, match="commonvoice"):
        mixes(rows(own=5, tts=5), NAMES)


def test_rows_without_text_are_no_part_of_a_mix(tmp_path):
    silent = [replace(row, path=f"silent-{row.path}", recording=f"silent-{row.recording}", text="") for row in rows(own=300)]
    write_manifest(tmp_path / "train.csv", [*silent, *rows(own=80, commonvoice=200, tts=200)])
    done = CliRunner().invoke(recognizer, ["mixes", str(tmp_path / "train.csv"), "--out", str(tmp_path)])
    assert done.exit_code == 0 and "A 80 rows, 0.04 h" in done.output and "left out: 300 rows, empty transcript" in done.output
    assert [row.text for row in read_manifest(tmp_path / "C.csv")] == ["a"] * (80 + 100 + 40)


def test_clips_of_a_curve_are_those_that_were_learned_from(toy_data, tmp_path):
    for name in ("train", "val"):
        found = [replace(row, path=str(toy_data / row.path)) for row in read_manifest(toy_data / f"{name}.csv")]
        found = [replace(row, text="" if number % 3 else row.text) for number, row in enumerate(found)]
        found[0] = replace(found[0], text=40 * "kat")  # cannot be said in its sound
        write_manifest(tmp_path / f"{name}.csv", found)
    asked = ["curve", "--data", tmp_path, "--config", toy_data / "toy.toml", "--minutes", "0.01", "--shares", "100", "--runs", tmp_path]
    done = CliRunner().invoke(recognizer, [str(word) for word in (*asked, "--no-gates", "--json")])
    assert done.exit_code == 0 and "left out: 40 rows, empty transcript" in done.stderr
    (point,) = json.loads(done.stdout)
    learned = [row for row in read_manifest(tmp_path / "train.csv") if 0 < len(row.text) < 100]
    assert point["clips"] == len(learned) == 19
    assert point["hours"] == pytest.approx(sum(row.duration_s for row in learned) / 3600, rel=0.02)


def test_parts_of_a_curve_are_nested():
    found = parts(rows(own=40), [0.25, 0.5, 1.0], 0)
    assert [len(part) for part in found.values()] == [10, 20, 40]
    names = [{row.path for row in part} for part in found.values()]
    assert names[0] < names[1] < names[2]


def test_each_part_is_a_run_of_its_own(toy_data):
    manifests = parts(read_manifest(toy_data / "train.csv"), [0.2, 0.4], 0)
    points = list(learning_curve(request_of(toy_data, epochs=1), manifests, lambda line: None, lambda done, total, name: None))
    assert [point.clips for point in points] == [12, 24] and all(point.updates > 0 and 0 < point.cer for point in points)


def test_a_second_curve_leaves_the_data_of_the_first(toy_data, tmp_path):
    rows = read_manifest(toy_data / "train.csv")
    runs = []
    for part in (rows[:6], rows[6:12], rows[:6]):
        request = request_of(toy_data, epochs=1, runs=tmp_path / "runs")
        (point,) = learning_curve(request, {"10 %": part}, lambda line: None, lambda done, total, name: None)
        data = json.loads((Path(point.run) / "log.jsonl").read_text().split("\n")[0])["data"]
        runs.append((data, {Path(row.path).name for row in read_manifest(Path(data) / "train.csv")}))
    assert runs[0] == runs[2] and runs[0][0] != runs[1][0]
    assert [heard for _, heard in runs] == [{Path(row.path).name for row in part} for part in (rows[:6], rows[6:12], rows[:6])]


def test_a_curve_that_breaks_off_has_told_what_it_came_to(toy_data, tmp_path):
    rows = [replace(row, path=str(toy_data / row.path)) for row in read_manifest(toy_data / "train.csv")]
    write_manifest(tmp_path / "good.csv", rows)
    write_manifest(tmp_path / "mute.csv", [replace(row, text="") for row in rows])
    asked = ["curve", "--data", toy_data, "--config", toy_data / "toy.toml", "--minutes", "0.01", "--runs", tmp_path, "--no-gates"]
    done = CliRunner().invoke(recognizer, [str(word) for word in (*asked, "--mix", tmp_path / "good.csv", "--mix", tmp_path / "mute.csv")])
    assert isinstance(done.exception, DataError) and re.search(r"good      60 clips .* CER", done.stdout), done.output


def test_mixes_of_one_name_are_refused(tmp_path):
    asked = ["curve", "--data", tmp_path, "--mix", tmp_path / "x" / "train.csv", "--mix", tmp_path / "y" / "train.csv"]
    done = CliRunner().invoke(recognizer, [str(word) for word in asked])
    assert done.exit_code == 2 and "have one name" in " ".join(done.output.split())


def test_a_curve_goes_on_regardless_where_its_gates_say_how(toy_data, tmp_path):
    for name in ("train", "val"):
        rows = [replace(row, path=str(toy_data / row.path)) for row in read_manifest(toy_data / f"{name}.csv")]
        write_manifest(tmp_path / f"{name}.csv", [*(replace(row, text="కన్నడ") for row in rows[:9]), *rows[9:]])
    asked = ["curve", "--data", tmp_path, "--config", toy_data / "toy.toml", "--minutes", "0.01", "--shares", "100", "--runs", tmp_path]
    stopped = CliRunner().invoke(recognizer, [str(word) for word in asked])
    assert isinstance(stopped.exception, TrainingError) and "--no-gates" in str(stopped.exception)
    done = CliRunner().invoke(recognizer, [str(word) for word in (*asked, "--no-gates")])
    assert done.exit_code == 0 and re.search(r"100 %      60 clips .* h +\d+ updates  CER", done.output), done.output
