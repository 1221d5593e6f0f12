"""`telucodec snr-doctor` as a script meets it: exit codes, words and JSON."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

SPEECH = Path(__file__).parents[2] / "examples" / "speech"
CLIP = min((SPEECH / "kerstin").glob("*.flac"))


def snr_doctor(*arguments):
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", "snr-doctor", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def made(tmp_path):
    """A function that writes what it makes of the clip, and gives the path."""

    def make(change):
        wave, sample_rate = soundfile.read(CLIP)
        path = tmp_path / "తెలుగు [red].wav"
        soundfile.write(path, change(wave), sample_rate)
        return path

    return make


def test_healthy_is_exit_code_0_with_the_numbers(made):
    noise = np.random.default_rng(0).normal(0, 0.005, soundfile.info(CLIP).frames)
    done = snr_doctor(CLIP, made(lambda wave: wave + noise))
    assert done.returncode == 0, done.stderr
    assert "healthy" in done.stdout.splitlines()[-1] and "SNR is not quality" in done.stdout
    assert done.stdout.startswith("SNR          pooled 2")


def test_only_an_output_whose_spectrum_follows_is_told_to_look_like_a_codec_that_can_sound_good(made):
    def phases_lost(wave):
        """Noise with the level of the speech in every 20 ms: its spectrum moves as the original's does."""
        level = np.sqrt(np.convolve(wave**2, np.ones(320) / 320, "same"))
        return level * np.random.default_rng(0).normal(0, 1, len(wave))

    told = snr_doctor(CLIP, made(phases_lost)).stdout.splitlines()[-1]
    assert "healthy" in told and "can sound good" in told
    told = snr_doctor(CLIP, made(lambda wave: np.sign(wave) * wave.std())).stdout.splitlines()[-1]
    assert "little is followed" in told and "healthy" not in told and "can sound good" not in told


def test_a_sign_is_exit_code_1_with_cause_and_remedy(made):
    done = snr_doctor(CLIP, made(lambda wave: -wave))
    assert done.returncode == 1, done.stderr
    assert "polarity flipped: correlation -1.00 at SNR -6.02 dB" in done.stdout
    assert "likely:" in done.stdout and "do:" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("1 sign found: polarity flipped")


def test_nothing_to_measure_is_told_with_its_sign(made):
    for as_json in ([], ["--json"]):
        done = snr_doctor(CLIP, made(lambda wave: wave[:100]), *as_json)
        assert done.returncode == 1, done.stderr
        assert "length differs" in done.stdout and "0.01 s where" in done.stdout


def test_json_holds_every_measure_without_nan(made):
    done = snr_doctor(CLIP, made(np.zeros_like), "--json")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    assert [sign["case"] for sign in found["signs"]] == ["collapse to silence"] and not found["healthy"]
    assert found["pooled"]["snr_db"] == 0.0 and found["pooled"]["amplitude_percent"] == 0.0
    assert found["pooled"]["correlation"] is None and "silent" in found["not_measured"]["correlation"]
    assert found["clips"][0]["estimate"]["energy"] == 0.0 and found["clips"][0]["alignment"] is None


def test_logged_numbers_are_enough():
    done = snr_doctor("--snr", -0.9, "--amplitude", 12)
    assert done.returncode == 1, done.stderr
    assert "collapse to silence" in done.stdout.splitlines()[-1] and "-0.90" in done.stdout
    done = snr_doctor("--snr", 0.7, "--amplitude", 24)
    assert done.returncode == 0 and "none of the signs, but less than half of the waveform is followed" in done.stdout
    done = snr_doctor("--snr", 15, "--amplitude", 98, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["implied_correlation"] == pytest.approx(0.984, abs=0.001)


@pytest.mark.parametrize(
    "arguments", [[], [CLIP], ["--snr", 3], [CLIP, CLIP, "--snr", 3], [CLIP, "nowhere.wav"], ["--snr", "nan", "--amplitude", 5]]
)
def test_what_cannot_be_done_is_exit_code_2(arguments):
    done = snr_doctor(*arguments)
    assert done.returncode == 2 and done.stdout == "" and done.stderr
    assert "Traceback" not in done.stderr
