"""From manifests to a codec without PyTorch, verb by verb, in a process of its own where that shows something."""

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from typer.testing import CliRunner

from telucodec.apps.training_log import read_training_log
from telucodec.cli.main import app
from telucodec.data.manifest import Segment, write_manifest
from telucodec.errors import TelucodecError, TrainingError
from telucodec.export.optimize import Check
from telucodec.training import launch
from telucodec.training.recipe import BatchConfig
from telucodec.training.train import Outcome

SPEECH = Path(__file__).parents[2] / "examples" / "speech"
PRESET = """
[body]
kind = "spectral"
width = 48
encoder_blocks = 1
decoder_blocks = 1
latent_dim = 16

[quantizer]
kind = "rvq-ema"
num_codebooks = 4
codebook_size = 64
"""


def telucodec(*arguments):
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """train.csv and val.csv of German sentences, and a tiny preset."""
    root = tmp_path_factory.mktemp("data")
    clips = sorted((SPEECH / "kerstin").glob("*.flac"))
    rows = [Segment(str(clip), 0.0, soundfile.info(clip).duration, clip.name, "kerstin", 0.1, 0.5, 0.0) for clip in clips]
    write_manifest(root / "train.csv", rows[2:])
    write_manifest(root / "val.csv", rows[:2])
    (root / "tiny.toml").write_text(PRESET)
    return root


def here(*arguments):
    """The same in this process, which has PyTorch loaded already."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def training(data, *options):
    return ["train", "--data_dir", data, "--preset", data / "tiny.toml", "--checkpoint_dir", data / "runs", *options]


@pytest.fixture(scope="module")
def run(data):
    asked = ["--updates", 40, "--no-gates", "--experiment_name", "first", "--batch_size", 4, "--learning_rate", 1e-3]
    done = telucodec(*training(data, *asked))
    assert "40 updates heard" in done.stdout, done.stderr
    assert done.stdout.rstrip().endswith(f"telucodec optimize {data / 'runs' / 'first'} packs it")
    assert done.returncode == (2 if "trained, but not well" in done.stderr else 0)
    return data / "runs" / "first"


@pytest.fixture(scope="module")
def bundle(run):
    done = telucodec("optimize", run, "--entropy-minutes", "0.01")
    assert done.returncode == 0, done.stderr
    assert re.search(r": [\d.]+ -> [\d.]+ MB; 100.00 % of the codes are the same", done.stdout)
    return run / "bundle"


def test_what_was_asked_is_written_down(run):
    config = (run / "config.toml").read_text()
    assert "batch_size = 4" in config and "learning_rate = 0.001" in config
    entries = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert "--experiment_name first" in entries[0]["command"]
    assert entries[-1]["update"] == 40


def test_a_run_goes_on(run, data, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["telucodec", "train", "--resume", "it"])
    done = here("train", "--data_dir", data, "--resume", run, "--updates", 42)
    assert "goes on after 40 updates" in done.stderr
    assert "42 updates heard" in done.stdout
    assert read_training_log(run).source.command.endswith("--learning_rate 0.001 and then telucodec train --resume it")
    assert "42 updates heard" in here("train", "--resume", run).stdout  # as many as it was to last, on its data


def test_what_silence_has_no_value_for_is_not_measured(monkeypatch, tmp_path):
    entry = dict.fromkeys(("snr_db", "correlation", "amplitude_percent"), math.nan)
    monkeypatch.setattr(launch, "run", lambda request, say, progress: (tmp_path, Outcome(1, 1.0, 0.1, entry, ())))
    done = CliRunner().invoke(app, ["train"])
    assert "SNR not measured, correlation not measured, amplitude not measured on" in done.output
    entry |= {"snr_db": -0.04, "correlation": -0.001, "amplitude_percent": 3.0}
    monkeypatch.setattr(launch, "run", lambda request, say, progress: (tmp_path, Outcome(1, 1.0, 0.1, entry, ("collapse to silence",))))
    done = CliRunner().invoke(app, ["train"])
    assert "SNR 0.0 dB, correlation 0.00," in done.output
    assert str(done.exception).endswith("trained, but not well: collapse to silence, see above")
    monkeypatch.setattr(launch, "run", lambda request, say, progress: (tmp_path, Outcome(0, 1.0, 0.0, entry, ())))
    done = CliRunner().invoke(app, ["train"])
    assert "no update fitted into the time" in str(done.exception) and done.output == ""
    found = Check(1.0, 0.0, math.nan, math.nan, 0.1, 0.1, 9, 9, 1.0, 1.0)
    monkeypatch.setattr("telucodec.export.optimize.optimize", lambda *asked: found)
    monkeypatch.setattr("telucodec.cli.optimize.read_manifest", lambda path: [])
    monkeypatch.setattr(launch, "validation_sounds", lambda rows, root: {})
    asked = ["optimize", str(tmp_path), "--entropy-minutes", "0"]
    assert "; SNR not measured; " in CliRunner().invoke(app, asked).output
    assert json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)["snr_before_db"] is None


def test_a_run_is_packed_with_its_own_data(run, data, monkeypatch, tmp_path):
    tried = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("telucodec.export.optimize.optimize", lambda *asked: Check(1.0, 0.0, 9.0, 9.0, 0.1, 0.1, 9, 9, 1.0, 1.0))
    monkeypatch.setattr(launch, "validation_sounds", lambda rows, root: tried.append(root) or {})
    shutil.copytree(run / "model", tmp_path / "bare")
    asked = [[run], [run / "model"], [run, "--data", data / "."], ["bare"]]
    ended = [CliRunner().invoke(app, ["optimize", *map(str, options), "--entropy-minutes", "0"]).exception for options in asked]
    assert tried == [data] * 3 and ended[:3] == [None] * 3
    assert str(ended[3]).startswith("data/manifests/val.csv: no such manifest")


@pytest.mark.parametrize("verb", [["train"], ["recognizer", "train"], ["recognizer", "curve"]])
def test_no_run_is_to_last_for_ever(verb, tmp_path):
    done = CliRunner().invoke(app, [*verb, "--data", str(tmp_path), "--minutes", "inf"])
    assert done.exit_code == 2 and "--minutes" in done.output and "give a finite number" in done.output


def test_gates_stop_what_is_too_short(data):
    done = here(*training(data, "--updates", 100, "--experiment_name", "short"))
    assert isinstance(done.exception, TrainingError) and "planned updates" in str(done.exception) and "--no-gates" in str(done.exception)
    assert "gate passed  validation apart from training: 0 of 2 rows" in done.stderr


def test_two_processes_end_as_one_does(data):
    done = telucodec(*training(data, "--updates", 4, "--no-gates", "--experiment_name", "shared", "--batch_size", 4, "--processes", 2))
    assert "4 updates heard" in done.stdout, done.stderr
    assert (data / "runs" / "shared" / "model" / "codec.safetensors").exists()
    failed = telucodec(*training(data, "--updates", 4, "--experiment_name", "stopped", "--batch_size", 4, "--processes", 2))
    assert failed.returncode == 2 and "planned updates" in failed.stderr.splitlines()[-1], failed.stderr
    assert "Traceback" not in done.stderr + failed.stderr


def test_two_processes_tell_each_gate_once(data):
    failed = telucodec(*training(data, "--updates", 10, "--processes", 2, "--experiment_name", "gates-of-two", "--precision", 32))
    gates = [line.split(":")[0] for line in failed.stderr.splitlines() if line.startswith("gate ")]
    assert len(gates) == len(set(gates)) > 5


def test_processes_of_several_gpus_are_one_run(data, tmp_path):
    """As on GPUs: Fabric starts the others by the same command."""
    (tmp_path / "gpus.py").write_text("import torch\ntorch.cuda.is_available = lambda: True\nfrom telucodec.cli.main import main\nmain()\n")
    asked = training(data, "--runs", tmp_path / "runs", "--updates", 2, "--no-gates", "--processes", 2, "--precision", 32, "--name", "both")
    done = subprocess.run([sys.executable, tmp_path / "gpus.py", *map(str, asked)], capture_output=True, text=True)
    assert done.stdout.count("2 updates heard") == 1 and "both/model: 2 updates heard" in done.stdout, done.stderr
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["both"]


@pytest.mark.parametrize("stop", [os.killpg, os.kill])
def test_ctrl_c_on_two_processes_is_told_once(data, stop):
    command = [
        sys.executable,
        "-c",
        "from telucodec.cli.main import main; main()",
        "train",
        "--data_dir",
        str(data),
        "--preset",
        str(data / "tiny.toml"),
    ]
    asked = ["--checkpoint_dir", str(data / "runs"), "--updates", "5000", "--no-gates", "--batch_size", "4", "--processes", "2"]
    running = subprocess.Popen([*command, *asked], stderr=subprocess.PIPE, text=True, start_new_session=True)
    lines = []
    for line in running.stderr:
        lines.append(line)
        if "updates: SNR" in line:
            stop(running.pid, signal.SIGINT)
            break
    lines += running.stderr.readlines()
    assert running.wait(20) == 130
    assert "Traceback" not in "".join(lines)
    assert lines[-1].startswith("telucodec: stopped")


def test_wrong_wishes_are_one_line_and_leave_no_folder(data, tmp_path):
    for options, words in [
        (["--recipe", "nobody"], "no such name among the recipes"),
        (["--minutes", "1", "--updates", "3"], "ask for --minutes, --updates or --num_epochs"),
        (["--resume", tmp_path], "no run to go on with"),
        (["--resume", tmp_path, "--recipe", "simple"], "leave --recipe out"),
        (["--resume", tmp_path, "--seed", "0"], "leave --seed out"),
        (["--from", tmp_path], "no codec there"),
        (["--recipe", "finetune", "--updates", "1", "--no-gates"], "not from random numbers; give --from"),
        (["--precision", "fp64"], "precision fp64: is not known"),
        (["--seed", "-1"], "seed: Input should be greater than or equal to 0"),
        (["--learning_rate", "inf"], "learning_rate: Input should be a finite number"),
    ]:
        done = here("train", "--data_dir", data, "--checkpoint_dir", tmp_path / "runs", *options)
        assert isinstance(done.exception, TelucodecError | SystemExit), done.exception
        assert words in (done.output or str(done.exception)) and "\n" not in str(done.exception)
    assert not (tmp_path / "runs").exists()
    done = telucodec("train", "--data_dir", tmp_path / "nowhere")
    assert done.returncode == 2 and done.stderr.startswith("telucodec: ") and done.stderr.count("\n") == 1


def test_a_batch_that_no_memory_holds_is_one_line(data, tmp_path):
    (tmp_path / "long.toml").write_text('[loss.terms.waveform]\nweight = 1.0\nloss = { kind = "l1" }\n[batches]\ncrop_s = 3600.0\n')
    preset = ["--data", data, "--preset", data / "tiny.toml", "--recipe", tmp_path / "long.toml", "--batch_size", 1_000_000]
    for verb in (["train", *preset, "--runs", tmp_path, "--updates", 1, "--no-gates"], ["plan", *preset]):
        failed = here(*verb)
        assert isinstance(failed.exception, TrainingError), failed.exception
        assert str(failed.exception).startswith("1,000,000 crops of 3600 s at once need more memory than there is")


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("a slip")])
def test_only_what_is_short_of_memory_is_told_so(error):
    with pytest.raises(TrainingError if "memory" in str(error) else RuntimeError), launch.within_memory(BatchConfig()):
        raise error


def test_what_pytorch_says_of_full_memory_is_known():
    with pytest.raises(TrainingError), launch.within_memory(BatchConfig()):
        torch.empty(10**18)


def test_a_bundle_encodes_and_decodes_at_every_rate(bundle, data, tmp_path):
    clip = min((SPEECH / "kerstin").glob("*.flac"))
    sizes = []
    for kbps in ("0.5", "2"):
        done = telucodec("encode", clip, tmp_path / f"{kbps}.tlc", "--model", bundle, "--kbps", kbps)
        assert done.returncode == 0, done.stderr
        sizes.append((tmp_path / f"{kbps}.tlc").stat().st_size)
        done = telucodec("decode", tmp_path / f"{kbps}.tlc", tmp_path / f"{kbps}.flac", "--model", bundle)
        assert done.returncode == 0, done.stderr
        wave, rate = soundfile.read(tmp_path / f"{kbps}.flac")
        assert rate == 16_000 and len(wave) == soundfile.info(clip).frames and np.abs(wave).max() > 0
    assert sizes[0] < sizes[1]
    facts = json.loads(telucodec("info", tmp_path / "2.tlc", "--model", bundle, "--json").stdout)
    assert facts["mode"] == "codes" and facts["bytes"] == sizes[1]


def test_a_codes_file_without_its_model_is_one_line(bundle, tmp_path):
    clip = min((SPEECH / "kerstin").glob("*.flac"))
    telucodec("encode", clip, tmp_path / "a.tlc", "--model", bundle)
    for verb in (["info", tmp_path / "a.tlc"], ["decode", tmp_path / "a.tlc", tmp_path / "a.wav"]):
        done = telucodec(*verb)
        assert done.returncode == 2 and "--model" in done.stderr and done.stderr.count("\n") == 1, done.stderr
    done = telucodec("encode", clip, tmp_path / "b.tlc", "--model", bundle, "--quality", "40")
    assert done.returncode == 2 and "ask for --kbps" in done.stderr
    assert not (tmp_path / "b.tlc").exists()


def test_it_is_measured_like_any_codec(bundle, data, tmp_path):
    options = ["--rates", "2", "--baselines", "", "--metrics", "snr_db"]
    done = telucodec("evaluate", data / "val.csv", "--model", bundle, "--out", tmp_path / "results.json", *options)
    assert done.returncode == 0, done.stderr
    trials = json.loads((tmp_path / "results.json").read_text())["trials"]
    assert [trial["contender"] for trial in trials] == ["telucodec_codes_2"] * 2
    assert all(trial["num_bytes"] > 0 and not trial["failure"] for trial in trials)


@pytest.mark.parametrize("verb", [["optimize"], ["recognizer", "optimize"]])
def test_a_bundle_is_no_file_and_that_is_told_before_the_work(tmp_path, verb):
    (tmp_path / "taken").write_bytes(b"kept")
    done = telucodec(*verb, tmp_path, "--out", tmp_path / "taken")
    assert done.returncode == 2 and "is a file" in done.stderr
    assert (tmp_path / "taken").read_bytes() == b"kept"


@pytest.mark.parametrize("verb", ["train", "plan", "optimize run"])
def test_a_plain_installation_says_what_is_missing(tmp_path, verb):
    code = "import sys; sys.modules['torch'] = None; from telucodec.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *verb.split(), "--data", tmp_path], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == 'telucodec: torch is not installed; pip install "telucodec[train]"\n'


def test_build_says_it_too(tmp_path, monkeypatch):
    def without_torch(*arguments):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("telucodec.cli.build.run", without_torch)
    error = CliRunner().invoke(app, ["build", str(tmp_path), "--out", str(tmp_path / "out")]).exception
    assert isinstance(error, TelucodecError) and "telucodec[train]" in str(error)


def test_sounds_to_validate_with_are_missed_before_any_are_packed(data, tmp_path):
    shutil.copy(data / "train.csv", tmp_path)
    write_manifest(tmp_path / "val.csv", [])
    done = here("train", "--data_dir", tmp_path, "--preset", data / "tiny.toml", "--checkpoint_dir", tmp_path / "runs")
    assert "has no rows to validate with" in str(done.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.csv", "val.csv"]
