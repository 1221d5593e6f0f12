"""A run from its first gate to its last validation: batches, updates, logs, signs, checkpoints and the model that is kept."""

import copy
import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from telucodec.data.batches import Crops
from telucodec.errors import TrainingError
from telucodec.files import whole
from telucodec.metrics.signs.history import Point, signs_of_history
from telucodec.metrics.signs.sign import Sign
from telucodec.models.store import save_codec
from telucodec.models.vq_codec import VQCodec
from telucodec.progress import Progress, untold
from telucodec.training.gates import Plan, check
from telucodec.training.journal import Journal
from telucodec.training.recipe import RunConfig
from telucodec.training.run_folder import RunFolder
from telucodec.training.trainer import Trainer
from telucodec.training.validate import Heard, listen
from telucodec.undisturbed import undisturbed

Say = Callable[[str], None]

TIMED_UPDATES = 5
"""Timed before the gates, so that they know how many updates the time allows; undone afterwards."""
MOST_VALIDATIONS = 24
"""Spread over the run, the first ones closer together, where most goes wrong."""
VALIDATION_SHARE = 0.1
"""Of the time; a validation waits until the training since the last one makes up for it."""
CHECKPOINT_S = 120.0
LOGGED_UPDATES = 20
DIGEST_SAMPLES = 4096


@dataclass(frozen=True)
class Budget:
    """How long a run lasts: one of the three is given, or none where a run goes on as long as it was to."""

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
    """What is wrong with the codec after it, the cases, which were told in words before; nothing is best."""


class Clock:
    """Seconds that a run has taken, over all times it was resumed."""

    def __init__(self) -> None:
        self.before_s, self.started = 0.0, time.monotonic()

    @property
    def spent_s(self) -> float:
        return self.before_s + time.monotonic() - self.started


def train(
    codec: VQCodec,
    config: RunConfig,
    folder: RunFolder,
    crops: Crops,
    validation: Mapping[str, np.ndarray],
    budget: Budget,
    fabric: Fabric,
    say: Say,
    progress: Progress = untold,
    gates: bool = True,
    trained: bool = False,
    wandb: bool = False,
    command: str = "",
) -> Outcome:
    """Train `codec` as `config` says in `folder`, on from the checkpoint there if there is one; `trained` keeps its codebooks.

    `validation` are sounds [1, T] by name; `command` is what the user typed, noted where a run goes on. Raises TrainingError where a gate fails, numbers are no longer finite, or the
    checkpoint is of other settings or data.
    """
    trainer, clock, data = Trainer(codec, config.recipe, fabric), Clock(), _digest(crops, validation)
    if folder.resume.exists():
        before = _load(trainer, clock, folder, crops, data)
        budget = before if budget == Budget() else budget
        if fabric.is_global_zero:
            folder.forget_after(trainer.updates)
            if command:
                folder.write_log({"command": command})
        say(f"goes on after {trainer.updates:,} updates and {clock.spent_s / 60:.1f} minutes")
    else:
        if not trained:
            trainer.start(_batches(crops))
        if gates:
            _pass_gates(trainer, config, crops, budget, say)
    journal = Journal(folder, config, wandb) if fabric.is_global_zero else None
    run = _Run(trainer, folder, crops, validation, data, budget, clock, journal, say, progress)
    try:
        return run.to_its_end()
    except BaseException:
        if trainer.updates and not run.torn:
            run.save()
        raise
    finally:
        if journal:
            journal.close()


class _Run:
    """A trainer with all that it reads from and reports to. Only the first process has a journal, and writes."""

    def __init__(
        self,
        trainer: Trainer,
        folder: RunFolder,
        crops: Crops,
        validation: Mapping[str, np.ndarray],
        data: str,
        budget: Budget,
        clock: Clock,
        journal: Journal | None,
        say: Say,
        progress: Progress,
    ) -> None:
        self.trainer, self.folder, self.crops, self.validation = trainer, folder, crops, validation
        self.clock, self.journal, self.say, self.progress = clock, journal, say, progress
        self.data, self.budget = data, budget
        self.minutes, self.num_updates = budget.minutes, budget.num_updates(crops)
        self.points = [_point(entry) for entry in folder.read_log() if "correlation" in entry]
        self.loading_s = 0.0
        self.torn = False  # whether an update has begun and not ended: nothing to go on from

    def to_its_end(self) -> Outcome:
        marks = [(number / MOST_VALIDATIONS) ** 2 for number in range(1, MOST_VALIDATIONS)]
        saved_s = validated_s = self.clock.spent_s
        cost_s = 0.0
        while (share := self._share()) < 1:
            self._update(share)
            due = [mark for mark in marks if mark <= share]
            if due and self.clock.spent_s - validated_s >= cost_s / VALIDATION_SHARE:
                marks = marks[len(due) :]
                began_s = self.clock.spent_s
                self._validate()
                validated_s = self.clock.spent_s
                cost_s = validated_s - began_s
            if self.clock.spent_s - saved_s > CHECKPOINT_S:
                self.save()
                saved_s = self.clock.spent_s
        heard, signs = self._validate(last=True)
        self.save()
        if self.journal:
            save_codec(self.trainer.average, self.folder.model)
        heard_hours = self.trainer.updates * self.crops.batch_s / 3600
        return Outcome(self.trainer.updates, self.clock.spent_s, heard_hours, heard.entry(), tuple(sign.case for sign in signs))

    def _share(self) -> float:
        """Share of the run that is over, the same in every process."""
        if self.num_updates is not None:
            return self.trainer.updates / max(1, self.num_updates)
        return float(self.trainer.fabric.broadcast(self.clock.spent_s / (60 * self.minutes)))

    def _update(self, share: float) -> None:
        began = time.perf_counter()
        batch = self.crops.batch(self.trainer.updates)
        self.loading_s += time.perf_counter() - began
        with undisturbed():
            self.torn = True
            terms = self.trainer.update(batch, share)
            self.torn = False
        updates, spent_s = self.trainer.updates, self.clock.spent_s
        if self.journal and updates % LOGGED_UPDATES == 0:
            heard_hours = updates * self.crops.batch_s / 3600
            self.journal.update(updates, terms | {"spent_s": spent_s, "heard_hours": heard_hours, "loading_s": self.loading_s})
        done, total = (updates, self.num_updates) if self.num_updates is not None else (spent_s, 60 * self.minutes)
        self.progress(done, total, f"loss {sum(weight * terms[name] for name, weight in self.trainer.loss.weights.items()):.3g}")

    def _validate(self, last: bool = False) -> tuple[Heard, tuple[Sign, ...]]:
        heard = listen(self.trainer.average, self.validation, self.trainer.loss)
        entry, spent_s = heard.entry(), self.clock.spent_s
        self.points.append(_point(entry))
        # a codec that has hardly begun to learn is silent, and no fault has made it so
        begun = self.trainer.updates >= (1 if last else max(1, self.trainer.recipe.optimiser.warmup_updates))
        signs = (*heard.signs(), *signs_of_history(self.points)) if begun else ()
        if self.journal:
            told = entry | {"spent_s": spent_s, "signs": [sign.case for sign in signs]}
            self.journal.validation(self.trainer.updates, told, self.validation, heard)
            self.journal.tell(self.say, _line(entry, spent_s, self.trainer.updates), signs)
        return heard, signs

    def save(self) -> None:
        """Write a checkpoint to go on from."""
        if self.journal:
            state = self.trainer.state_dict() | {"spent_s": self.clock.spent_s, "budget": asdict(self.budget)}
            state |= {"data_s": self.crops.duration_s, "data": self.data}
            save_state(state, self.folder.resume)


def save_state(state: dict, path: Path) -> None:
    """Write a checkpoint to `path`, whole or not at all. Raises TelucodecError where it cannot be written."""
    with whole(path) as beside:
        try:
            torch.save(state, beside)
        except RuntimeError as error:  # what PyTorch makes of a disk that is full
            raise OSError(str(error).splitlines()[0]) from error


def _point(entry: dict) -> Point:
    names = ("loss", "correlation", "snr_db", "amplitude_percent")
    return Point(*[math.nan if entry.get(name) is None else entry[name] for name in names])


def _line(entry: dict, spent_s: float, updates: int) -> str:
    used = "/".join(f"{perplexity:.0f}" for perplexity in entry["perplexity"])
    return (
        f"{spent_s / 60:5.1f} min {updates:7,} updates: SNR {entry['snr_db']:z.1f} dB, "
        f"SI-SDR {entry['si_sdr_db_per_file']['mean']:z.1f} dB, correlation {entry['correlation']:z.2f}, "
        f"amplitude {entry['amplitude_percent']:.0f} %, loss {entry['loss']:.3g}, perplexity {used}"
    )


def _batches(crops: Crops) -> Iterator[np.ndarray]:
    update = 0
    while True:
        yield crops.batch(update)
        update += 1


def _pass_gates(trainer: Trainer, config: RunConfig, crops: Crops, budget: Budget, say: Say) -> None:
    """Raise TrainingError unless all gates are passed; every process comes to the same verdict."""
    updates = budget.num_updates(crops)
    if updates is None:
        updates = _updates_within(60 * budget.minutes, trainer, crops)
    plan = Plan(updates, updates * crops.batch_s / 3600)
    failed = []
    for verdict in check(copy.deepcopy(trainer.average).cpu(), config.recipe, crops.batch(0)[:4], plan):
        say(f"gate {verdict}")
        if not verdict.passed:
            failed.append(verdict)
    if failed:
        raise TrainingError(f"{failed[0].gate}: {failed[0].measured}; {failed[0].cause}; or go on regardless with --no-gates")


def _updates_within(seconds: float, trainer: Trainer, crops: Crops) -> float:
    """Updates that fit into `seconds`, the same in every process; those of each stage, as far as it comes to them, at their own pace."""
    stages, updates = trainer.recipe.stages(), 0.0
    for begin, end in zip(stages, (*stages[1:], math.inf), strict=True):
        update_s = time_of_update(trainer, crops, begin)
        updates = begin + trainer.fabric.broadcast(seconds / update_s)
        if updates <= end:
            break
        seconds -= (end - begin) * update_s
    return updates


def time_of_update(trainer: Trainer, crops: Crops, after: int = 0) -> float:
    """Seconds of an update after so many, the middle one of some, which are undone. Leaves `trainer` as it was."""
    before, times = copy.deepcopy(trainer.state_dict()), []
    trainer.updates = after
    for number in range(TIMED_UPDATES):
        began = time.perf_counter()
        trainer.update(crops.batch(number), 0.0)
        times.append(time.perf_counter() - began)
    trainer.load_state_dict(before)
    return sorted(times)[TIMED_UPDATES // 2]


def _load(trainer: Trainer, clock: Clock, folder: RunFolder, crops: Crops, data: str) -> Budget:
    """Put `trainer` and `clock` where the run in `folder` was; how long it was to last."""
    try:
        state = torch.load(folder.resume, map_location=trainer.fabric.device, weights_only=True)
        clock.before_s = float(state.pop("spent_s"))
        budget = Budget(**state.pop("budget"))
        data_s, data_before = float(state.pop("data_s")), state.pop("data")
        trainer.load_state_dict(state)
    except Exception as error:  # torch raises many kinds for a file that is no checkpoint
        raise TrainingError(
            f"{folder.resume}: is no checkpoint of a run as {folder.config.name} beside it says ({type(error).__name__}); "
            "undo what was changed there, or start a new run"
        ) from error
    if abs(data_s - crops.duration_s) > 1e-6 or data_before != data:
        raise TrainingError(f"{folder.path}: was trained on other data so far; resume it with the same, or start a new run with --from")
    return budget


def _digest(crops: Crops, validation: Mapping[str, np.ndarray]) -> str:
    """Changes with the data, wherever it lies: with the lengths of segments, samples from all over, and the sounds to validate with."""
    digest = hashlib.sha256(np.asarray(crops.ends, np.int64).tobytes())
    digest.update(crops.samples[:: max(1, len(crops.samples) // DIGEST_SAMPLES)].tobytes())
    digest.update(json.dumps([(name, sound.shape[-1]) for name, sound in validation.items()]).encode())
    return digest.hexdigest()
