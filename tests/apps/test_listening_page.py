"""What people are given to compare, without a word from whoever makes the page."""

import numpy as np
from made_up import results, trial
from typer.testing import CliRunner

from telucodec.audio.sound_file import write_audio
from telucodec.cli.main import app
from telucodec.errors import DataError
from telucodec.evaluation.listening.key import read_key
from telucodec.evaluation.results import Sample, write_results

RATES = {
    "opus_2": 250,
    "ours_a": 790,
    "opus_6": 750,
    "ours_b": 791,
    "opus_8": 1000,
    "ours_c": 789,
    "opus_12": 1500,
    "ours_d": 792,
    "opus_64": 8000,
}


def made(tmp_path, rates):
    """What the verb makes of results with sound of systems of these rates, in bytes for a second."""
    write_audio(tmp_path / "samples" / "o.flac", 0.1 * np.random.standard_normal((1, 16_000)).astype(np.float32), 16_000)
    sample = Sample(clip="a", original="samples/o.flac", decoded=dict.fromkeys(rates, "samples/o.flac"))
    trials = [trial(name, num_bytes=num_bytes) for name, num_bytes in rates.items()]
    write_results(tmp_path / "results.json", results(*trials, names=tuple(rates), samples=(sample,)))
    return CliRunner().invoke(app, ["listening-test", "make", str(tmp_path / "results.json"), "--out", str(tmp_path / "page.html")])


def heard(tmp_path):
    return {system.name for system in read_key(tmp_path / "page.key.json").systems if system.role == "system"}


def test_of_too_many_systems_those_nearest_in_rate_are_taken_and_it_is_said(tmp_path):
    done = made(tmp_path, RATES)
    assert done.exit_code == 0, done.output
    assert heard(tmp_path) == {"ours_a", "ours_b", "ours_c", "ours_d", "opus_6", "opus_8", "opus_12"}
    assert "9 systems are too many" in done.output and "--systems chooses others" in done.output


def test_as_many_as_one_screen_holds_are_all_taken(tmp_path):
    few = dict([*RATES.items()][:7])
    done = made(tmp_path, few)
    assert done.exit_code == 0 and "too many" not in done.output
    assert heard(tmp_path) == few.keys()


def test_the_original_that_was_judged_beside_codecs_is_no_system(tmp_path):
    done = made(tmp_path, {"ours_a": 800, "opus_6": 750, "original": 32_000})
    assert done.exit_code == 0, done.output
    assert heard(tmp_path) == {"ours_a", "opus_6"}


def test_of_baselines_alone_none_is_chosen_for_anybody(tmp_path):
    done = made(tmp_path, {f"opus_{name}": num_bytes for name, num_bytes in RATES.items()})
    assert isinstance(done.exception, DataError) and "choose at most 7 with --systems" in str(done.exception)
