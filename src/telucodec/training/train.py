"""A run from its first gate to its last validation: batches, updates, logs, signs, checkpoints and the model that is kept."""

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric

from telucodec.data.batches import Crops
from telucodec.errors import TrainingError
from telucodec.files import whole
from telucodec.metrics.signs.history import Point, signs_of_history
from telucodec.models.store import save_codec
from telucodec.models.vq_codec import VQCodec
from telucodec.training.gates import Plan, check
from telucodec.training.journal import Journal
from telucodec.training.recipe import RunConfig
from telucodec.training.run_folder import RunFolder
from telucodec.training.trainer import Trainer
from telucodec.training.validate import Heard, listen

Progress = Callable[[float, float, str], None]
"""progress(done, total, what is told of it): seconds or updates."""
Say = Callable[[str], None]

TIMED_UPDATES = 5
"""Timed before the gates, so that they know how many updates the time allows; undone afterwards."""
MOST_VALIDATIONS = 24
"""Spread over the run, the first ones closer together, where most goes wrong."""
VALIDATION_SHARE = 0.1
"""Of the time; a validation waits until the training since the last one makes up for it."""
CHECKPOINT_S = 120.0
LOGGED_UPDATES = 20


@dataclass(frozen=True)
class Budget:
    """How long a run lasts: one of the three is given."""

    minutes: float | None = None
    updates: int | None = None
    epochs: int | None = None
    """Times that as much sound is heard as there is."""

    def num_updates(self, crops: Crops) -> int | None:
        """Updates of the run, None where time limits it."""
        return self.updates if self.epochs is None else math.ceil(self.epochs * crops.duration_s / crops.batch_s)


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    updates: int
    spent_s: float
    """All times that it was resumed counted together."""
    heard_hours: float
    entry: dict
    """The last validation."""
    signs: tuple[str, ...]
    """What is wrong with the codec after it, in words; nothing is best."""


def train(
    codec: VQCodec,
    config: RunConfig,
    folder: RunFolder,
    crops: Crops,
    validation: Mapping[str, np.ndarray],
    budget: Budget,
    fabric: Fabric,
    say: Say,
    progress: Progress = lambda done, total, name: None,
    gates: bool = True,
    trained: bool = False,
    wandb: bool = False,
) -> Outcome:
    """Train `codec` as `config` says in `folder`, on from the checkpoint there if there is one; `trained` keeps its codebooks.

    `validation` are sounds [1, T] by name. Raises TrainingError where a gate fails or numbers are no longer finite.
    """
    trainer = Trainer(codec, config.recipe, fabric)
    clock = Clock()
    resumed = folder.resume.exists()
    if resumed:
        _load(trainer, clock, folder, crops)
        say(f"goes on after {trainer.updates:,} updates and {clock.spent_s / 60:.1f} minutes")
    else:
        if not trained:
            trainer.start(_batches(crops))
        if gates:
            _pass_gates(trainer, config, crops, budget, say)
    journal = Journal(folder, config, wandb) if fabric.is_global_zero else None
    try:
        return _run(trainer, folder, crops, validation, budget, clock, journal, say, progress)
    except BaseException:
        if trainer.updates and fabric.is_global_zero:
            _save(trainer, clock, folder, crops)
        raise
    finally:
        if journal:
            journal.close()


class Clock:
    """Seconds that a run has taken, over all times it was resumed."""

    def __init__(self) -> None:
        self.before_s, self.started = 0.0, time.monotonic()

    @property
    def spent_s(self) -> float:
        return self.before_s + time.monotonic() - self.started


def _run(
    trainer: Trainer,
    folder: RunFolder,
    crops: Crops,
    validation: Mapping[str, np.ndarray],
    budget: Budget,
    clock: Clock,
    journal: Journal | None,
    say: Say,
    progress: Progress,
) -> Outcome:
    num_updates = budget.num_updates(crops)
    shares = list(_validation_shares(budget))
    saved_s = validated_s = clock.spent_s
    cost_s = 0.0
    points = [
        Point(*[_number(entry, name) for name in ("loss", "correlation", "snr_db", "amplitude_percent")])
        for entry in folder.read_log()
        if "correlation" in entry
    ]
    loading_s, told, heard = 0.0, {}, None
    while (share := _share(trainer, clock, budget, num_updates)) < 1:
        began = time.perf_counter()
        batch = crops.batch(trainer.updates)
        loading_s += time.perf_counter() - began
        told = trainer.update(batch, share)
        if journal and trainer.updates % LOGGED_UPDATES == 0:
            heard_s = trainer.updates * crops.batch_s
            journal.update(trainer.updates, told | {"spent_s": clock.spent_s, "heard_hours": heard_s / 3600, "loading_s": loading_s})
        done, total = (trainer.updates, num_updates) if num_updates else (clock.spent_s, 60 * budget.minutes)
        progress(done, total, f"loss {sum(told.get(name, 0.0) for name in trainer.weights):.3g}")
        due = [place for place in shares if place <= _share(trainer, clock, budget, num_updates)]
        if due and clock.spent_s - validated_s >= cost_s / VALIDATION_SHARE:
            shares = [place for place in shares if place not in due]
            began_s = clock.spent_s
            heard = _validate(trainer, validation, journal, points, clock, say)
            validated_s = clock.spent_s
            cost_s = validated_s - began_s
        if trainer.fabric.is_global_zero and clock.spent_s - saved_s > CHECKPOINT_S:
            _save(trainer, clock, folder, crops)
            saved_s = clock.spent_s
    heard = heard if heard and not shares else _validate(trainer, validation, journal, points, clock, say)
    if trainer.fabric.is_global_zero:
        _save(trainer, clock, folder, crops)
        save_codec(trainer.average, folder.model)
    signs = tuple(map(str, (*heard.signs(), *signs_of_history(points))))
    return Outcome(trainer.updates, clock.spent_s, trainer.updates * crops.batch_s / 3600, heard.entry(), signs)


def _validate(
    trainer: Trainer, validation: Mapping[str, np.ndarray], journal: Journal | None, points: list[Point], clock: Clock, say: Say
) -> Heard:
    heard = listen(trainer.average, validation, trainer.loss)
    entry = heard.entry()
    points.append(Point(heard.loss, entry["correlation"], entry["snr_db"], entry["amplitude_percent"]))
    signs = (*heard.signs(), *signs_of_history(points))
    if journal:
        journal.validation(trainer.updates, entry | {"spent_s": clock.spent_s, "signs": [sign.case for sign in signs]}, validation, heard)
        used = "/".join(f"{perplexity:.0f}" for perplexity in entry["perplexity"])
        say(
            f"{clock.spent_s / 60:5.1f} min {trainer.updates:7,} updates: SNR {entry['snr_db']:.1f} dB, SI-SDR {entry['si_sdr_db_per_file']['mean']:.1f} dB, "
            f"correlation {entry['correlation']:.2f}, amplitude {entry['amplitude_percent']:.0f} %, loss {heard.loss:.3g}, perplexity {used}"
        )
        for sign in signs:
            say(f"  {sign}")
    return heard


def _number(entry: dict, name: str) -> float:
    return math.nan if entry.get(name) is None else entry[name]


def _share(trainer: Trainer, clock: Clock, budget: Budget, num_updates: int | None) -> float:
    """Share of the run that is over, the same in every process."""
    if num_updates is not None:
        return trainer.updates / max(1, num_updates)
    return float(trainer.fabric.broadcast(clock.spent_s / (60 * budget.minutes)))


def _validation_shares(budget: Budget) -> Iterator[float]:
    """Places in a run, 0 to 1, of its validations, closer to each other at the beginning."""
    for number in range(1, MOST_VALIDATIONS):
        yield (number / MOST_VALIDATIONS) ** 2
    yield 1.0


def _batches(crops: Crops) -> Iterator[np.ndarray]:
    update = 0
    while True:
        yield crops.batch(update)
        update += 1


def _pass_gates(trainer: Trainer, config: RunConfig, crops: Crops, budget: Budget, say: Say) -> None:
    """Raise TrainingError unless all gates are passed; every process comes to the same verdict."""
    updates = budget.num_updates(crops)
    if updates is None:
        updates = 60 * budget.minutes / time_of_update(trainer, crops)
    plan = Plan(updates, updates * crops.batch_s / 3600)
    failed = []
    for verdict in check(copy.deepcopy(trainer.average).cpu(), config.recipe, crops.batch(0)[:4], plan):
        say(f"gate {verdict}")
        if not verdict.passed:
            failed.append(verdict)
    if failed:
        raise TrainingError(f"{failed[0].gate}: {failed[0].measured}; {failed[0].cause}; or go on regardless with --no-gates")


def time_of_update(trainer: Trainer, crops: Crops) -> float:
    """Seconds of an update, the middle one of some, which are undone. Leaves `trainer` as it was."""
    before, times = copy.deepcopy(trainer.state_dict()), []
    for number in range(TIMED_UPDATES):
        began = time.perf_counter()
        trainer.update(crops.batch(number), 0.0)
        times.append(time.perf_counter() - began)
    trainer.load_state_dict(before)
    return sorted(times)[TIMED_UPDATES // 2]


def _save(trainer: Trainer, clock: Clock, folder: RunFolder, crops: Crops) -> None:
    state = trainer.state_dict() | {"spent_s": clock.spent_s, "data_s": crops.duration_s}
    with whole(folder.resume) as beside:
        torch.save(state, beside)


def _load(trainer: Trainer, clock: Clock, folder: RunFolder, crops: Crops) -> None:
    try:
        state = torch.load(folder.resume, map_location=trainer.fabric.device, weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is no checkpoint
        raise TrainingError(f"{folder.resume}: is no checkpoint of this program ({type(error).__name__}); start a new run") from error
    if abs(state.pop("data_s") - crops.duration_s) > 1e-6:
        raise TrainingError(f"{folder.path}: was trained on other data so far; resume it with the same, or start a new run with --from")
    clock.before_s = state.pop("spent_s")
    trainer.load_state_dict(state)
