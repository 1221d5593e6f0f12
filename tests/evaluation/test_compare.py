"""A comparison goes on whatever a codec or a clip does, and says what happened."""

import json
import math
import multiprocessing
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from telucodec.errors import MediaError
from telucodec.evaluation.baselines.opus import opus
from telucodec.evaluation.clips import Clip
from telucodec.evaluation.compare import compare
from telucodec.evaluation.contender import Contender
from telucodec.metrics import METRICS

SPEECH = Path(__file__).parents[2] / "examples" / "speech"
CHEAP = [METRICS[name] for name in ("snr_db", "si_sdr_db", "amplitude_percent", "correlation", "stoi")]


def to_pcm(wave: np.ndarray) -> bytes:
    return np.rint(wave * 32767).astype(np.int16).tobytes()


def from_pcm(data: bytes, gain: float = 1.0) -> np.ndarray:
    return gain * np.frombuffer(data, np.int16).astype(np.float32)[None] / 32767


def raising(_):
    raise RuntimeError("out of\ncheese")


PCM = Contender("pcm", "PCM", "pcm", to_pcm, from_pcm, model="abc")


def clip(name: str, wave: np.ndarray) -> Clip:
    return Clip(name, partial(np.copy, wave), group="te")


def only(contender: Contender, wave: np.ndarray):
    (trial,), _ = compare([clip("a", wave)], [contender], CHEAP)
    return trial


def test_a_codec_of_known_rate_and_level_is_measured_as_such(waves):
    trial = only(Contender("half", "", "", to_pcm, partial(from_pcm, gain=0.5)), waves[0])
    assert trial.kbps == pytest.approx(256)
    assert trial.values["amplitude_percent"] == pytest.approx(50, abs=0.1)
    assert trial.values["snr_db"] == pytest.approx(20 * math.log10(2), abs=0.01)
    assert trial.failure == "" and trial.holes == {} and trial.group == "te"
    assert trial.encode_s >= 0 and trial.decode_s >= 0


def test_seconds_are_those_of_processors_here_and_in_programs_that_a_codec_runs(waves):
    def sleeping(data):
        time.sleep(0.5)
        return from_pcm(data)

    def calling(data):
        subprocess.run([sys.executable, "-S", "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
        return from_pcm(data)

    wave = waves[0][:, :16_000]
    assert only(Contender("sleeping", "", "", to_pcm, sleeping), wave).decode_s < 0.25
    assert 0.45 < only(Contender("calling", "", "", to_pcm, calling), wave).decode_s < 1


@pytest.mark.parametrize("shift", [0, 7, -7])
def test_the_delay_a_codec_leaves_is_found(waves, shift):
    late = Contender("late", "", "", to_pcm, lambda data: np.roll(from_pcm(data), shift))
    assert only(late, waves[0]).delay == shift


def test_there_is_no_delay_between_things_unlike_each_other(waves):
    noise = np.random.default_rng(0).normal(0, 0.1, waves[0].shape).astype(np.float32)
    assert only(Contender("noise", "", "", to_pcm, lambda data: noise), waves[0]).delay is None


@pytest.mark.parametrize(
    "encode, decode, reason",
    [
        (raising, from_pcm, "RuntimeError: out of cheese"),
        (to_pcm, raising, "RuntimeError: out of cheese"),
        (to_pcm, lambda data: from_pcm(data)[:, :-7], "samples came back for"),
        (to_pcm, lambda data: np.nan * from_pcm(data), "NaN or infinity"),
        (to_pcm, lambda data: 1e11 * from_pcm(data), "the output reaches"),
        (to_pcm, lambda data: 1e200 * from_pcm(data).astype(np.float64), "the output reaches"),
    ],
)
def test_a_codec_that_fails_leaves_holes_with_reasons_and_others_go_on(waves, encode, decode, reason):
    bad = Contender("bad", "", "", encode, decode)
    trials, _ = compare([clip("a", waves[0]), clip("b", waves[1])], [bad, PCM], CHEAP)
    assert [(trial.clip, trial.contender) for trial in trials] == [("a", "bad"), ("a", "pcm"), ("b", "bad"), ("b", "pcm")]
    for trial in trials[::2]:
        assert reason in trial.failure
        assert set(trial.holes) == {metric.name for metric in CHEAP} and not any(trial.values.values())
    assert all(trial.failure == "" and trial.values["snr_db"] > 30 for trial in trials[1::2])


def test_samples_of_16_bits_that_nobody_scaled_back_are_measured_as_such(waves):
    trial = only(Contender("loud", "", "", to_pcm, partial(from_pcm, gain=32_768.0)), waves[0])
    assert trial.failure == "" and trial.values["amplitude_percent"] == pytest.approx(3_276_800, rel=1e-3)


def test_a_clip_that_is_no_sound_is_named_and_others_go_on(waves):
    trials, _ = compare([clip("a", 1e20 * waves[0]), clip("b", np.nan * waves[0]), clip("c", waves[0])], [PCM], CHEAP)
    assert [trial.failure[:16] for trial in trials] == ["the clip reaches", "the clip holds N", ""]


def test_a_metric_that_raises_is_a_hole_with_its_words(waves):
    broken = replace(METRICS["pesq"], compute=lambda reference, estimate: raising(estimate))
    (trial,), _ = compare([clip("a", waves[0])], [PCM], [broken, METRICS["snr_db"]])
    assert trial.holes == {"pesq": "RuntimeError: out of cheese"} and trial.values["snr_db"] > 30 and not trial.failure


def test_a_codec_that_answers_speech_with_silence_has_failed(waves):
    trial = only(Contender("mute", "", "", to_pcm, lambda data: 0 * from_pcm(data)), waves[0])
    assert trial.failure == "the output is silent"
    assert (trial.values["snr_db"], trial.values["amplitude_percent"], trial.values["stoi"]) == (0.0, 0.0, 0.0)
    assert trial.values["si_sdr_db"] is None and trial.holes["si_sdr_db"] == "the output is silent"


@pytest.mark.parametrize("num_samples", [0, 1, 3200])
@pytest.mark.parametrize("level", [0.0, 0.1])
def test_tiny_and_silent_clips_are_holes_rather_than_crashes(num_samples, level):
    wave = np.random.default_rng(0).normal(0, level, (1, num_samples)).astype(np.float32)
    trials, _ = compare([clip("tiny", wave)], [PCM, opus(12)])
    for trial in trials:
        assert trial.failure == ""
        assert trial.holes["pesq"] and trial.holes["stoi"] and trial.holes["visqol"]
        if level == 0 or num_samples == 0:
            assert set(trial.holes) == set(METRICS)


def test_a_clip_that_cannot_be_read_is_named(waves):
    def missing():
        raise MediaError("a.flac: no such file")

    trials, samples = compare([Clip("a.flac", missing), clip("b", waves[0])], [PCM], CHEAP)
    assert "no such file" in trials[0].failure and trials[1].failure == ""
    assert samples == []


def test_samples_are_what_was_heard(tmp_path, waves):
    bad = Contender("bad", "", "", raising, raising)
    clips = [clip(f"clip {number}", wave) for number, wave in enumerate(waves[:3])]
    _, samples = compare(clips, [opus(12), PCM, bad], CHEAP, tmp_path / "samples" / "mine", num_samples=2)
    assert [sample.clip for sample in samples] == ["clip 0", "clip 1"]
    assert samples[0].original == "samples/mine/sample_1_original.flac"
    assert samples[0].decoded == {"opus_12": "samples/mine/sample_1_opus_12.flac", "pcm": "samples/mine/sample_1_reconstructed.flac"}
    heard, rate = soundfile.read(tmp_path / samples[1].decoded["pcm"], dtype="float32")
    assert rate == 16_000
    np.testing.assert_allclose(heard, waves[1][0], atol=1e-3)
    assert len(list((tmp_path / "samples" / "mine").iterdir())) == 6


def test_clips_of_one_name_are_refused(waves):
    with pytest.raises(ValueError, match="names of their own"):
        compare([clip("a", waves[0]), clip("a", waves[1])], [PCM], CHEAP)


def test_progress_counts_clips(waves):
    seen = []
    compare([clip("a", waves[0]), clip("b", waves[1])], [PCM], CHEAP, progress=lambda *told: seen.append(told))
    assert seen == [(1, 2, "a"), (2, 2, "b")]


def test_two_processes_find_the_same(tmp_path, waves):
    clips = [clip(f"clip {number}", wave) for number, wave in enumerate(waves[:2])]
    found = []

    def told(trial):
        """All of it but the CPU seconds; sums of another number of BLAS threads differ in the last digits."""
        return json.loads(trial.model_dump_json(exclude={"encode_s", "decode_s"}), parse_float=lambda digits: f"{float(digits):.9g}")

    for jobs in (0, 2):
        trials, samples = compare(clips, [opus(12)], CHEAP, tmp_path / str(jobs), num_samples=1, jobs=jobs)
        found.append((list(map(told, trials)), [sample.clip for sample in samples]))
    assert found[0] == found[1]


def test_a_comparison_that_is_stopped_with_its_processes_ends_without_a_word(monkeypatch):
    """As by Ctrl-C, whose signal reaches all of them."""
    complaints = []
    monkeypatch.setattr(threading, "excepthook", complaints.append)

    def stop(number, frame):
        for process in multiprocessing.active_children():
            process.kill()
        raise KeyboardInterrupt

    wait = Future.result

    def wait_and_stop(future):
        signal.setitimer(signal.ITIMER_REAL, 0.5)  # no sooner: Python passes over what is raised within a callback of its own
        return wait(future)

    monkeypatch.setattr(Future, "result", wait_and_stop)
    before = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            compare([Clip(f"{number}", partial(time.sleep, 600)) for number in range(200)], [], [], jobs=2)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not complaints and not multiprocessing.active_children()


def test_no_process_outlives_one_that_was_killed(waves, tmp_path):
    """One is idle when its parent is killed, one at work."""
    if not Path("/proc/self/task").is_dir():
        pytest.skip("this system does not tell whose child a process is; Linux does")
    (tmp_path / "clips").mkdir()
    soundfile.write(tmp_path / "clips" / "a.wav", waves[0][0, :16_000], 16_000)
    soundfile.write(tmp_path / "clips" / "b.wav", np.tile(waves[0][0], 40), 16_000)
    main = [sys.executable, "-c", "from telucodec.cli.main import main; main()"]
    asked = ["evaluate", str(tmp_path / "clips"), "--out", str(tmp_path / "results.json"), "--jobs", "2"]
    little = ["--baselines", "", "--rates", "6.3", "--metrics", "snr_db"]
    evaluation = subprocess.Popen([*main, *asked, *little], stderr=subprocess.DEVNULL)
    finished, deadline = tmp_path / "results.part.jsonl", time.monotonic() + 90
    while evaluation.poll() is None and not (finished.exists() and '"number":1' in finished.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    children = Path(f"/proc/{evaluation.pid}/task/{evaluation.pid}/children").read_text().split()
    evaluation.kill()
    evaluation.wait()
    assert len(children) == 3  # multiprocessing's own is one
    while (left := [child for child in children if running(child)]) and time.monotonic() < deadline + 10:
        time.sleep(0.2)
    assert not left


def running(process: str) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
