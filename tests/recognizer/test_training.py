"""A toy recogniser learns, goes on where it was, and is told what is wrong with its data."""

import dataclasses
import itertools
import json
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from toy import quietly, request_of
from typer.testing import CliRunner

from telucodec.cli.recognizer import recognizer
from telucodec.data.manifest import read_manifest, read_segment, write_manifest
from telucodec.errors import ConfigError, DataError, ModelError, TelucodecError, TrainingError
from telucodec.progress import untold
from telucodec.recognizer.examples import AugmentConfig, Batch, BatchConfig, Examples, at_speed, encoded, pack, transcribed
from telucodec.recognizer.features import FeatureConfig, steps_of
from telucodec.recognizer.gates import GateConfig, check_data, check_model
from telucodec.recognizer.model import BatchNorm, ConformerConfig
from telucodec.recognizer.recipe import recognizer_of
from telucodec.recognizer.signs import Point, signs
from telucodec.recognizer.store import Trained, load_recognizer
from telucodec.recognizer.train import Validation, run
from telucodec.recognizer.units import Units, UnitsConfig
from telucodec.training.pace import OptimiserConfig
from telucodec.training.recipe import RunConfig
from telucodec.training.run_folder import RunFolder

SMALL = ConformerConfig(width=32, num_blocks=2, num_heads=2, expansion=2, kernel=7, channels=8)


def verdicts(rows):
    told = transcribed(rows, "", 20.0)
    units = UnitsConfig(least_count=1).make(told.texts or ("a",))
    told, _ = encoded(told, units, FeatureConfig())
    return {verdict.gate: verdict.passed for verdict in check_data(rows, told, GateConfig())}


def test_a_toy_language_is_learned_from_nothing(toy_run):
    folder, outcome = toy_run
    assert outcome.entry["cer"] < 0.1 and not outcome.signs
    model, trained = load_recognizer(folder)
    assert trained.units.symbols == (" ", "a", "i", "k", "s", "t") and not model.training
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert entries[-1]["cer"] == outcome.entry["cer"] and entries[-1]["loss"] < 0.5 * entries[2]["loss"]


def test_a_run_that_was_stopped_ends_as_one_that_was_not(toy_data):
    class Stop(Exception):
        pass

    straight, _ = quietly(request_of(toy_data, epochs=3, name="straight"))

    def stop(done, total, name):
        if name.startswith("loss") and done >= 1:
            raise Stop

    with pytest.raises(Stop):
        run(request_of(toy_data, epochs=3, name="stopped"), lambda line: None, stop)
    stopped = toy_data / "runs" / "stopped"
    average = torch.load(stopped / "resume.pt", weights_only=True)["average"]
    for name, tensor in load_recognizer(stopped)[0].state_dict().items():  # what was learned by then
        torch.testing.assert_close(tensor, average[name], msg=name)
    resumed, _ = quietly(request_of(toy_data, epochs=3, resume=stopped))
    first, second = (load_recognizer(folder)[0].state_dict() for folder in (straight, resumed))
    for name, tensor in first.items():
        torch.testing.assert_close(tensor, second[name], msg=name)


def test_runs_of_other_units_are_validated_on_the_same_clips(toy_data):
    config = recognizer_of(str(toy_data / "toy.toml"))
    found = [
        Validation.of(toy_data / "val.csv", Trained(config=config, units=Units(kind="characters", symbols=tuple(letters))), toy_data)
        for letters in (" aikst", " aist")  # many a text needs the k
    ]
    assert found[0].texts != found[1].texts and sorted(found[0].texts) == sorted(found[1].texts) and found[0].digest == found[1].digest
    for validation in found:
        counts = np.concatenate([batch.num_targets for batch in validation.batches])
        assert len(counts) == 12 and sorted(counts > 0, reverse=True) == list(counts > 0)
    assert [text for text, count in zip(found[1].texts, counts, strict=True) if not count] == [
        text for text in found[1].texts if "k" in text
    ]


def test_what_the_units_lack_is_heard_and_counted_and_has_no_loss(toy_data, toy_run, tmp_path):
    for name in ("train", "val"):
        rows = [dataclasses.replace(row, path=str(toy_data / row.path)) for row in read_manifest(toy_data / f"{name}.csv")]
        write_manifest(tmp_path / f"{name}.csv", rows)
    request = request_of(toy_data, data=tmp_path, epochs=1, runs=tmp_path / "runs", start=toy_run[0])
    _, all_sayable = quietly(request)
    strange = [dataclasses.replace(rows[0], recording="strange", text="x" * len(rows[0].text))]
    write_manifest(tmp_path / "val.csv", [*rows, *strange])
    _, with_strange = quietly(request)
    assert with_strange.entry["loss"] == pytest.approx(all_sayable.entry["loss"], rel=1e-5)
    assert all_sayable.entry["cer"] < 0.05
    assert with_strange.entry["cer"] >= len(strange[0].text) / sum(len(row.text) for row in [*rows, *strange])
    write_manifest(tmp_path / "val.csv", strange)
    with pytest.raises(TrainingError, match="no row that these units can say; left out: 1 symbols that the units lack"):
        quietly(request)


def test_a_run_goes_on_for_as_long_as_it_was_begun_for(toy_data):
    folder, first = quietly(request_of(toy_data, epochs=2, name="ended"))
    assert quietly(request_of(toy_data, epochs=None, resume=folder))[1].updates == first.updates
    checkpoint = (folder / "resume.pt").read_bytes()
    for _ in range(2):
        (folder / "resume.pt").write_bytes(checkpoint)  # the last that was written before the first of the two was killed
        _, longer = quietly(request_of(toy_data, data=None, epochs=3, resume=folder))
        assert longer.updates > first.updates
    updates = [entry["update"] for entry in RunFolder(folder).read_log() if "update" in entry]
    assert updates == sorted(updates)


def test_a_seed_that_no_generator_takes_is_refused(tmp_path):
    (tmp_path / "odd.toml").write_text("seed = -1")
    with pytest.raises(ConfigError, match="seed"):
        recognizer_of(str(tmp_path / "odd.toml"))


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_run_does_not_go_on_with_other_texts(toy_data, tmp_path, part):
    folder, _ = quietly(request_of(toy_data, epochs=1, runs=tmp_path))
    for name in ("train", "val"):
        rows = [dataclasses.replace(row, path=str(toy_data / row.path)) for row in read_manifest(toy_data / f"{name}.csv")]
        write_manifest(tmp_path / f"{name}.csv", rows)
    again = request_of(toy_data, data=tmp_path, epochs=1, resume=folder)
    quietly(again)  # the same rows in another place
    rows = read_manifest(tmp_path / f"{part}.csv")
    write_manifest(tmp_path / f"{part}.csv", [dataclasses.replace(rows[0], text="kat"), *rows[1:]])
    with pytest.raises(TrainingError, match="other data"):
        quietly(again)


def test_a_checkpoint_that_does_not_fit_its_run_is_one_line(toy_data, tmp_path):
    folder, _ = quietly(request_of(toy_data, epochs=1, runs=tmp_path))
    again, kept, settings = request_of(toy_data, epochs=None, resume=folder), (folder / "resume.pt").read_bytes(), folder / "config.toml"
    state = torch.load(folder / "resume.pt", weights_only=True)
    without = [{name: value for name, value in state.items() if name != missing} for missing in ("data", "length")]
    for broken in (*without, {"clips": 60}, {**state, "numbers": [1]}, {**state, "numbers": [10, 0, 10_000]}, {**state, "model": {}}, [1]):
        torch.save(broken, folder / "resume.pt")
        with pytest.raises(TrainingError, match="resume.pt: does not fit config.toml"):
            quietly(again)
    (folder / "resume.pt").write_bytes(kept)
    settings.write_text(settings.read_text().replace("width = 32", "width = 16"))
    with pytest.raises(TrainingError, match="resume.pt: does not fit config.toml"):
        quietly(again)


def test_a_run_goes_on_with_the_verb_that_began_it(toy_run):
    with pytest.raises(TrainingError, match="config.toml: no such run has [a-z]+; go on with the verb that began it"):
        RunFolder.existing(toy_run[0], RunConfig)


def test_no_data_goes_on_as_that_of_the_run_and_begins_as_the_usual(monkeypatch):
    asked = []
    monkeypatch.setattr("telucodec.recognizer.train.run", lambda request, *others: asked.append(request.data) or 1 / 0)
    for options in ([], ["--resume", "run"], ["--resume", "run", "--data", "there"]):
        CliRunner().invoke(recognizer, ["train", *options])
    assert asked == [Path("data/manifests"), None, Path("there")]


@pytest.mark.parametrize("option", ["--config", "--experiment_name", "--from"])
def test_what_a_run_goes_on_with_is_its_own(option):
    done = CliRunner().invoke(recognizer, ["train", "--resume", "run", option, "other"])
    assert done.exit_code == 2 and f"leave {option} out" in " ".join(done.output.split())


def test_a_run_from_another_has_its_settings_and_says_so_by_its_name(toy_data, toy_run, tmp_path):
    done = CliRunner().invoke(recognizer, ["train", "--from", "run", "--config", "telugu"])
    assert done.exit_code == 2 and "leave --config out" in " ".join(done.output.split())
    folder, _ = quietly(request_of(toy_data, config="characters", epochs=1, runs=tmp_path, start=toy_run[0]))
    assert folder.name == f"from-{toy_run[0].name}" and load_recognizer(folder)[1] == load_recognizer(toy_run[0])[1]


def test_ctrl_c_within_an_update_waits_for_its_end(toy_data, monkeypatch):
    straight, _ = quietly(request_of(toy_data, epochs=2, name="unpressed"))
    backward, calls = Fabric.backward, itertools.count(1)

    def pressed(self, *arguments):
        if next(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        backward(self, *arguments)

    monkeypatch.setattr(Fabric, "backward", pressed)
    with pytest.raises(KeyboardInterrupt):
        quietly(request_of(toy_data, epochs=2, name="pressed"))
    resumed, _ = quietly(request_of(toy_data, epochs=2, resume=toy_data / "runs" / "pressed"))
    first, second = (load_recognizer(folder)[0].state_dict() for folder in (straight, resumed))
    for name, tensor in first.items():
        torch.testing.assert_close(tensor, second[name], rtol=0, atol=0, msg=name)


def test_ctrl_c_within_the_last_validation_loses_no_update(toy_data, monkeypatch):
    def pressed(points, *texts):
        if points[-1].share >= 1:
            signal.raise_signal(signal.SIGINT)
        return signs(points, *texts)

    with monkeypatch.context() as patched:
        patched.setattr("telucodec.recognizer.train.signs", pressed)
        with pytest.raises(KeyboardInterrupt):
            quietly(request_of(toy_data, epochs=6, name="judged"))
    told = []
    run(request_of(toy_data, epochs=None, resume=toy_data / "runs" / "judged"), told.append, untold)
    straight = quietly(request_of(toy_data, epochs=6, name="unjudged"))[1]
    assert any(line.startswith(f"goes on after {straight.updates} updates") for line in told)


def test_what_a_run_ends_with_is_validated_once(toy_data):
    folder, outcome = quietly(request_of(toy_data, epochs=1, name="brief"))
    entries = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    updates = [entry["update"] for entry in entries if "cer" in entry]
    assert updates[-1] == outcome.updates and len(set(updates)) == len(updates)
    resumed = quietly(request_of(toy_data, epochs=None, resume=folder))[1]
    assert resumed.entry["cer"] == outcome.entry["cer"]


def test_a_run_that_fails_within_an_update_leaves_its_last_checkpoint(toy_data):
    folder, _ = quietly(request_of(toy_data, epochs=1, name="diverged"))
    good = (folder / "resume.pt").read_bytes()
    settings = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(settings.replace("learning_rate = 0.005", "learning_rate = 1e30"))
    with pytest.raises(TrainingError, match="lower the learning rate"):
        quietly(request_of(toy_data, epochs=9, resume=folder))
    assert (folder / "resume.pt").read_bytes() == good
    (folder / "config.toml").write_text(settings)
    quietly(request_of(toy_data, epochs=2, resume=folder))


def test_apples_gpu_which_has_no_ctc_loss_is_left_alone(toy_data, monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr("platform.processor", lambda: "arm")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert quietly(request_of(toy_data, epochs=1, name="apple"))[1].updates > 0


def test_gradients_that_are_not_finite_are_told_in_one_line(toy_data, monkeypatch):
    backward = Fabric.backward

    def infinite(self, loss):
        backward(self, loss * torch.inf)

    monkeypatch.setattr(Fabric, "backward", infinite)
    with pytest.raises(TrainingError, match="update 0: the norm of the gradients is nan; lower"):
        quietly(request_of(toy_data, epochs=1, name="steep"))
    with pytest.raises(ModelError, match="no recogniser there"):  # none that learned nothing
        load_recognizer(toy_data / "runs" / "steep")


def test_healthy_transcripts_pass_all_gates(toy_data):
    assert all(verdicts(read_manifest(toy_data / "train.csv")).values())


def test_each_fault_of_transcripts_is_named(toy_data):
    rows = read_manifest(toy_data / "train.csv")
    shifted = [dataclasses.replace(row, text=other.text) for row, other in zip(rows, rows[7:] + rows[:7], strict=True)]
    faults = {
        "empty transcripts": [dataclasses.replace(row, text="" if number % 12 else row.text) for number, row in enumerate(rows)],
        "rows to learn from": rows[:3],
        "text longer than audio": [
            dataclasses.replace(row, text=row.text * (9 if number % 4 == 0 else 1)) for number, row in enumerate(rows)
        ],
        "one alphabet": [dataclasses.replace(row, text="కన్నడ" if number % 3 == 0 else row.text) for number, row in enumerate(rows)],
        "texts fit their sounds": shifted,
    }
    for gate, broken in faults.items():
        assert not verdicts(broken)[gate], gate


def test_scripts_are_named_in_any_case(toy_data):
    rows = read_manifest(toy_data / "train.csv")
    for scripts, passed in ((("latin",), True), (("LATIN", "TELUGU"), True), (("telugu",), False)):
        (alphabet,) = [
            each for each in check_data(rows, transcribed(rows, "", 20.0), GateConfig(scripts=scripts)) if each.gate == "one alphabet"
        ]
        assert alphabet.passed == passed


def test_rows_without_text_are_noted_and_passed_over(toy_data):
    rows = [
        dataclasses.replace(row, text="" if number % 3 else row.text) for number, row in enumerate(read_manifest(toy_data / "train.csv"))
    ]
    assert all(verdicts(rows).values())
    told, _ = encoded(transcribed(rows, "", 20.0), UnitsConfig(least_count=1).make([row.text for row in rows]), FeatureConfig())
    first, *_ = check_data(rows, told, GateConfig())
    assert str(first) == "noted   empty transcripts: 40 of 60 rows; they are passed over"
    digits = [dataclasses.replace(row, text=row.text and "101") if number < 33 else row for number, row in enumerate(rows)]
    assert not verdicts(digits)["rows to learn from"]  # 11 of the 20 that have a text


def test_clips_to_validate_with_that_are_learned_from_are_told(toy_data, tmp_path):
    rows = [dataclasses.replace(row, path=str(toy_data / row.path)) for row in read_manifest(toy_data / "train.csv")]
    told = []
    for name in ("train", "val"):
        write_manifest(tmp_path / f"{name}.csv", rows)
    run(request_of(toy_data, data=tmp_path, epochs=1, runs=tmp_path, gates=True), told.append, untold)
    (line,) = [line for line in told if "validation apart from training" in line]
    assert line.startswith("gate noted   validation apart from training: 60 of 60 rows of val.csv are in train.csv too")


@pytest.mark.parametrize("change", [{"precision": "7"}, {"wandb": True}, {"data": "without validation"}])
def test_what_cannot_be_trained_is_refused_before_clips_are_packed(toy_data, tmp_path, monkeypatch, change):
    monkeypatch.setitem(sys.modules, "wandb", None)
    rows = [dataclasses.replace(row, path=str(toy_data / row.path)) for row in read_manifest(toy_data / "train.csv")]
    write_manifest(tmp_path / "train.csv", rows)
    write_manifest(tmp_path / "val.csv", [dataclasses.replace(row, text="" if "data" in change else row.text) for row in rows])
    with pytest.raises(TelucodecError, match="precision 7|wandb|val.csv"):
        quietly(request_of(toy_data, runs=tmp_path, **{**change, "data": tmp_path}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.csv", "val.csv"]


def test_a_gate_that_fails_stops_the_run_with_its_cause(toy_data, tmp_path):
    rows = [dataclasses.replace(row, path=str(toy_data / row.path), text="") for row in read_manifest(toy_data / "train.csv")]
    write_manifest(tmp_path / "train.csv", [dataclasses.replace(rows[0], text="kat"), *rows[1:]])
    with pytest.raises(TrainingError, match="empty transcripts.*column"):
        quietly(request_of(toy_data, data=tmp_path, config=str(toy_data / "toy.toml"), gates=True))


def test_a_fraction_is_a_number_too(toy_data):
    rows = read_manifest(toy_data / "train.csv")[:2]
    told = transcribed([dataclasses.replace(rows[0], text="½ kat"), rows[1]], "", 20.0)
    assert told.rows == (rows[1],) and told.left_out == {"digits, which may be read in many ways": 1}


def test_rows_with_digits_alone_are_named_as_such(toy_data, tmp_path):
    for name in ("train", "val"):
        rows = [dataclasses.replace(row, path=str(toy_data / row.path), text="room 101") for row in read_manifest(toy_data / f"{name}.csv")]
        write_manifest(tmp_path / f"{name}.csv", rows)
    with pytest.raises(DataError, match="train.csv.*60 digits"):
        quietly(request_of(toy_data, data=tmp_path))


@pytest.mark.parametrize("gates", [True, False])
def test_rows_that_are_too_few_for_any_symbol_are_named_as_such(toy_data, tmp_path, gates):
    (tmp_path / "twice.toml").write_text("[units]\nleast_count = 2")
    for name in ("train", "val"):
        rows = [dataclasses.replace(row, path=str(toy_data / row.path)) for row in read_manifest(toy_data / f"{name}.csv")]
        texts = ("kat", "kis")  # one letter is there twice
        write_manifest(tmp_path / f"{name}.csv", [dataclasses.replace(row, text=text) for row, text in zip(rows, texts, strict=False)])
    with pytest.raises(TelucodecError, match="2 symbols that the units lack; .* add rows"):
        quietly(request_of(toy_data, data=tmp_path, config=str(tmp_path / "twice.toml"), gates=gates))


def clips(lengths, seed=0):
    rng = np.random.default_rng(seed)
    frames = np.zeros((len(lengths), max(lengths), 64), np.float32)
    for place, size in zip(frames, lengths, strict=True):
        place[:size] = rng.normal(size=(size, 64))
    return frames, np.array(lengths)


def test_a_clip_is_heard_alike_alone_in_a_batch_and_without_masks():
    torch.manual_seed(0)
    model = SMALL.build(64, 7).eval()
    frames, sizes = clips([90, 57, 33])
    frames[1, 57:] = 5.0  # what lies past the end of a clip
    with torch.no_grad():
        together = model(torch.from_numpy(frames), torch.from_numpy(sizes))
        for number, size in enumerate(sizes):
            alone = model(torch.from_numpy(frames[number : number + 1, :size]))[0]
            assert len(alone) == steps_of(int(size))
            torch.testing.assert_close(together[number, : len(alone)], alone, atol=1e-4, rtol=1e-4)


def test_batch_norm_counts_what_is_heard_and_nothing_else():
    x = torch.randn(3, 9, 4, generator=torch.Generator().manual_seed(0))
    sizes = [9, 5, 2]
    heard = torch.arange(9) < torch.tensor(sizes)[:, None]
    together, apart = BatchNorm(4), BatchNorm(4)
    found = together(x.masked_fill(~heard[..., None], 100.0), heard)
    expected = apart(torch.cat([clip[:size] for clip, size in zip(x, sizes, strict=True)])[None], None)[0]
    torch.testing.assert_close(found[heard], expected)
    torch.testing.assert_close(together.norm.running_mean, apart.norm.running_mean)
    assert not found[~heard].any()


def test_only_the_last_blocks_attend():
    attending = [block.attention is not None for block in ConformerConfig(width=16, num_blocks=3, num_attending=2).build(64, 5).blocks]
    assert attending == [False, True, True]


def test_the_model_gates_see_a_learning_rate_that_does_not_learn():
    torch.manual_seed(0)
    frames, sizes = clips([80, 80, 72, 64])
    batch = Batch(frames, sizes, np.tile([1, 2, 3, 4], 4), np.full(4, 4))
    model = SMALL.build(64, 6)
    passed = {verdict.gate: verdict.passed for verdict in check_model(model, batch, OptimiserConfig(learning_rate=3e-3), GateConfig())}
    assert all(passed.values()), passed
    broken = {
        verdict.gate: verdict.passed
        for verdict in check_model(model, batch, OptimiserConfig(learning_rate=1e-8), GateConfig(overfit_updates=30))
    }
    assert not broken["learns some clips by heart"]


def test_frames_are_written_where_they_are_looked_for_and_not_into_mapped_memory(toy_data, tmp_path, monkeypatch):
    """A disk that is full would kill the process there."""
    rows, features, speeds = read_manifest(toy_data / "val.csv"), FeatureConfig(), (0.9, 1.0)
    mapped = np.memmap

    def read_only(*place, mode, **others):
        assert mode == "r"
        return mapped(*place, mode=mode, **others)

    monkeypatch.setattr(np, "memmap", read_only)
    monkeypatch.setattr("telucodec.data.batches.PACKED", tmp_path)
    frames, ends = pack(rows, toy_data, features, speeds, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    begins = np.concatenate([[0], ends.reshape(-1)[:-1]]).reshape(ends.shape)
    for number, row in enumerate(rows):
        wave = read_segment(row, toy_data)[0]
        for place, speed in enumerate(speeds):
            expected = features.apply_to(at_speed(wave, speed)).astype(np.float16)
            np.testing.assert_array_equal(frames[begins[place, number] : ends[place, number]], expected)


def test_every_clip_is_in_an_epoch_once_and_batches_hold_no_more_than_asked():
    sizes = np.random.default_rng(0).integers(50, 800, 100)
    ends = np.cumsum(np.stack([sizes, sizes])).reshape(2, 100)
    targets = [np.array([1, 2])] * 100
    examples = Examples(np.zeros((ends[-1, -1], 4), np.float16), ends, targets, BatchConfig(batch_s=20.0), AugmentConfig(), 0)
    plan = examples.plan(3, FeatureConfig())
    assert sorted(number for clips in plan for number, _ in clips) == list(range(100))
    assert all(examples.sizes[clips[:, 1], clips[:, 0]].max() * len(clips) <= 2000 for clips in plan)
    filled = sum(examples.sizes[clips[:, 1], clips[:, 0]].sum() for clips in plan)
    assert filled > 0.8 * sum(examples.sizes[clips[:, 1], clips[:, 0]].max() * len(clips) for clips in plan)
    again = examples.plan(3, FeatureConfig())
    assert all(np.array_equal(*pair) for pair in zip(plan, again, strict=True))


@pytest.mark.parametrize("speeds, own", [((0.9, 1.0, 1.1), 1), ((1.0, 1.1), 0), ((0.7, 0.8, 1.0), 2), ((0.5,), 0)])
def test_clips_begin_at_their_own_speed_wherever_it_is_among_the_speeds(speeds, own):
    sizes = [round(1000 / speed) for speed in speeds]
    ends = np.cumsum(np.repeat(sizes, 4)).reshape(len(speeds), 4)
    settings = BatchConfig(), AugmentConfig(speeds=speeds), 0
    examples = Examples(np.zeros((ends[-1, -1], 4), np.float16), ends, [np.array([1, 2])] * 4, *settings)
    assert {speed for clips in examples.plan(0, FeatureConfig()) for _, speed in clips} == {own}
    assert examples.duration_s(FeatureConfig()) == pytest.approx(40.0)


def test_masks_hide_some_of_a_clip_and_leave_the_rest():
    frames = np.ones((200, 64), np.float32)
    AugmentConfig().apply_to(frames, np.random.default_rng(0))
    assert set(np.unique(frames)) == {0, 1} and 0.4 < frames.mean() < 1


def test_signs_name_what_is_wrong():
    said = [f"text number {number}" for number in range(20)]

    def cases(heard, loss=1.0, best=1.0, train=1.0, share=0.9, cer=0.5):
        points = [Point(0.5, best, train, cer), Point(share, loss, train, cer)]
        return [sign.case for sign in signs(points, said, heard)]

    assert cases([""] * 20) == ["blank collapse"]
    assert cases([""] * 20, share=0.1) == []
    assert cases(["text number"] * 20) == ["one text for all"]
    assert cases([text[:2] + str(number) for number, text in enumerate(said)]) == ["wrong length"]
    assert cases(said, cer=0.9) == ["no better than guessing"]
    assert cases(said, loss=1.5, train=0.1) == ["learned by heart"]
    assert cases(said, loss=float("nan")) == ["not finite"]
    assert cases(said) == []
