"""What a bundle hears is what the trained model hears, in clips, long files and .tlc, without PyTorch."""

import json
import math
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from toy import spoken
from typer.testing import CliRunner

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.cli.recognizer import recognizer as recognizer_verbs
from telucodec.data.manifest import read_manifest, read_segment, write_manifest
from telucodec.data.prompts import read_lines
from telucodec.errors import DataError, ModelError, TelucodecError
from telucodec.recognizer import evaluate as evaluation
from telucodec.recognizer.bundle import digest_of, load_bundle
from telucodec.recognizer.decode import Said, best_path
from telucodec.recognizer.evaluate import evaluate
from telucodec.recognizer.features import FeatureConfig
from telucodec.recognizer.optimize import optimize
from telucodec.recognizer.store import load_recognizer
from telucodec.recognizer.transcribe import transcribe, windows_of
from telucodec.recognizer.units import Units


def test_the_bundle_writes_the_texts_of_the_trained_model(bundle, toy_run, toy_data):
    model, trained = load_recognizer(toy_run[0])
    recognizer = load_bundle(bundle, use_lm=False)
    for row in read_manifest(toy_data / "val.csv"):
        wave = read_segment(row, toy_data)[0]
        with torch.no_grad():
            found = model(torch.from_numpy(trained.config.features.apply_to(wave))[None])[0].numpy()
        assert recognizer.text(wave) == trained.units.decode(best_path(found).numbers)


def test_eight_bits_are_smaller_and_hear_nearly_as_well(toy_run, toy_data, bundle):
    check = optimize(toy_run[0], toy_data / "bundle8", toy_data / "val.csv", int8=True)
    assert check.cer_after <= check.cer_before + 0.005
    assert (toy_data / "bundle8" / "acoustic.onnx").stat().st_size < (bundle / "acoustic.onnx").stat().st_size


def test_a_bundles_graph_holds_no_paths_of_the_machine_that_made_it(bundle):
    assert b".py" not in (bundle / "acoustic.onnx").read_bytes()


def test_a_bundle_is_written_to_the_working_folder_and_to_no_file(toy_run, toy_data, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    optimize(toy_run[0], Path("."), toy_data / "val.csv")
    assert load_bundle(tmp_path / "here").info.units.size == 7 and [path.name for path in tmp_path.iterdir()] == ["here"]
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr("telucodec.recognizer.optimize._graph", lambda *asked: b"")
    with pytest.raises(ModelError, match="file: is a file"):
        optimize(toy_run[0], tmp_path / "file", toy_data / "val.csv")


def test_a_folder_for_results_is_refused_before_anything_is_heard(bundle, toy_data, tmp_path):
    for words in (["evaluate", bundle, toy_data / "val.csv"], ["transcribe", toy_data / "val.csv", "--model", bundle]):
        done = CliRunner().invoke(recognizer_verbs, [*map(str, words), "--out", str(tmp_path)])
        assert done.exit_code == 2 and "is a directory" in " ".join(done.output.split())


def test_a_place_where_nothing_can_be_written_is_told_before_anything_is_heard(bundle, toy_data, tmp_path, monkeypatch):
    monkeypatch.setattr("telucodec.cli.recognizer.load_bundle", None)
    (tmp_path / "file").touch()
    for words in (["evaluate", bundle, toy_data / "val.csv"], ["transcribe", toy_data / "audio" / "val-0.flac", "--model", bundle]):
        done = CliRunner().invoke(recognizer_verbs, [*map(str, words), "--out", str(tmp_path / "file" / "deeper" / "found.json")])
        assert isinstance(done.exception, TelucodecError) and "it is no folder" in str(done.exception)


def test_a_codec_for_what_is_no_tlc_is_refused(bundle, toy_data):
    words = ["transcribe", toy_data / "audio" / "val-0.flac", "--model", bundle, "--codec", "natural"]
    done = CliRunner().invoke(recognizer_verbs, [str(word) for word in words])
    assert done.exit_code == 2 and "leave it out" in " ".join(done.output.split())


def test_what_is_heard_or_read_is_not_written_over(bundle, toy_data, tmp_path):
    sound, prompts, manifest = tmp_path / "talk.flac", tmp_path / "prompts.txt", tmp_path / "A.csv"
    shutil.copy(toy_data / "audio" / "val-0.flac", sound)
    shutil.copy(toy_data / "val.csv", manifest)
    prompts.write_text("kat")
    before = {path: path.read_bytes() for path in (sound, prompts, manifest)}
    for words in (
        ["transcribe", sound, "--model", bundle, "--out", sound],
        ["transcribe", sound, "--model", bundle, "--closed", prompts, "--out", prompts],
        ["evaluate", bundle, manifest, "--out", manifest],
        ["evaluate", bundle, toy_data / "val.csv", "--closed", prompts, "--out", prompts],
        ["mixes", manifest, "--out", tmp_path],
    ):
        done = CliRunner().invoke(recognizer_verbs, [str(word) for word in words])
        assert isinstance(done.exception, TelucodecError) and "is what it would be made of" in str(done.exception)
    assert {path: path.read_bytes() for path in before} == before


def test_words_with_times_are_asked_for_by_the_ending_however_it_is_typed(bundle, tmp_path):
    write_audio(tmp_path / "silence.wav", np.zeros((1, SAMPLE_RATE), np.float32), SAMPLE_RATE)
    words = ["transcribe", tmp_path / "silence.wav", "--model", bundle, "--out", tmp_path / "words.JSON"]
    assert CliRunner().invoke(recognizer_verbs, [str(word) for word in words]).exit_code == 0
    assert json.loads((tmp_path / "words.JSON").read_text()) == []


def test_clips_shorter_than_a_bundle_hears_are_no_difference(toy_run, toy_data, tmp_path):
    rows = [replace(row, path=str(toy_data / row.path)) for row in read_manifest(toy_data / "val.csv")]
    write_manifest(tmp_path / "val.csv", [rows[0], *(replace(row, start_s=0.2, duration_s=0.06) for row in rows)])
    check = optimize(toy_run[0], tmp_path / "bundle", tmp_path / "val.csv")
    assert check.num_clips == 13 and check.same_texts == 1 and check.largest_difference < 1e-3


def test_errors_are_counted_by_speaker_and_source(bundle, toy_data):
    found = evaluate(toy_data / "val.csv", load_bundle(bundle))
    assert found.rates.cer < 0.1 < found.unigram.cer and found.blank.cer == 1
    assert len(found.by_speaker) == 12 and list(found.by_source) == ["toy"]
    assert found.rates.num_words == sum(rates.num_words for rates in found.by_speaker.values())
    json.dumps(asdict(found))


def test_the_time_told_is_that_of_hearing_alone_and_each_second_counts_alike(toy_data, tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(evaluation.time, "process_time", lambda: clock[0])
    read = evaluation.read_segment

    def read_slowly(row, root):
        clock[0] += 100.0
        return read(row, root)

    class Quick:
        info, closed, lm, digest = SimpleNamespace(script=""), (), None, ""

        def text(self, wave):
            clock[0] += 1.0 if len(wave) == len(short) else 0.1 * len(wave) / SAMPLE_RATE
            return "kat"

    monkeypatch.setattr(evaluation, "read_segment", read_slowly)
    monkeypatch.setattr("telucodec.cli.recognizer.load_bundle", lambda model, lm: Quick())
    rows = [replace(row, path=str(toy_data / row.path)) for row in read_manifest(toy_data / "val.csv")]
    short = read(replace(rows[0], duration_s=0.5), tmp_path)[0]
    write_manifest(tmp_path / "short.csv", [replace(rows[0], duration_s=0.5)])
    write_manifest(tmp_path / "long.csv", rows)
    done = CliRunner().invoke(recognizer_verbs, ["evaluate", str(tmp_path), str(tmp_path / "short.csv"), str(tmp_path / "long.csv")])
    long_s = sum(row.duration_s for row in rows)
    assert f" {(0.5 + long_s) / (1.0 + 0.1 * long_s):.0f} times real time" in done.output


def test_why_no_row_can_be_compared_with_is_told(bundle, toy_run, toy_data, tmp_path):
    row = read_manifest(toy_data / "val.csv")[0]
    write_manifest(tmp_path / "digits.csv", [replace(row, path=str(toy_data / row.path), text="room 101")])
    with pytest.raises(DataError, match="1 digits"):
        evaluate(tmp_path / "digits.csv", load_bundle(bundle))
    with pytest.raises(DataError, match="1 digits"):
        optimize(toy_run[0], tmp_path / "bundle", tmp_path / "digits.csv")


def test_rows_of_no_length_are_left_out(bundle, toy_run, toy_data, tmp_path):
    rows = [replace(row, path=str(toy_data / row.path)) for row in read_manifest(toy_data / "val.csv")]
    empty = [replace(rows[0], duration_s=0.0), replace(rows[1], duration_s=-1.0)]
    write_manifest(tmp_path / "val.csv", empty)
    with pytest.raises(DataError, match="left out: 2 no sound"):
        evaluate(tmp_path / "val.csv", load_bundle(bundle))
    write_manifest(tmp_path / "val.csv", [*empty, rows[2]])
    found = evaluate(tmp_path / "val.csv", load_bundle(bundle))
    assert (found.rates.num_clips, found.left_out) == (1, {"no sound": 2})
    assert optimize(toy_run[0], tmp_path / "made", tmp_path / "val.csv").num_clips == 1


def test_a_run_that_is_not_there_is_told_as_such(tmp_path):
    done = CliRunner().invoke(recognizer_verbs, ["optimize", str(tmp_path / "none")])
    assert isinstance(done.exception, ModelError) and "no recogniser there" in str(done.exception)


def test_a_manifest_that_is_missing_is_told_before_any_other_is_heard(bundle, toy_data, tmp_path, monkeypatch):
    monkeypatch.setattr("telucodec.cli.recognizer.measure", lambda *others: pytest.fail("heard one for nothing"))
    done = CliRunner().invoke(recognizer_verbs, ["evaluate", str(bundle), str(toy_data / "val.csv"), str(tmp_path / "none.csv")])
    assert isinstance(done.exception, DataError) and "none.csv: no such manifest" in str(done.exception)


def test_one_clip_has_no_interval(bundle, toy_data, tmp_path):
    row = read_manifest(toy_data / "val.csv")[0]
    write_manifest(tmp_path / "one.csv", [replace(row, path=str(toy_data / row.path))])
    done = CliRunner().invoke(recognizer_verbs, ["evaluate", str(bundle), str(tmp_path / "one.csv")])
    assert done.exit_code == 0 and "(interval not measured)" in done.output and "nan" not in done.output.replace(str(tmp_path), "")


def test_of_prompts_one_is_heard_whole_with_its_times(bundle, toy_data):
    rows = read_manifest(toy_data / "val.csv")
    recognizer = load_bundle(bundle).of_prompts([*(row.text for row in rows), "xyz", ""])
    assert len(recognizer.closed) == len({row.text for row in rows})
    for row in rows:
        wave = read_segment(row, toy_data)[0]
        said = recognizer.hear(wave)
        assert recognizer.text(wave) == row.text
        assert list(said.steps) == sorted(set(said.steps)) and said.steps[-1] < row.duration_s / 0.04
    with pytest.raises(DataError, match="prompts"):
        recognizer.of_prompts(["xyz"])


def test_a_long_file_is_heard_stretch_by_stretch_as_each_alone(bundle, telugu, tmp_path):
    recognizer = load_bundle(bundle, use_lm=False)
    pause = np.zeros((1, 2 * SAMPLE_RATE), np.float32)
    write_audio(tmp_path / "long.flac", np.concatenate([pause, telugu, pause, telugu, pause], axis=-1), SAMPLE_RATE)
    stretches = list(transcribe(windows_of(tmp_path / "long.flac"), recognizer))
    assert len(stretches) >= 2
    assert all(1.2 < stretch.start_s < stretch.end_s for stretch in stretches)
    assert all(first.end_s <= second.start_s for first, second in pairwise(stretches))
    wave = np.concatenate(list(windows_of(tmp_path / "long.flac")()))
    for stretch in stretches:
        begin, end = round(stretch.start_s * SAMPLE_RATE), round(stretch.end_s * SAMPLE_RATE)
        assert recognizer.text(wave[begin:end]) == stretch.text
        assert all(stretch.start_s <= word.start_s < word.end_s <= stretch.end_s + 0.05 for word in stretch.words)


def test_a_word_begins_and_ends_with_speech_wherever_its_symbols_were_said(telugu):
    class Eager:
        info = SimpleNamespace(units=Units(kind="characters", symbols=("a", "b")), features=FeatureConfig())

        def hear(self, wave):
            return Said((1, 2), (0, round(len(wave) / SAMPLE_RATE / 0.04)), 0.0)

    pause = np.zeros(2 * SAMPLE_RATE, np.float32)
    loud = np.flatnonzero(np.abs(telugu[0]) > 0.05 * np.abs(telugu).max()) / SAMPLE_RATE
    stretches = list(transcribe(lambda: iter([np.concatenate([pause, telugu[0], pause])]), Eager()))
    for stretch in stretches:
        (word,) = stretch.words
        assert word.text == "ab" and stretch.start_s + 0.3 < word.start_s < word.end_s < stretch.end_s - 0.3
    assert stretches[0].words[0].start_s == pytest.approx(2 + loud[0], abs=0.1)
    assert stretches[-1].words[0].end_s == pytest.approx(2 + loud[-1], abs=0.1)


@pytest.mark.parametrize("rate, told", [(8000, True), (SAMPLE_RATE, False), (44_100, False)])
def test_sound_narrower_than_what_a_recogniser_hears_is_told_of(bundle, tmp_path, rate, told):
    write_audio(tmp_path / "call.wav", np.zeros((1, rate), np.float32), rate)
    done = CliRunner().invoke(recognizer_verbs, ["transcribe", str(tmp_path / "call.wav"), "--model", str(bundle), "--json"])
    assert done.exit_code == 0 and json.loads(done.stdout) == []
    assert ("8,000 Hz and has nothing above 4 kHz" in done.stderr) == told


def test_silence_says_nothing(bundle, tmp_path):
    write_audio(tmp_path / "silence.wav", np.zeros((1, SAMPLE_RATE), np.float32), SAMPLE_RATE)
    assert list(transcribe(windows_of(tmp_path / "silence.wav"), load_bundle(bundle))) == []


def test_a_tlc_file_is_heard_as_the_sound_it_decodes_to(bundle, codec, telugu, tmp_path):
    (tmp_path / "speech.tlc").write_bytes(codec.encode(telugu))
    write_audio(tmp_path / "speech.flac", codec.decode((tmp_path / "speech.tlc").read_bytes()), SAMPLE_RATE)
    recognizer = load_bundle(bundle)
    heard = [[stretch.start_s for stretch in transcribe(windows_of(tmp_path / name), recognizer)] for name in ("speech.tlc", "speech.flac")]
    assert heard[0] == heard[1] and heard[0]


@pytest.mark.parametrize("name", ["recognizer.json", "acoustic.onnx", "lm.json"])
def test_a_damaged_bundle_is_refused_in_one_line(bundle, tmp_path, name):
    for path in bundle.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[: 40 if path.name == name else None])
    with pytest.raises(ModelError, match=name):
        load_bundle(tmp_path)


@pytest.mark.parametrize("change", [("symbols", [" ", "a"]), ("num_bands", 32)])
def test_files_of_two_bundles_are_refused_in_one_line(bundle, tmp_path, change):
    shutil.copytree(bundle, tmp_path, dirs_exist_ok=True)
    told = json.loads((bundle / "recognizer.json").read_text())
    part = told["units" if change[0] == "symbols" else "features"]
    part[change[0]] = change[1]
    (tmp_path / "recognizer.json").write_text(json.dumps(told))
    with pytest.raises(ModelError, match="acoustic.onnx.*write it again with `telucodec recognizer optimize`"):
        load_bundle(tmp_path, use_lm=False)


def test_a_language_model_weighs_a_number(bundle, tmp_path):
    shutil.copytree(bundle, tmp_path, dirs_exist_ok=True)
    told = json.loads((bundle / "recognizer.json").read_text())
    (tmp_path / "recognizer.json").write_text(json.dumps(told | {"lm_weight": math.nan}))
    with pytest.raises(ModelError, match="recognizer.json: at lm_weight"):
        load_bundle(tmp_path)


def test_a_codecs_graph_is_no_recogniser(bundle, tmp_path):
    shutil.copytree(bundle, tmp_path, dirs_exist_ok=True)
    memory, memory_after = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3]) for name in ("memory", "memory_after"))
    frames, found = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "frames", 64]) for name in ("frames", "found"))
    same = [helper.make_node("Identity", [name], [after]) for name, after in (("frames", "found"), ("memory", "memory_after"))]
    graph = helper.make_graph(same, "remembers", [frames, memory], [found, memory_after])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "acoustic.onnx")
    with pytest.raises(ModelError, match="acoustic.onnx is not of the recogniser"):
        load_bundle(tmp_path)


def test_the_verbs_hear_without_torch(bundle, toy_data, tmp_path):
    write_audio(tmp_path / "kat.wav", spoken("kat", np.random.default_rng(1)), SAMPLE_RATE)
    code = (
        "import sys; sys.modules['torch'] = None; from telucodec.cli.main import main; main()",
        ["recognizer", "transcribe", str(tmp_path / "kat.wav"), "--model", str(bundle), "--json"],
        ["recognizer", "evaluate", str(bundle), str(toy_data / "val.csv"), "--json"],
    )
    for arguments in code[1:]:
        done = subprocess.run([sys.executable, "-c", code[0], *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout)
    done = subprocess.run([sys.executable, "-c", code[0], "recognizer", "train", "--data", str(toy_data)], capture_output=True, text=True)
    assert done.returncode == 2 and "pip install" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_prompts_may_be_the_texts_of_a_manifest(bundle, toy_data, tmp_path, suffix):
    write_manifest(tmp_path / f"prompts{suffix}", read_manifest(toy_data / "val.csv"))
    done = CliRunner().invoke(
        recognizer_verbs, ["evaluate", str(bundle), str(toy_data / "val.csv"), "--closed", str(tmp_path / f"prompts{suffix}")]
    )
    assert done.exit_code == 0 and "100 % without error (up to 22.1 % may still be wrong)" in done.output  # of 12 clips
    assert "WER 0.0 % (interval not measured)" in done.output


def test_an_evaluation_says_what_was_heard_with(bundle, toy_data, tmp_path):
    out = tmp_path / "out.json"
    asked = {
        (): "with a language model of order 2, weight 0.5",
        ("--no-lm",): "without a language model",
        ("--closed", toy_data / "val.csv"): "each one of 12 given sentences",
    }
    found = []
    for options, told in asked.items():
        words = ["evaluate", bundle, toy_data / "val.csv", *options, "--out", out]
        done = CliRunner().invoke(recognizer_verbs, [str(word) for word in words])
        assert f" by model {digest_of(bundle)[:8]}, {told}, " in done.output
        (entry,) = json.loads(out.read_text())
        assert entry["model"] == digest_of(bundle)
        found.append((entry["closed"], entry["language_model"]))
    assert found[0][1] == {"order": 2, "weight": 0.5, "perplexity": pytest.approx(5.5, abs=2.5)}
    assert found == [(None, found[0][1]), (None, None), ({"num_sentences": 12, "num_missing": 0}, None)]


def test_a_language_model_that_has_read_the_clips_is_told_of(toy_run, toy_data, tmp_path):
    texts = [row.text for row in read_manifest(toy_data / "val.csv")]
    (tmp_path / "prompts.txt").write_text("\n".join(f"{text.upper()}!" for text in texts[:5]))
    words = ["optimize", toy_run[0], "--out", tmp_path / "made", "--prompts", tmp_path / "prompts.txt"]
    done = CliRunner().invoke(recognizer_verbs, [str(word) for word in words])
    assert done.exit_code == 0 and "5 of 12 texts are among its sentences" in done.output


def test_sentences_that_the_units_lack_are_told(bundle, toy_run, toy_data, tmp_path):
    texts = [row.text for row in read_manifest(toy_data / "val.csv")]
    (tmp_path / "closed.txt").write_text("\n".join([texts[0], "kat 12", *texts[1:8], "పలుకు"]))
    told = "2 of 10 sentences cannot be said with the units, for example 'kat 12'"
    asked = {
        "evaluate": [bundle, toy_data / "val.csv", "--closed", tmp_path / "closed.txt"],
        "transcribe": [toy_data / "audio" / "val-0.flac", "--model", bundle, "--closed", tmp_path / "closed.txt"],
        "optimize": [toy_run[0], "--out", tmp_path / "made", "--prompts", tmp_path / "closed.txt"],
    }
    for verb, words in asked.items():
        done = CliRunner().invoke(recognizer_verbs, [verb, *map(str, words)])
        assert done.exit_code == 0 and told in done.stderr
        assert ("4 of 12 references are none of the sentences" in done.stderr) == (verb == "evaluate")
    done = CliRunner().invoke(recognizer_verbs, ["evaluate", str(bundle), str(toy_data / "val.csv")])
    assert done.exit_code == 0 and "sentences" not in done.stderr


@pytest.mark.parametrize("option", [["--order", "3"], ["--lm-weight", "0"]])
def test_a_language_model_is_asked_for_with_its_sentences(bundle, toy_run, option):
    before = digest_of(bundle)
    done = CliRunner().invoke(recognizer_verbs, ["optimize", str(toy_run[0]), "--out", str(bundle), *option])
    assert done.exit_code == 2 and "with --prompts" in " ".join(done.output.split()) and digest_of(bundle) == before


def test_sentences_of_a_language_model_count_as_often_as_they_are_there(tmp_path):
    (tmp_path / "prompts.txt").write_text("\ufeffkat\tsita\nkat\n\nsat\n")
    assert read_lines(tmp_path / "prompts.txt") == ["kat", "kat", "sat"]


def test_prompts_of_which_nothing_is_left_are_no_language(bundle, toy_run, toy_data, tmp_path):
    (tmp_path / "odd.txt").write_text("½\n!!!")
    words = ["optimize", toy_run[0], "--out", tmp_path / "made", "--prompts", tmp_path / "odd.txt"]
    done = CliRunner().invoke(recognizer_verbs, [str(word) for word in words])
    assert isinstance(done.exception, DataError) and "none of the prompts can be said" in str(done.exception)
    assert load_bundle(bundle).unsayable(["kat", "½", "!!!", "½ kat"]) == ["½", "!!!", "½ kat"]
    (tmp_path / "odd.txt").write_text("½ kat\nsita")
    done = CliRunner().invoke(recognizer_verbs, [str(word) for word in words])
    assert done.exit_code == 0 and "1 of 2 sentences cannot be said with the units, for example '½ kat'" in done.stderr


@pytest.mark.parametrize(
    "name, content", [("a.txt", ""), ("a.txt", "\n"), ("a.csv", "path,start_s,duration_s,recording,speaker,rms,peak,clipped_share\n")]
)
def test_prompts_that_hold_no_sentence_are_refused_rather_than_passed_over(toy_run, toy_data, tmp_path, name, content):
    (tmp_path / name).write_text(content)
    words = ["optimize", toy_run[0], "--out", tmp_path / "made", "--prompts", tmp_path / name]
    done = CliRunner().invoke(recognizer_verbs, [str(word) for word in words])
    assert isinstance(done.exception, DataError) and str(tmp_path / name) in str(done.exception) and not (tmp_path / "made").exists()
