"""The main job on real speech: films and recordings in, a codec with its report out, once with all it measures, in a process as a person runs it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from telucodec.apps.report import Further, report
from telucodec.cli.main import app
from telucodec.data.manifest import read_manifest
from telucodec.errors import DataError
from telucodec.evaluation.evaluate import evaluate
from telucodec.evaluation.results import read_results
from telucodec.metrics import METRICS
from telucodec.runtime.codec import load_codec
from telucodec.stream import load_live_codec

SPEECH = Path(__file__).parents[2] / "examples" / "speech"


def command(media, out, minutes, *options):
    main = [sys.executable, "-u", "-c", "from telucodec.cli.main import main; main()"]
    return [*main, "build", str(media), "--out", str(out), "--minutes", str(minutes), *options]


def run_build(media, out, *options):
    return subprocess.run(
        command(media, out, 0.1, *options), check=False, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"}
    )


@pytest.fixture
def build_briefly(monkeypatch):
    """A build in this process, which measures little; returns its words, or raises what stopped it."""
    monkeypatch.setattr("telucodec.apps.build.evaluate", partial(evaluate, metrics=[METRICS["snr_db"], METRICS["pesq"]]))
    monkeypatch.setattr("telucodec.apps.build.BASELINES", ("opus@6",))

    def briefly(media, out, *options):
        words = ["build", str(media), "--out", str(out), "--minutes", "0.1", *options]
        monkeypatch.setattr(sys, "argv", ["telucodec", *words])
        return CliRunner(env={"COLUMNS": "200"}).invoke(app, words, catch_exceptions=False).output

    return briefly


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A film and clips of one speaker, two test clips of another, and files nobody can use."""
    folder = tmp_path_factory.mktemp("media")
    (folder / "kerstin").mkdir()
    (folder / "test" / "cv-telugu").mkdir(parents=True)
    for clip in [*sorted((SPEECH / "kerstin").glob("*.flac"))[:4], SPEECH / "kerstin" / "kerstin-clips.mp4"]:
        shutil.copy(clip, folder / "kerstin" / clip.name)
    for clip in sorted((SPEECH / "test" / "cv-telugu").glob("*.flac"), key=lambda path: path.stat().st_size)[:2]:
        shutil.copy(clip, folder / "test" / "cv-telugu" / f"తెలుగు {clip.name}")
    (folder / "0 bytes.mp4").touch()
    (folder / "text.mp4").write_text("no film")
    (folder / "cut.mp4").write_bytes((SPEECH / "kerstin" / "kerstin-clips.mp4").read_bytes()[:100_000])
    soundfile.write(folder / "silence.wav", np.zeros(48_000), 16_000)
    soundfile.write(folder / "quiet\nroom.wav", 0.002 * np.sin(np.arange(48_000) / 20), 16_000)
    nan = np.full(16_000, np.nan, np.float32)
    soundfile.write(folder / "nan.wav", nan, 16_000, subtype="FLOAT")
    return folder


@pytest.fixture(scope="module")
def built(media, tmp_path_factory):
    """The folder of a first build, and the process that made it."""
    out = tmp_path_factory.mktemp("built") / "out"
    return out, run_build(media, out)


def test_bad_files_get_a_line_each_and_the_rest_is_done(built):
    out, done = built
    assert done.returncode == 2
    assert "5 of the media files could not be read" in done.stderr
    for name in ("0 bytes.mp4", "text.mp4", "cut.mp4", "silence.wav", "nan.wav"):
        assert sum(line.startswith("  left out:") and name in line for line in done.stdout.splitlines()) == 1, done.stdout
    assert "  quiet room.wav, 0.0 to 3.0 s: no speech" in done.stdout
    assert (out / "report.html").stat().st_size > 100_000


def test_every_step_leaves_its_files(built):
    out, _ = built
    train, test = (read_manifest(out / "manifests" / f"{part}.csv") for part in ("train", "test"))
    assert {row.speaker for row in train} == {"kerstin"}
    assert {row.speaker for row in test} == {"cv-telugu"}
    assert any(row.recording.endswith(".mp4") for row in [*train, *read_manifest(out / "manifests" / "val.csv")])
    assert all((out / "manifests" / row.path).exists() for row in train)
    results = read_results(out / "results.json")
    models = [codec.digest_of(mode) for codec in (load_codec(out / "model"), load_codec()) for mode in codec.modes]
    assert {row.model for row in results.contenders if row.model} == set(models)
    assert any(row.name.startswith("opus") for row in results.contenders)
    assert all(trial.kbps == pytest.approx(6.3, rel=0.05) for trial in results.trials if "natural" in trial.contender)
    assert json.loads((out / "build.json").read_text("utf-8"))["seconds"].keys() == {"audio", "manifests", "model", "measurements"}


def test_the_model_is_the_best_of_its_candidates_on_validation_speech(built):
    found = json.loads((built[0] / "steps" / "model.json").read_bytes())["found"]
    assert found["validation_kbps"][found["chosen"]] == min(found["validation_kbps"].values())
    assert len(found["validation_kbps"]) == 3
    families = {row.family for row in read_results(built[0] / "results.json").contenders}
    assert ("built natural" in families) == (found["chosen"] != "shipped")
    assert ("did not improve" in (built[0] / "report.html").read_text()) == (found["chosen"] == "shipped")


def test_the_codec_that_was_built_works(built, telugu):
    codec = load_codec(built[0] / "model")
    decoded = codec.decode(codec.encode(telugu, kbps=6.3, mode="fidelity"))
    assert 10 * np.log10((telugu**2).sum() / ((telugu - decoded) ** 2).sum()) > 15
    assert load_live_codec(built[0] / "model").model.identity == load_live_codec().model.identity


def test_a_second_run_does_nothing_again(media, built):
    out, _ = built
    before = {
        path: path.stat().st_mtime_ns
        for path in out.rglob("*")
        if path.is_file() and path.name not in ("build.json", "report.html", "report.json", "audio.json")
    }
    done = run_build(media, out)
    assert done.returncode == 2
    assert done.stdout.count("unchanged since the last run") == 3
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_two_builds_do_not_write_to_one_folder(media, tmp_path):
    out = tmp_path / "out"
    with subprocess.Popen(command(media, out, minutes=5), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        for line in first.stdout:  # extraction, which holds the folder too, is over
            if line.startswith("audio:"):
                break
        second = run_build(media, out)
        first.kill()
        first.communicate()
    assert second.returncode == 2 and second.stdout == ""
    (line,) = second.stderr.splitlines()
    assert f"{out}: another run is writing there" in line


def test_ctrl_c_keeps_what_was_finished(media, tmp_path):
    out = tmp_path / "out"
    with subprocess.Popen(command(media, out, minutes=5), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stdout:  # training begins after the manifests are told
            if line.startswith("manifests:"):
                break
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    (line,) = errors.splitlines()
    assert "stopped" in line
    assert (out / "manifests" / "train.csv").exists()
    assert not (out / "model").exists()
    assert not list(out.rglob(".*part-*"))


def test_a_single_short_recording_is_built_upon_without_a_refit_and_again_beside_what_was_built(tmp_path, build_briefly):
    clips = sorted((SPEECH / "kerstin").glob("*.flac"))
    (tmp_path / "media" / "test").mkdir(parents=True)
    shutil.copy(clips[0], tmp_path / "media" / clips[0].name)
    wave, _ = soundfile.read(clips[1], dtype="float32")
    soundfile.write(tmp_path / "media" / "test" / "short.wav", wave[:24_000], 16_000)
    out = tmp_path / "media" / "build"
    said = build_briefly(tmp_path / "media", out)
    assert "shipped; no validation speech" in said
    assert "results: 1 test clip\n" in said
    assert "nan" not in said
    results = read_results(out / "results.json")
    assert {row.family for row in results.contenders if row.model} == {"shipped natural", "shipped fidelity"}
    assert results.test_set.name == "media (test part)"
    assert "your recordings did not improve on it" in (out / "report.html").read_text()
    assert (out / "report.html").exists()
    again = build_briefly(tmp_path / "media", out, "--price", "2", "--minutes-limit", "60", "--cost-limit", "2")
    assert "audio: 2 recordings, 2 from before" in again
    assert again.count("unchanged since the last run") == 3
    verdicts = {found["criterion"]: found["status"] for found in json.loads((out / "report.json").read_bytes())["verdicts"]}
    assert verdicts["Time"] == verdicts["Cost"] == "PASS"
    with pytest.raises(DataError, match="is what a build wrote"):
        build_briefly(out, tmp_path / "out")


def test_a_folder_without_media_is_told_so(tmp_path):
    done = run_build(tmp_path, tmp_path / "out")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "holds no audio or video file" in line
    assert not (tmp_path / "out").exists()


def test_names_that_are_not_utf_8_are_built_from_and_to(tmp_path, build_briefly):
    media, out = (tmp_path / os.fsdecode(name) for name in (b"media \xff", b"out \xff"))
    clips = sorted((SPEECH / "kerstin").glob("*.flac"))
    for clip, name in zip(clips, (clips[0].name, os.fsdecode(b"test/a \xff.flac")), strict=False):
        (media / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, media / name)
    assert "out \ufffd/report.html: open it" in build_briefly(media, out)
    record = out / "build.json"
    assert "media \ufffd" in json.loads(record.read_bytes())["command"]
    record = record.rename(out / os.fsdecode(b"\xff.json"))
    page = report(out / "results.json", tmp_path / "report.html", Further(build=record))
    assert json.loads(page.read_bytes())["sources"]["build"]["name"] == "?.json"


def test_without_a_test_part_nothing_is_trained(tmp_path):
    clip = min((SPEECH / "kerstin").glob("*.flac"))
    (tmp_path / "media").mkdir()
    shutil.copy(clip, tmp_path / "media" / clip.name)
    done = run_build(tmp_path / "media", tmp_path / "out")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "to test with" in line and f"put some in {tmp_path / 'media' / 'test'}" in line
    assert "test is empty" in done.stdout and not (tmp_path / "out" / "model").exists()


def test_a_folder_of_nothing_usable_is_told_so(tmp_path):
    (tmp_path / "media").mkdir()
    soundfile.write(tmp_path / "media" / "silence.wav", np.zeros(48_000), 16_000)
    done = run_build(tmp_path / "media", tmp_path / "out")
    assert done.returncode == 2
    assert "no recording in it can be read" in done.stderr
