"""A run of a recogniser from its gates to the model that is kept: the same habits as the codec's (`training/train.py`), another loop.

AdamW, warm-up and cosine over the run, gradients cut, a moving average that is validated and kept; a checkpoint to go on from exactly.
"""

import copy
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.manifest import read_manifest
from telucodec.errors import DataError, TrainingError
from telucodec.metrics.signs.sign import Sign
from telucodec.progress import Progress
from telucodec.recognizer.decode import best_path
from telucodec.recognizer.examples import Batch, Examples, encoded, pack, targets_of, transcribed
from telucodec.recognizer.features import steps_of
from telucodec.recognizer.gates import check_data, check_model, ctc_loss, short_clips
from telucodec.recognizer.model import Conformer
from telucodec.recognizer.recipe import RecognizerConfig, recognizer_of
from telucodec.recognizer.score import error_rates
from telucodec.recognizer.signs import Point, signs
from telucodec.recognizer.store import Trained, load_recognizer, save_recognizer
from telucodec.training.gates import Verdict, apart
from telucodec.training.journal import Journal, wandb_module
from telucodec.training.launch import precision_of
from telucodec.training.pace import set_rate
from telucodec.training.run_folder import RunFolder
from telucodec.training.train import CHECKPOINT_S, LOGGED_UPDATES, Clock, Say, save_state
from telucodec.training.trainer import seed_update
from telucodec.training.validate import evenly
from telucodec.undisturbed import undisturbed

MOST_VALIDATION_CLIPS = 150
NUM_VALIDATIONS = 12
"""Spread evenly over the run."""
FEWEST_BATCHES = 4
"""Of an epoch; with less data a batch is made smaller."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asks of `telucodec recognizer train`."""

    data: Path | None
    """Folder with train.csv and val.csv; None for that of a run that goes on."""
    config: str
    minutes: float | None
    epochs: int | None = None
    """Length of the run, one of the two; neither where a run goes on for as long as it was begun for."""
    runs: Path
    name: str | None = None
    resume: Path | None = None
    start: Path | None = None
    """Folder of a recogniser to go on from with other data; its settings and units are taken."""
    gates: bool
    precision: str = "auto"
    wandb: bool = False
    command: str


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    clips: int
    """That were learned from."""
    hours: float
    """Of these clips, each counted once."""
    updates: int
    spent_s: float
    heard_hours: float
    entry: dict
    """The last validation."""
    signs: tuple[str, ...]


def run(request: Request, say: Say, progress: Progress) -> tuple[Path, Outcome]:
    """Train as asked; the folder of the run and what it came to. Raises ConfigError, DataError, ModelError, TrainingError."""
    begun, precision = None, precision_of(request.precision)
    if request.wandb:
        wandb_module()  # missed here rather than when a folder is made
    if request.resume:
        folder, config = RunFolder.existing(request.resume, RecognizerConfig)
    elif request.start:
        begun = load_recognizer(request.start)
        folder, config = None, begun[1].config
    else:
        folder, config = None, recognizer_of(request.config)
    root = request.data or folder.data()
    rows = read_manifest(root / "train.csv")
    told = transcribed(rows, config.script, config.batches.longest_s)
    if not told.rows:
        raise DataError(f"{root / 'train.csv'}: has no row with a text to learn from; left out: {told.reasons}; mend its column `text`")
    kept_units = load_recognizer(folder.path)[1].units if folder else begun[1].units if begun else None
    units = kept_units or config.units.make(told.texts)
    trained = Trained(config=config, units=units)
    told, targets = encoded(told, units, config.features)
    if request.gates and not request.resume:
        _judge(check_data(rows, told, config.gates), say)
        say(f"gate {apart(rows, read_manifest(root / 'val.csv'))}")
    if not told.rows:
        raise DataError(f"{root / 'train.csv'}: has no row that these units can say; left out: {told.reasons}; mend its texts, or add rows")
    runs = folder.path.parent if folder else request.runs
    validation = Validation.of(root / "val.csv", trained, runs)
    frames, ends = pack(told.rows, root, config.features, config.augment.speeds, runs, progress)
    duration_s = sum(row.duration_s for row in told.rows)
    batches = config.batches.model_copy(update={"batch_s": min(config.batches.batch_s, max(duration_s / FEWEST_BATCHES, 1.0))})
    examples = Examples(frames, ends, targets, batches, config.augment, config.seed)
    torch.manual_seed(config.seed)
    model = begun[0] if begun else config.build(units)
    if request.gates and not request.resume:
        clips = short_clips(examples.sizes[0], examples.targets)
        batch = examples.batch(np.stack([clips, np.full_like(clips, examples.own)], axis=1))
        _judge(check_model(model, batch, config.optimiser, config.gates), say)
    if folder is None:
        settings = f"from-{request.start.resolve().name}" if request.start else Path(request.config).stem
        folder = RunFolder.new(request.runs, request.name or settings, config)
        folder.write_beginning(request.command, root, units=len(units.symbols), rows=len(told.rows), left_out=told.left_out)
    size = sum(parameter.numel() for parameter in model.parameters())
    say(
        f"{folder.path}: {size / 1e6:.2f} million parameters, {len(units.symbols)} {units.kind}; {len(told.rows)} clips, "
        f"{duration_s / 3600:.2f} h, {len(validation.texts)} to validate with"
    )
    # "auto" would take Apple's GPU, for which PyTorch has had no CTC loss (its issue 77764).
    fabric = Fabric(accelerator="cuda" if torch.cuda.is_available() else "cpu", devices=1, precision=precision)
    journal = Journal(folder, config, request.wandb)
    try:
        loop = _Loop(model, trained, folder, examples, told.digest, validation, request, fabric, journal, say, progress)
        return folder.path, loop.to_its_end()
    finally:
        journal.close()


def _judge(verdicts: Iterable[Verdict], say: Say) -> None:
    """Tell all `verdicts`; raise TrainingError for the first that failed."""
    failed = []
    for verdict in verdicts:
        say(f"gate {verdict}")
        if not verdict.passed:
            failed.append(verdict)
    if failed:
        raise TrainingError(f"{failed[0].gate}: {failed[0].measured}; {failed[0].cause}; or go on regardless with --no-gates")


@dataclass(frozen=True)
class Validation:
    """Clips to validate with, whatever units a run has: so runs on other data are compared on the same clips."""

    texts: tuple[str, ...]
    batches: tuple[Batch, ...]
    """In the order of the texts. Clips that the units cannot say come last, without symbols: they are heard, and have no loss."""
    digest: str
    """Of the rows and texts."""

    @classmethod
    def of(cls, manifest: Path, trained: Trained, runs: Path) -> "Validation":
        """Of rows evenly spread over those of `manifest` with a text. Raises TrainingError where the units can say none of them."""
        config = trained.config
        told = transcribed(read_manifest(manifest), config.script, config.batches.longest_s)
        told = told.only(evenly(range(len(told.rows)), MOST_VALIDATION_CLIPS))
        targets = targets_of(told, trained.units, config.features)
        targets = [np.zeros(0, np.int64) if isinstance(target, str) else target for target in targets]
        sayable = np.array([len(target) > 0 for target in targets], bool)
        if not sayable.any():
            reasons = encoded(told, trained.units, config.features)[0].reasons
            raise TrainingError(
                f"{manifest}: has no row that these units can say; left out: {reasons}; give it rows with text, of the same language"
            )
        frames, ends = pack(told.rows, manifest.parent, config.features, (1.0,), runs)
        examples = Examples(frames, ends, targets, config.batches, config.augment, 0)
        order = np.argsort(examples.sizes[0], kind="stable")
        groups = [order[sayable[order]], order[~sayable[order]]]
        pieces = [group[place : place + 8] for group in groups for place in range(0, len(group), 8)]
        batches = tuple(examples.batch(np.stack([piece, np.zeros_like(piece)], axis=1)) for piece in pieces)
        return cls(tuple(told.texts[number] for number in np.concatenate(groups)), batches, told.digest)


class _Loop:
    """A run under way."""

    def __init__(
        self,
        model: Conformer,
        trained: Trained,
        folder: RunFolder,
        examples: Examples,
        digest: str,
        validation: Validation,
        request: Request,
        fabric: Fabric,
        journal: Journal,
        say: Say,
        progress: Progress,
    ):
        self.trained, self.config, self.folder, self.examples, self.validation = trained, trained.config, folder, examples, validation
        self.data = [digest, validation.digest]
        self.minutes, self.epochs = request.minutes, request.epochs
        self.fabric, self.journal, self.say, self.progress = fabric, journal, say, progress
        self.average = copy.deepcopy(model).eval().requires_grad_(False).to(fabric.device)
        settings = self.config.optimiser
        optimiser = torch.optim.AdamW(model.parameters(), settings.learning_rate, betas=settings.betas, weight_decay=settings.weight_decay)
        self.model, self.optimiser = fabric.setup(model, optimiser)
        self.updates, self.epoch, self.place, self.heard_s, self.cpu_before_s = 0, 0, 0, 0.0, -time.process_time()
        self.losses: list[float] = []
        self.points: list[Point] = []
        self.torn = False  # whether an update has begun and not ended: nothing to go on from
        self.clock = Clock()
        self.clips = self.examples.plan(self.epoch, self.config.features)
        if request.resume:
            self._load()

    def to_its_end(self) -> Outcome:
        saved_s, marks = self.clock.spent_s, [mark for mark in np.linspace(0, 1, NUM_VALIDATIONS + 1)[1:-1] if mark > self._share()]
        validated = None
        try:
            while (share := self._share()) < 1:
                with undisturbed():
                    self._update(share)
                if marks and marks[0] <= self._share():
                    marks = [mark for mark in marks if mark > self._share()]
                    (entry, found), validated = self._validate(), self.updates
                if self.clock.spent_s - saved_s > CHECKPOINT_S:
                    self.save()
                    saved_s = self.clock.spent_s
            if validated != self.updates:
                entry, found = self._validate()
        except BaseException:
            if self.updates and not self.torn:
                self.save()
            raise
        self.save()
        return Outcome(
            clips=len(self.examples),
            hours=self.examples.duration_s(self.config.features) / 3600,
            updates=self.updates,
            spent_s=self.clock.spent_s,
            heard_hours=self.heard_s / 3600,
            entry=entry,
            signs=tuple(map(str, found)),
        )

    def _share(self) -> float:
        """Share of the run that is over."""
        if self.epochs is not None:
            return (self.epoch + self.place / max(1, len(self.clips))) / self.epochs
        return self.clock.spent_s / (60 * self.minutes)

    def _update(self, share: float) -> None:
        settings = self.config.optimiser
        set_rate(self.optimiser, settings.learning_rate * settings.rate_share(self.updates, share))
        seed_update(self.config.seed, self.updates)
        augmented = self.epoch >= self.config.augment.first_epoch
        batch = self.examples.batch(
            self.clips[self.place], np.random.default_rng((self.config.seed, 1, self.updates)) if augmented else None
        )
        self.torn = True
        self.model.train()
        loss = ctc_loss(self.model, batch, self.fabric.device)
        told = float(loss.detach())
        if not math.isfinite(told):
            raise TrainingError(
                f"update {self.updates}: the loss is {told}; lower the learning rate, or look for broken sounds with `telucodec doctor`"
            )
        self.optimiser.zero_grad()
        self.fabric.backward(loss)
        norm = float(self.fabric.clip_gradients(self.model, self.optimiser, max_norm=settings.clip_norm, error_if_nonfinite=False))
        if not math.isfinite(norm):
            raise TrainingError(
                f"update {self.updates}: the norm of the gradients is {norm}; lower the learning rate, or take --precision 32"
            )
        self.optimiser.step()
        self.updates += 1
        settings.follow(self.average, self.model, self.updates)
        self.heard_s += float(batch.num_frames.sum()) * self.config.features.hop / SAMPLE_RATE
        self.losses = [*self.losses[-99:], told]
        self.place += 1
        if self.place == len(self.clips):
            self.epoch, self.place = self.epoch + 1, 0
            self.clips = self.examples.plan(self.epoch, self.config.features)
        self.torn = False
        if self.updates % LOGGED_UPDATES == 0:
            self.journal.update(self.updates, {"loss": told, "learning_rate": self.optimiser.param_groups[0]["lr"], **self._spent()})
        done, total = (self.epoch, self.epochs) if self.epochs is not None else (self.clock.spent_s, 60 * self.minutes)
        self.progress(done, total, f"loss {told:.3g}")

    def _spent(self) -> dict[str, float]:
        cpu_s = self.cpu_before_s + time.process_time()
        return {"spent_s": self.clock.spent_s, "cpu_s": cpu_s, "heard_hours": self.heard_s / 3600, "epoch": float(self.epoch)}

    @torch.no_grad()
    def _validate(self) -> tuple[dict, tuple[Sign, ...]]:
        heard, losses, numbers = [], 0.0, 0
        for batch in self.validation.batches:
            log_probs = self.average(
                torch.from_numpy(batch.frames).to(self.fabric.device), torch.from_numpy(batch.num_frames).to(self.fabric.device)
            )
            for clip, size in zip(log_probs.cpu().numpy(), steps_of(batch.num_frames), strict=True):
                heard.append(self.trained.units.decode(best_path(clip[:size]).numbers))
            if count := int(batch.num_targets.sum()):
                losses, numbers = losses + count * float(ctc_loss(self.average, batch, self.fabric.device)), numbers + count
        rates = error_rates(self.validation.texts, heard, intervals=False)
        train_loss = float(np.mean(self.losses)) if self.losses else math.nan
        self.points.append(Point(self._share(), losses / numbers, train_loss, rates.cer))
        found = signs(self.points, self.validation.texts, heard)
        entry = {"loss": losses / numbers, "train_loss": train_loss, "cer": rates.cer, "wer": rates.wer, **self._spent()}
        shown = [
            {"said": said, "heard": text} for said, text in list(zip(self.validation.texts, heard, strict=True))[:: max(1, len(heard) // 5)]
        ]
        self.folder.write_log({"update": self.updates, **entry, "signs": [sign.case for sign in found], "examples": shown})
        self.journal.show("validation", self.updates, entry)
        self.journal.tell(
            self.say,
            f"{self.clock.spent_s / 60:5.1f} min {self.updates:6,} updates, epoch {self.epoch}: CER {100 * rates.cer:.1f} %, WER {100 * rates.wer:.1f} %, "
            f"loss {entry['loss']:.2f} (training {train_loss:.2f})",
            found,
        )
        return entry, found

    def save(self) -> None:
        """Write the model as it is by now, and a checkpoint to go on from, which needs the model's units."""
        save_recognizer(self.average, self.trained, self.folder.model)
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "numbers": [self.updates, self.epoch, self.place],
            "heard_s": self.heard_s,
            "spent_s": self.clock.spent_s,
            "cpu_s": self.cpu_before_s + time.process_time(),
            "losses": self.losses,
            "points": [[point.share, point.loss, point.train_loss, point.cer] for point in self.points],
            "clips": len(self.examples),
            "data": self.data,
            "length": [self.minutes, self.epochs],
        }
        save_state(state, self.folder.resume)

    def _load(self) -> None:
        path = self.folder.resume
        try:
            state = torch.load(path, map_location=self.fabric.device, weights_only=True)
            if state["clips"] != len(self.examples) or state["data"] != self.data:
                raise TrainingError(
                    f"{self.folder.path}: was trained on other data so far; resume it with the same, or start a new run with --from"
                )
            if self.minutes is None and self.epochs is None:
                self.minutes, self.epochs = state["length"]
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.updates, self.epoch, self.place = state["numbers"]
            self.clips = self.examples.plan(self.epoch, self.config.features)
            _ = self.clips[self.place]  # not there where settings of batches were changed
            self.heard_s, self.clock.before_s = state["heard_s"], state["spent_s"]
            self.cpu_before_s += state["cpu_s"]
            self.losses, self.points = state["losses"], [Point(*point) for point in state["points"]]
        except TrainingError:
            raise
        except Exception as error:  # torch raises many kinds for a file that is no checkpoint
            raise TrainingError(
                f"{path}: does not fit {self.folder.config.name} ({type(error).__name__}); put both back as they were, or start a new run"
            ) from error
        self.folder.forget_after(self.updates)
        self.say(f"goes on after {self.updates:,} updates and {self.clock.spent_s / 60:.1f} minutes")
