"""A run learns, goes on exactly where it was, and is the same in one process and in two."""

import copy
import errno
import json
import math
import resource
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from tiny import built, on_cpu, speech_crops, tiny

from telucodec.errors import TelucodecError, TrainingError
from telucodec.models.store import load_codec_module
from telucodec.training.gates import planned
from telucodec.training.launch import Request
from telucodec.training.launch import run as launched
from telucodec.training.recipe import TAKEN
from telucodec.training.run_folder import RunFolder
from telucodec.training.train import LOGGED_UPDATES, Budget, save_state, time_of_update, train
from telucodec.training.trainer import Trainer

QUIET = {"say": lambda line: None, "gates": False}


def sounds(crops):
    return {"one": crops.batch(1000)[0]}


def run(tmp_path, name, config, updates, **options):
    folder = RunFolder.new(tmp_path, name, config)
    crops = speech_crops(config)
    return folder, train(built(config), config, folder, crops, sounds(crops), Budget(updates=updates), on_cpu(), **QUIET | options)


def weights(folder):
    state = torch.load(folder.resume, weights_only=True)
    return {
        name: tensor for part in ("codec", "average") for name, tensor in ((f"{part}.{key}", value) for key, value in state[part].items())
    }


@pytest.mark.parametrize("recipe", ["perceptual", "adversarial"])
def test_a_run_that_was_killed_goes_on_bit_for_bit(tmp_path, recipe):
    changes = {"revive_every": 3}
    if recipe == "adversarial":
        changes["adversarial"] = TINY_JUDGES | {"start_update": 2}
    config = tiny(recipe=recipe, **changes)
    whole, _ = run(tmp_path, "whole", config, 8)

    class Killed(BaseException):
        pass

    def kill(done, total, name):
        if done == 4:
            raise Killed

    folder = RunFolder.new(tmp_path, "halves", config)
    crops = speech_crops(config)
    with pytest.raises(Killed):
        train(built(config), config, folder, crops, sounds(crops), Budget(updates=8), on_cpu(), progress=kill, **QUIET)
    train(built(config), config, folder, crops, sounds(crops), Budget(updates=8), on_cpu(), **QUIET)
    once, twice = weights(whole), weights(folder)
    assert once.keys() == twice.keys()
    for name in once:
        assert torch.equal(once[name], twice[name]), name


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_amid_an_update_waits_for_its_end(tmp_path, monkeypatch, number):
    config = tiny()
    whole, _ = run(tmp_path, "whole", config, 6)

    class Stopped(BaseException):
        pass

    def stop(number, frame):
        raise Stopped

    backward, calls = Fabric.backward, []

    def pressed(self, loss):
        calls.append(loss)
        if len(calls) == 3:
            signal.raise_signal(number)  # the codebooks have moved by now, the parameters have not
        backward(self, loss)

    before = signal.signal(number, stop)
    try:
        with monkeypatch.context() as patched, pytest.raises(Stopped):
            patched.setattr(Fabric, "backward", pressed)
            run(tmp_path, "halves", config, 6)
    finally:
        signal.signal(number, before)
    folder, crops = RunFolder(tmp_path / "halves"), speech_crops(config)
    assert torch.load(folder.resume, weights_only=True)["updates"] == 3
    train(built(config), config, folder, crops, sounds(crops), Budget(updates=6), on_cpu(), **QUIET)
    once, twice = weights(whole), weights(folder)
    for name in once:
        assert torch.equal(once[name], twice[name]), name


TINY_JUDGES = {"discriminators": {"members": [{"kind": "stft", "windows": [256], "width": 8}]}, "learning_rate": 1e-3}


def test_loss_falls_and_what_is_measured_is_logged(tmp_path):
    folder, outcome = run(tmp_path, "run", tiny(), 60)
    entries = folder.read_log()
    losses = [entry["mel"] for entry in entries if "mel" in entry]
    assert losses[-1] < losses[0]
    last = [entry for entry in entries if "correlation" in entry][-1]
    assert last | json.loads(json.dumps(outcome.entry)) == last and last["signs"] == list(outcome.signs)
    assert last["kbps"] == pytest.approx(3 * 5 * 50 / 1000) and last["spent_s"] <= outcome.spent_s
    assert outcome.updates == 60
    assert math.isclose(outcome.heard_hours, 60 * 4 * 0.4 / 3600, rel_tol=1e-6)
    assert list((folder.path / "tensorboard").iterdir())
    assert load_codec_module(folder.model).config == tiny().model


def test_runs_never_overwrite_each_other(tmp_path):
    config = tiny()
    names = [RunFolder.new(tmp_path, "same", config).path.name for _ in range(3)]
    assert names == ["same", "same-2", "same-3"]


def test_runs_that_begin_at_once_get_a_folder_each(tmp_path):
    config = tiny()
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: RunFolder.new(tmp_path, "same", config).path, range(24)))
    assert len(set(paths)) == 24
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="cannot be made"):
        RunFolder.new(tmp_path / "file", "same", config)


def test_where_the_data_of_a_run_lies_is_kept_and_where_it_is_not_the_way_out_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("manifests").mkdir()
    folder = RunFolder.new(tmp_path, "run", tiny())
    with pytest.raises(TrainingError, match="does not say where its data lies; pass --data"):  # as before it was kept
        folder.data()
    folder.write_beginning("telucodec train", Path("manifests"))
    monkeypatch.chdir("run")
    assert folder.data() == tmp_path / "manifests"
    (tmp_path / "manifests").rmdir()
    with pytest.raises(TrainingError, match="run: its data lay in .*manifests, which is not there; pass --data"):
        folder.data()


def test_half_a_line_of_the_log_is_left_out(tmp_path):
    folder = RunFolder.new(tmp_path, "run", tiny())
    folder.write_log({"update": 20})
    with open(folder.log, "a") as log:
        log.write('{"update": 40, "me')
    folder.write_log({"update": 60, "mel": math.inf})
    assert folder.read_log() == [{"update": 20}, {"update": 60, "mel": None}]


def test_what_was_noted_after_the_checkpoint_of_a_killed_run_is_noted_once(tmp_path):
    config = tiny()
    folder, _ = run(tmp_path, "run", config, 22)
    checkpoint, crops, cut = folder.resume.read_bytes(), speech_crops(config), b'{"update": 22, "cut o\n'
    folder.log.write_bytes(before := folder.log.read_bytes() + cut)
    for _ in range(2):
        folder.resume.write_bytes(checkpoint)  # the last that was written before the first of the two was killed
        train(built(config), config, folder, crops, sounds(crops), Budget(updates=44), on_cpu(), **QUIET)
    updates = [entry["update"] for entry in folder.read_log() if "update" in entry]
    assert updates == sorted(updates) and updates[-1] == 44
    assert folder.log.read_bytes().startswith(before)


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    config = tiny()

    def full(self, *arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("telucodec.training.journal.SummaryWriter.add_scalar", full)
    with pytest.raises(TrainingError, match="tensorboard: cannot be written.*No space left"):
        run(tmp_path, "run", config, 2)


def test_a_gate_that_fails_stops_the_run_with_its_reason(tmp_path):
    config = tiny()
    folder = RunFolder.new(tmp_path, "run", config)
    crops = speech_crops(config)
    with pytest.raises(TrainingError, match="planned updates.*--no-gates"):
        train(built(config), config, folder, crops, sounds(crops), Budget(updates=1400), on_cpu(), say=lambda line: None)
    assert not folder.resume.exists()


def test_weights_and_biases_are_missed_before_anything_is_done(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)  # as if it were not installed
    asked = {"preset": None, "minutes": 1.0, "updates": None, "epochs": None, "name": None, "resume": None, "start": None}
    request = Request(
        tmp_path, "perceptual", changes={}, runs=tmp_path, gates=True, processes=1, precision="32", wandb=True, command="", **asked
    )
    with pytest.raises(TrainingError, match="leave --use_wandb out"):
        launched(request, lambda line: None, lambda done, total, name: None)
    assert not list(tmp_path.iterdir())


def test_time_limits_a_run_too(tmp_path):
    config = tiny()
    folder = RunFolder.new(tmp_path, "run", config)
    crops = speech_crops(config)
    outcome = train(built(config), config, folder, crops, sounds(crops), Budget(minutes=0.03), on_cpu(), **QUIET)
    assert outcome.updates >= 1
    again = train(built(config), config, folder, crops, sounds(crops), Budget(minutes=0.03), on_cpu(), **QUIET)
    assert again.updates == outcome.updates  # its time was over


def test_a_run_without_an_update_is_not_diagnosed(tmp_path):
    config = tiny()
    folder = RunFolder.new(tmp_path, "run", config)
    crops = speech_crops(config)
    outcome = train(built(config), config, folder, crops, sounds(crops), Budget(minutes=1e-9), on_cpu(), **QUIET)
    assert outcome.updates == 0 and outcome.signs == ()


@pytest.mark.parametrize("warmup", [0, 1000])
def test_a_run_that_warms_up_is_diagnosed_at_its_end_alone(tmp_path, warmup):
    settings = tiny().recipe.optimiser.model_copy(update={"warmup_updates": warmup, "learning_rate": 1e-8})
    folder, outcome = run(tmp_path, "run", tiny(optimiser=settings.model_dump()), 24)
    found = [bool(entry["signs"]) for entry in folder.read_log() if "correlation" in entry]
    assert outcome.signs and found == [warmup == 0] * (len(found) - 1) + [True] and len(found) > 1


def test_other_data_is_no_way_to_go_on(tmp_path):
    config = tiny()
    folder, _ = run(tmp_path, "run", config, 2)
    other = speech_crops(config)
    other.samples = other.samples[:-16000]
    other.ends = np.array([len(other.samples)])
    with pytest.raises(TrainingError, match="other data"):
        train(built(config), config, folder, other, sounds(other), Budget(updates=4), on_cpu(), **QUIET)


def test_other_data_of_the_same_length_is_no_way_to_go_on(tmp_path):
    config = tiny()
    folder, _ = run(tmp_path, "run", config, 2)
    other, crops = speech_crops(config), speech_crops(config)
    other.samples = other.samples[::-1]
    for heard, validation in ((other, sounds(crops)), (crops, {"two": sounds(crops)["one"]})):
        with pytest.raises(TrainingError, match="other data"):
            train(built(config), config, folder, heard, validation, Budget(updates=4), on_cpu(), **QUIET)


def test_a_run_goes_on_as_long_as_it_was_to_last(tmp_path):
    config, crops = tiny(), speech_crops(tiny())

    def kill(done, total, name):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "run", config, 3, progress=kill)
    folder = RunFolder(tmp_path / "run")
    outcome = train(built(config), config, folder, crops, sounds(crops), Budget(), on_cpu(), **QUIET)
    assert outcome.updates == 3
    assert train(built(config), config, folder, crops, sounds(crops), Budget(updates=4), on_cpu(), **QUIET).updates == 4


def test_a_checkpoint_of_other_settings_is_named(tmp_path):
    config = tiny()
    folder, _ = run(tmp_path, "run", config, 2)
    other, crops = tiny("time-domain"), speech_crops(config)
    with pytest.raises(TrainingError, match="is no checkpoint of a run as config.toml"):
        train(built(other), other, folder, crops, sounds(crops), Budget(updates=4), on_cpu(), **QUIET)
    state = torch.load(folder.resume, weights_only=True)
    without = [{name: value for name, value in state.items() if name != missing} for missing in ("budget", "data")]
    for broken in ({"weights": torch.zeros(3)}, *without):
        torch.save(broken, folder.resume)
        with pytest.raises(TrainingError, match="is no checkpoint of a run as config.toml"):
            train(built(config), config, folder, crops, sounds(crops), Budget(updates=4), on_cpu(), **QUIET)


@pytest.mark.parametrize("updates, share", [(1, 1 - 3 / 12), (100_000, 1 - 0.999)])
def test_the_average_follows_slowly(updates, share):
    config = tiny()
    trainer, crops = Trainer(built(config), config.recipe, on_cpu()), speech_crops(config)
    before = [parameter.add_(1).clone() for parameter in trainer.average.parameters()]  # far from what it is to follow
    trainer.updates = updates
    trainer.update(crops.batch(0), 0.0)
    for average, old, plain in zip(trainer.average.parameters(), before, trainer.plain.parameters(), strict=True):
        torch.testing.assert_close(average, old + share * (plain - old))


@pytest.mark.parametrize(
    "updates, progress, share",
    [(0, 0.0, 0.1), (4, 0.0, 0.5), (9, 0.0, 1.0), (99, 0.5, 0.51), (99, 1.0, 0.02), (99, 1.1, 0.02)],
)
def test_the_learning_rate_rises_over_ten_updates_and_falls_by_a_cosine(updates, progress, share):
    config = tiny()
    trainer = Trainer(built(config), config.recipe, on_cpu())
    trainer.updates = updates
    trainer.update(speech_crops(config).batch(0), progress)
    assert trainer.optimiser.param_groups[0]["lr"] == pytest.approx(share * config.recipe.optimiser.learning_rate)


def test_the_loss_of_the_quantizer_counts_with_its_weight(monkeypatch):
    config = tiny(quantizer_weight=0.25)
    trainer, crops = Trainer(built(config), config.recipe, on_cpu()), speech_crops(config)
    backward, losses = Fabric.backward, []
    monkeypatch.setattr(Fabric, "backward", lambda self, loss: losses.append(float(loss.detach())) or backward(self, loss))
    told = trainer.update(crops.batch(0), 0.0)
    of_sound = sum(weight * told[name] for name, weight in trainer.weights.items())
    assert losses[0] - of_sound == pytest.approx(0.25 * told["quantizer"], rel=1e-3) and told["quantizer"] > 0.01


def test_minutes_are_as_many_updates_as_fit_into_them(tmp_path, monkeypatch):
    monkeypatch.setattr("telucodec.training.train.time_of_update", lambda trainer, crops, after: 1.0)
    config, said = tiny(), []
    folder, crops = RunFolder.new(tmp_path, "run", config), speech_crops(config)
    with pytest.raises(TrainingError, match="planned updates"):  # 600 are too few
        train(built(config), config, folder, crops, sounds(crops), Budget(minutes=10), on_cpu(), say=said.append)
    assert "600 updates" in said[0]


@pytest.mark.parametrize(("minutes", "updates"), [(3, "180"), (10, "400"), (20, "700"), (25, "800")])
def test_updates_with_discriminators_are_reckoned_at_their_own_pace(tmp_path, monkeypatch, minutes, updates):
    monkeypatch.setattr("telucodec.training.train.time_of_update", lambda trainer, crops, after: {0: 1.0, 200: 2.0, 700: 3.0}[after])
    monkeypatch.setattr("telucodec.training.train.check", lambda codec, recipe, wave, plan: [planned(plan, recipe)])
    config, said = tiny(recipe="adversarial", adversarial=TINY_JUDGES | {"start_update": 700}), []
    folder, crops = RunFolder.new(tmp_path, "run", config), speech_crops(config)
    with pytest.raises(TrainingError, match="planned updates"):  # so many are too few
        train(built(config), config, folder, crops, sounds(crops), Budget(minutes=minutes), on_cpu(), say=said.append)
    assert f" {updates} updates" in said[0]


@pytest.mark.parametrize(("after", "judged"), [(0, False), (7, True)])
def test_updates_that_were_timed_are_undone(after, judged, monkeypatch):
    taught, teach = [], Trainer._teach_judges
    monkeypatch.setattr(Trainer, "_teach_judges", lambda self, *waves: taught.append(waves) or teach(self, *waves))
    config = tiny(recipe="adversarial", adversarial=TINY_JUDGES | {"start_update": 7, "lead_updates": 0})
    trainer, crops = Trainer(built(config), config.recipe, on_cpu()), speech_crops(config)
    before, judges = copy.deepcopy(trainer.plain.state_dict()), copy.deepcopy(trainer.judges.module.state_dict())
    assert time_of_update(trainer, crops, after) > 0 and bool(taught) == judged
    assert trainer.updates == 0 and not trainer.balancer.sums
    assert not trainer.optimiser.state_dict()["state"] and not trainer.judges_optimiser.state_dict()["state"]
    assert all(torch.equal(tensor, judges[name]) for name, tensor in trainer.judges.module.state_dict().items())
    for part in (trainer.plain, trainer.average):
        for name, tensor in part.state_dict().items():
            assert torch.equal(tensor, before[name]), name


def test_numbers_that_are_not_finite_stop_the_run(tmp_path):
    config = tiny()
    crops = speech_crops(config)
    trainer = Trainer(built(config), config.recipe, on_cpu())
    batch = crops.batch(0)
    batch[0, 0, 100] = math.nan
    with pytest.raises(TrainingError, match="not finite"):
        trainer.update(batch, 0.0)


def test_a_gradient_that_is_not_finite_stops_the_run():
    config = tiny()
    trainer, crops = Trainer(built(config), config.recipe, on_cpu()), speech_crops(config)
    next(trainer.codec.parameters()).register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(TrainingError, match="gradient.*not finite"):
        trainer.update(crops.batch(0), 0.0)


def test_a_run_that_diverges_leaves_its_last_checkpoint_as_it_was(tmp_path):
    config = tiny()
    folder, _ = run(tmp_path, "run", config, 2)
    before, crops = folder.resume.read_bytes(), speech_crops(config)
    validation = sounds(crops)
    crops.batch = lambda update: np.full((4, 1, 6400), math.nan if update == 4 else 0.1, np.float32)
    with pytest.raises(TrainingError, match="update 4.*not finite"):
        train(built(config), config, folder, crops, validation, Budget(updates=6), on_cpu(), **QUIET)
    assert folder.resume.read_bytes() == before


def test_a_frozen_encoder_stays_and_the_decoder_learns():
    config = tiny(recipe="finetune", freeze_encoder=True)
    crops = speech_crops(config)
    codec = built(config)
    before = {name: tensor.clone() for name, tensor in codec.state_dict().items()}
    trainer = Trainer(codec, config.recipe, on_cpu())
    for number in range(3):
        trainer.update(crops.batch(number), 0.0)
    moved = {name.split(".")[0] for name, tensor in trainer.plain.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == {"decoder"}


def test_judges_learn_before_they_are_listened_to():
    config = tiny(recipe="adversarial", adversarial=TINY_JUDGES | {"start_update": 4, "lead_updates": 2})
    trainer, crops = Trainer(built(config), config.recipe, on_cpu()), speech_crops(config)
    told = [trainer.update(crops.batch(number), 0.0) for number in range(6)]
    assert [("discriminator" in terms, "generator" in terms) for terms in told] == [(False, False)] * 2 + [(True, False)] * 2 + [
        (True, True)
    ] * 2


def test_judges_hear_quiet_speech_as_loud_as_any_and_silence_as_silence(monkeypatch):
    taught, teach = [], Trainer._teach_judges
    monkeypatch.setattr(Trainer, "_teach_judges", lambda self, *waves: taught.append(waves) or teach(self, *waves))
    config = tiny(recipe="adversarial", adversarial=TINY_JUDGES | {"start_update": 0})
    crops = speech_crops(config)
    batch = crops.batch(0) * np.array([1.0, 0.3, 0.1, 1e-4], np.float32)[:, None, None]
    Trainer(built(config), config.recipe, on_cpu()).update(batch, 0.0)
    ((reference, estimate),) = taught
    levels = np.sqrt(np.square(batch).mean(axis=(1, 2)))
    heard = reference.square().mean(dim=(1, 2)).sqrt().numpy()
    np.testing.assert_allclose(heard[levels > 0.01], 1, rtol=0.1)  # the last hop of a crop is not judged
    assert heard[-1] < 0.01 and estimate.shape == reference.shape and not estimate.requires_grad


def test_adversarial_training_stays_finite_and_the_judges_learn(tmp_path, monkeypatch):
    monkeypatch.setattr("telucodec.training.train.LOGGED_UPDATES", 1)
    config = tiny(recipe="adversarial", adversarial=TINY_JUDGES | {"start_update": 0})
    folder, _ = run(tmp_path, "run", config, 40)
    told = [entry for entry in folder.read_log() if "judged_right" in entry]
    assert all(math.isfinite(value) for entry in told for value in entry.values() if isinstance(value, float))
    assert np.mean([entry["judged_right"] for entry in told[-10:]]) > 0.9
    state = torch.load(folder.resume, weights_only=True)
    assert {"judges", "judges_optimiser", "balancer"} <= state.keys()


def test_names_that_the_log_has_for_something_else_are_taken(tmp_path):
    config = tiny(recipe="adversarial", adversarial=TINY_JUDGES | {"start_update": 0}, revive_every=LOGGED_UPDATES)
    folder, _ = run(tmp_path, "run", config, LOGGED_UPDATES)
    (update,) = [entry for entry in folder.read_log() if "revived" in entry]
    assert update.keys() - config.recipe.loss.terms.keys() == TAKEN - {"correlation"}


def test_the_loss_that_is_shown_is_weighted_as_the_one_of_validations(tmp_path):
    shown, parts = [], {"near": {"weight": 3.0, "loss": {"kind": "relative_mse"}}, "far": {"weight": 0.5, "loss": {"kind": "mel"}}}
    config = tiny(recipe="adversarial", adversarial=TINY_JUDGES | {"start_update": 0}, loss={"terms": parts})
    folder, _ = run(tmp_path, "run", config, LOGGED_UPDATES, progress=lambda done, total, name: shown.append(name))
    told = next(entry for entry in folder.read_log() if "near" in entry and "generator" in entry)
    assert shown[-1] == f"loss {3 * told['near'] + 0.5 * told['far']:.3g}"


@pytest.mark.parametrize("changes", [{}, {"freeze_encoder": True}, {"quantizer": {"kind": "fsq", "num_codebooks": 2}}], ids=str)
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_balanced_losses_teach_every_codec_in_every_precision(precision, changes):
    config = tiny(recipe="adversarial", adversarial=TINY_JUDGES | {"start_update": 1}, **changes)
    codec, crops = built(config), speech_crops(config)
    before = {name: parameter.detach().clone() for name, parameter in codec.named_parameters()}
    trainer = Trainer(codec, config.recipe, Fabric(accelerator="cpu", devices=1, precision=precision))
    for number in range(3):
        assert all(map(math.isfinite, trainer.update(crops.batch(number), 0.0).values()))
    moved = {name.split(".")[0] for name, parameter in trainer.plain.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved - {"quantizer"} == ({"decoder"} if config.recipe.freeze_encoder else {"encoder", "decoder"})


def test_balanced_losses_pull_at_the_codec_with_their_shares():
    config = tiny(balancer={}, loss={"terms": {"only": {"weight": 3.0, "loss": {"kind": "relative_mse"}}}})
    trainer, crops = Trainer(built(config), config.recipe, on_cpu()), speech_crops(config)
    pulls = []

    def listen(module, args, made):
        made[0].register_hook(pulls.append)

    trainer.codec.register_forward_hook(listen)
    trainer.update(crops.batch(0), 0.0)
    assert float(pulls[0].norm()) == pytest.approx(1)  # the balancer's whole, since there is but one loss


def _two_updates(fabric, path, changes):
    torch.set_num_threads(1)
    config = tiny(**changes)
    trainer = Trainer(built(config), config.recipe, fabric)
    crops = speech_crops(config)
    trainer.start(crops.batch(number) for number in range(100))
    losses = [trainer.update(crops.batch(number), 0.0) for number in range(3)]
    summed = {
        name: float(fabric.all_reduce(torch.tensor([entry[name] for entry in losses]).mean(), reduce_op="mean")) for name in losses[0]
    }
    if fabric.is_global_zero:
        norm = sum(float(parameter.double().square().sum()) for parameter in trainer.plain.state_dict().values())
        means = {f"mean norm of {name}": float(mean) for name, mean in trainer.balancer.sums.items()} if trainer.balancer else {}
        path.write_text(json.dumps(summed | {"norm": norm} | means))


def test_a_checkpoint_that_finds_the_disk_full_is_told_in_one_line(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # as a full disk is met: a write that fails in the middle
    try:
        with pytest.raises(TelucodecError, match="resume.pt: cannot be written .* free some disk"):
            save_state({"average": torch.zeros(100_000)}, tmp_path / "resume.pt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("changes", [{}, {"balancer": {}}], ids=str)
def test_two_processes_learn_what_one_does(tmp_path, changes):
    _two_updates(on_cpu(), tmp_path / "one.json", changes)
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp_fork", precision="32-true")
    fabric.launch(_two_updates, tmp_path / "two.json", changes)
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one.json", "two.json"))
    for name in one:
        assert math.isclose(one[name], two[name], rel_tol=2e-4, abs_tol=1e-5), (name, one[name], two[name])
