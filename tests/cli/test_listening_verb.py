"""The verb as a person or a script meets it: a page and its key are made, answers are counted, mistakes are one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from telucodec.cli.main import app

SPEECH = sorted((Path(__file__).parents[2] / "examples" / "speech" / "test" / "cv-telugu").glob("*.flac"))

pytest.importorskip("scipy", reason="scipy is not installed: pip install 'telucodec[eval]'")


def telucodec(*arguments):
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", "listening-test", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("test")
    for name in ("reference", "ours"):
        (folder / "clips" / name).mkdir(parents=True)
        (folder / "clips" / name / "a.flac").write_bytes(SPEECH[0].read_bytes())
    done = telucodec("make", folder / "clips", "--out", folder / "page.html")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def answers(key, **scores):
    answer = {"item": 0, "ratings": [scores[name] for name in key["items"][0]["sounds"]], "places": [0, 1, 2], "seconds": 1.0}
    facts = {"schema_version": 1, "test": key["test"], "method": "mushra", "listener": "a", "language": "te", "seed": "s"}
    return json.dumps(facts | {"started": "", "finished": "", "answers": [answer]})


def test_what_was_made_is_said_and_what_was_answered_is_counted(made):
    folder, said = made
    key = json.loads((folder / "page.key.json").read_text())
    assert f"mushra test {key['test']}, 1 clip, 1 system, rates not measured" in said
    (folder / "a.json").write_text(answers(key, **{"ours": 70, "reference": 100, "anchor_3.5_kHz": 20}))
    arguments = ("analyse", folder / "a.json", "--key", folder / "page.key.json", "--plot", folder / "scores.svg")
    numbers = json.loads(telucodec(*arguments, "--json").stdout)
    assert {system["name"]: system["mean"] for system in numbers["systems"]} == {"ours": 70, "reference": 100, "anchor_3.5_kHz": 20}
    assert numbers["systems"][0]["low"] is None and numbers["systems"][0]["holes"]["low"]
    table = telucodec(*arguments).stdout
    assert "not measured" in table and "1 of 1 listener counted" in table
    assert "not measured: an interval takes 5 values, not 1" in table
    assert (folder / "scores.svg").read_text().startswith("<svg")


def test_answers_of_abx_are_counted_and_what_too_few_cannot_tell_is_said(made, tmp_path):
    def told(*arguments):
        done = CliRunner().invoke(app, ["listening-test", *map(str, arguments)], catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    told("make", made[0] / "clips", "--out", tmp_path / "abx.html", "--method", "abx", "--repeats", 2)
    key = json.loads((tmp_path / "abx.key.json").read_text())
    answer = {"item": 0, "a": 0, "b": 1, "x": 0, "answer": "a", "seconds": 1.0}
    facts = {"schema_version": 1, "test": key["test"], "method": "abx", "listener": "a", "language": "te", "seed": "s"}
    (tmp_path / "a.json").write_text(json.dumps(facts | {"started": "", "finished": "", "answers": [answer] * 2}))
    arguments = ("analyse", tmp_path / "a.json", "--key", tmp_path / "abx.key.json", "--plot", tmp_path / "abx.svg")
    (system,) = json.loads(told(*arguments, "--json"))["systems"]
    assert (system["correct"], system["p"], system["p_holm"], system["low"]) == (2, 0.25, 0.25, None)
    assert system["by_listener"][0]["low"] == pytest.approx(0.025**0.5)
    assert "not measured: an interval takes 5 values, not 1" in told(*arguments)


@pytest.mark.parametrize("method", ["mushra", "abx"])
def test_no_number_is_cut_off_where_a_terminal_has_few_columns(tmp_path, method):
    names = [f"codec{number}" for number in range(6)]
    facts = {"schema_version": 1, "test": "0" * 12, "method": method}
    systems = [{"name": name, "label": name, "role": "system", "kbps": 12.5} for name in names]
    systems.append({"name": "reference", "label": "reference", "role": "reference"})
    items = [{"clip": f"clip {number}", "sounds": [*names, "reference"], "gains_db": [0.0] * 7} for number in range(12)]
    of_abx = {"against": "reference", "repeats": 2} if method == "abx" else {}
    made = {"command": "", "date": "", "machine": {}, "versions": {}}
    key = facts | {"seed": 0, "made": made, "systems": systems, "items": items} | of_abx
    (tmp_path / "page.key.json").write_text(json.dumps(key))
    trials = [{"item": item, "a": a, "b": 6, "x": a, "answer": "a", "seconds": 1.0} for item in range(12) for a in range(6) for _ in "ab"]
    rated = [{"item": item, "ratings": [*range(61, 67), 100], "places": [*range(7)], "seconds": 1.0} for item in range(12)]
    session = facts | {"language": "te", "seed": "s", "started": "", "finished": "", "answers": trials if method == "abx" else rated}
    files = [tmp_path / f"{who}.json" for who in "abcdef"]
    for path in files:
        path.write_text(json.dumps(session | {"listener": path.stem}))
    options = ["--key", tmp_path / "page.key.json", "--plot", tmp_path / "scores.svg"]
    words = ["listening-test", "analyse", *map(str, files), *map(str, options)]
    done = CliRunner(env={"COLUMNS": "80"}).invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    if method == "abx":
        assert done.stdout.count("2.7e-43") >= 6 and "Holm" in done.stdout  # 144 of 144, of six systems
        assert done.stdout.count("6e-08") >= 36
    else:
        assert done.stdout.count("100.0") >= 12 and "…" not in done.stdout


def test_nobody_left_is_no_success_and_no_picture(made):
    folder, _ = made
    key = json.loads((folder / "page.key.json").read_text())
    (folder / "easy.json").write_text(answers(key, **{"ours": 100, "reference": 100, "anchor_3.5_kHz": 100}))
    arguments = ("analyse", folder / "easy.json", "--key", folder / "page.key.json", "--plot", folder / "none.svg")
    done = telucodec(*arguments)
    assert done.returncode == 1 and "not counted: a rated the low anchor above 90" in done.stdout
    assert "no listener of 1 is counted" in done.stderr and "Warning" not in done.stderr
    done = telucodec(*arguments, "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["listeners"] == []
    assert not (folder / "none.svg").exists()


def test_a_broken_file_is_one_line_and_exit_code_2(made):
    folder, _ = made
    (folder / "broken.json").write_text("{")
    done = telucodec("analyse", folder / "broken.json", "--key", folder / "page.key.json")
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
    assert "broken.json" in done.stderr


def test_the_key_of_another_test_is_not_written_over(made):
    folder, _ = made
    before = (folder / "page.key.json").read_bytes()
    done = telucodec("make", folder / "clips", "--out", folder / "page.html", "--seed", 1)
    assert done.returncode == 2 and "give this page another name" in done.stderr
    assert (folder / "page.key.json").read_bytes() == before
    assert telucodec("make", folder / "clips", "--out", folder / "page.html").returncode == 0


def test_systems_with_telugu_names_are_drawn_without_a_warning(made):
    folder, _ = made
    key = json.loads((folder / "page.key.json").read_text())
    next(system for system in key["systems"] if system["name"] == "ours")["label"] = "మాది"
    (folder / "telugu.key.json").write_text(json.dumps(key))
    (folder / "b.json").write_text(answers(key, **{"ours": 70, "reference": 100, "anchor_3.5_kHz": 20}))
    done = telucodec("analyse", folder / "b.json", "--key", folder / "telugu.key.json", "--plot", folder / "telugu.svg")
    assert (done.returncode, done.stderr) == (0, "")
    assert "మాది" in (folder / "telugu.svg").read_text("utf-8")
