"""What a run would take, before it is paid for: a probe of some dozen real updates, and from it time, cost and what would be heard.

Nothing is written, and nothing of the probe is kept. Beside it stands what known codecs were given.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import to_int16
from telucodec.data.batches import Crops
from telucodec.data.manifest import Segment, read_manifest, read_segment
from telucodec.errors import DataError
from telucodec.metrics.metric import NotMeasured
from telucodec.metrics.rate_distortion import Target, bracket, judge
from telucodec.progress import Progress, untold
from telucodec.training.gates import LEAST_UPDATES
from telucodec.training.launch import crops_of, precision_of, validation_sounds, within_memory
from telucodec.training.recipe import RunConfig
from telucodec.training.train import MOST_VALIDATIONS, VALIDATION_SHARE, Budget
from telucodec.training.trainer import Trainer
from telucodec.training.validate import evenly, listen

WARMING_UPDATES = 3
"""Not timed: the first ones plan transforms and fill caches."""
LEAST_TIMED, MOST_TIMED = 5, 60
MOST_ROWS, MOST_ROW_S = 96, 6.0
"""Of the training data that the probe reads: ten minutes, spread over all of it."""
TIMED_SOUNDS = 3
"""Of the validation's; a validation takes as much longer as it has more."""
FEW_PASSES = 1.0
"""Below it some of the data is never heard."""
MANY_PASSES = 200.0
"""HiFi-GAN heard the 24 hours of LJSpeech 172 times: 2,500,000 updates with 16 crops of 0.37 s (arXiv:2010.05646)."""


@dataclass(frozen=True)
class Known:
    """What a published codec was trained with."""

    name: str
    updates: int
    batch_s: float
    source: str

    @property
    def heard_h(self) -> float:
        return self.updates * self.batch_s / 3600


KNOWN = (
    Known("EnCodec", 600_000, 64.0, "300 epochs of 2,000 updates with 64 crops of 1 s (arXiv:2210.13438)"),
    Known("DAC", 400_000, 72 * 0.38, "72 crops of 0.38 s (arXiv:2306.06546)"),
    Known("AudioDec", 1_000_000, 16 * 0.4, "two stages of 500,000 updates with 16 crops of 0.4 s (its configuration for LibriTTS)"),
)


@dataclass(frozen=True)
class Option:
    """A length to choose: the time for it, or what is to be done."""

    name: str
    budget: Budget
    about: str = ""


OPTIONS = (
    Option("POC", Budget(minutes=30), "half an hour: does it learn this speech at all? A codec to listen to, not to ship"),
    Option("MVP", Budget(minutes=8 * 60), "a night: the loss has flattened for a small codec, choices can be compared"),
    Option("production", Budget(minutes=72 * 60), "a weekend: what more time still buys; longer belongs on a GPU"),
)


@dataclass(frozen=True)
class Probe:
    """What the machine needs, in seconds of wall time."""

    update_s: float
    """Of an update before discriminators learn."""
    lead_update_s: float
    """Where they learn, and are not listened to yet."""
    lead_from: int
    """Updates before they learn."""
    judged_update_s: float
    """Where they are listened to; the same where there are none."""
    judged_from: int
    """Updates before they are."""
    validation_s: float
    """Of one validation."""
    timed_updates: int

    def seconds(self, updates: float) -> float:
        """Of a run with so many updates, its validations included."""
        training_s = sum(max(0.0, min(updates, end) - begin) * update_s for begin, end, update_s in self._stages())
        return training_s + min(MOST_VALIDATIONS * self.validation_s, VALIDATION_SHARE * training_s)

    def updates(self, seconds: float) -> float:
        """That so many seconds allow: the inverse of `seconds`."""
        left_s, updates = max(seconds / (1 + VALIDATION_SHARE), seconds - MOST_VALIDATIONS * self.validation_s), 0.0
        for begin, end, update_s in self._stages():
            fitting = min(end - begin, left_s / update_s)
            left_s, updates = left_s - fitting * update_s, updates + fitting
        return updates

    def _stages(self) -> tuple[tuple[float, float, float], ...]:
        """Each with the updates that it goes from and to, and the seconds of one."""
        return (
            (0, self.lead_from, self.update_s),
            (self.lead_from, self.judged_from, self.lead_update_s),
            (self.judged_from, math.inf, self.judged_update_s),
        )


@dataclass(frozen=True)
class Column:
    """One choice, in numbers."""

    name: str
    about: str
    updates: float
    heard_h: float
    """Hours of sound that updates hear, the same sound as often as it comes."""
    passes: float
    """Times that as much is heard as there is."""
    wall_s: float
    cost: float | None
    """Wall time at the price; None without a price."""
    verdict: str


@dataclass(frozen=True)
class Plan:
    """All that `plan` found."""

    probe: Probe
    batch_s: float
    data_h: float
    columns: tuple[Column, ...]
    known: tuple[Column, ...]
    """The published codecs: what they heard, and how long this codec would take here to hear as much."""
    target: Target | None


def plan(
    config: RunConfig,
    data: Path,
    fabric: Fabric,
    options: Sequence[Option] = OPTIONS,
    price: float | None = None,
    probe_s: float = 60.0,
    target: tuple[float, float] | None = None,
    progress: Progress = untold,
) -> Plan:
    """Time the training of `config` on the manifests in `data` and work out `options`; `price` is money for an hour.

    `target` is a rate in kbps and an SNR in dB to be judged by the audio itself. Raises DataError, TrainingError.
    """
    rows = read_manifest(data / "train.csv")
    if not rows:
        raise DataError(f"{data / 'train.csv'}: has no rows to train on; prepare the data first")
    data_s = sum(row.duration_s for row in rows)
    waves = sample(rows, data)
    try:
        judged = judge(bracket(waves), *target) if target else None
    except NotMeasured as hole:
        raise DataError(f"the training data: {hole}; look at it with `telucodec doctor`") from hole
    crops = _crops(config, waves)
    validation = validation_sounds(read_manifest(data / "val.csv"), data)
    with within_memory(config.recipe.batches):
        found = measure(config, crops, validation, fabric, probe_s, progress)
    columns = tuple(_column(option, found, crops.batch_s, data_s, price) for option in options)
    known = tuple(_known_column(codec, found, crops.batch_s, data_s, price) for codec in KNOWN)
    return Plan(found, crops.batch_s, data_s / 3600, columns, known, judged)


def machine(precision: str) -> Fabric:
    """One process on this machine's GPU, or on its CPU. Raises ConfigError for a precision that is not known."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # else it tells its precision, above a line on what is wrong too
    return Fabric(accelerator="auto", devices=1, precision=precision_of(precision))


def sample(rows: Sequence[Segment], root: Path) -> list[np.ndarray]:
    """Beginnings float32 [T] of rows that are evenly spread over all of them."""
    return [read_segment(row, root)[0, : round(MOST_ROW_S * SAMPLE_RATE)] for row in evenly(rows, MOST_ROWS)]


def measure(
    config: RunConfig, crops: Crops, validation: dict[str, np.ndarray], fabric: Fabric, seconds: float, progress: Progress
) -> Probe:
    """Train a codec of `config` for some `seconds`, timing its updates, and one validation. Where its codebooks start does not matter here."""
    torch.manual_seed(config.recipe.seed)
    trainer = Trainer(config.model.build(), config.recipe, fabric)
    stages = config.recipe.stages()
    timed: list[list[float]] = []
    for number, begin in enumerate(stages):

        def tell(done: int, before: int = number * MOST_TIMED) -> None:
            progress(before + done, len(stages) * MOST_TIMED, "update")

        trainer.updates = begin
        timed.append(_time_of_update(trainer, crops, seconds / len(stages), tell))
    first, lead, judged = (float(np.median(timed[stage])) for stage in (0, len(stages) // 2, -1))
    some = dict(list(validation.items())[:TIMED_SOUNDS])
    began = time.perf_counter()
    listen(trainer.average, some, trainer.loss)
    validation_s = (time.perf_counter() - began) * len(validation) / len(some)
    return Probe(first, lead, stages[len(stages) // 2], judged, stages[-1], validation_s, sum(map(len, timed)))


def _time_of_update(trainer: Trainer, crops: Crops, seconds: float, tell: Callable[[int], None]) -> list[float]:
    """Seconds of each of some updates, as many as there is time for within bounds."""
    times: list[float] = []
    for number in range(WARMING_UPDATES):
        trainer.update(crops.batch(number), 0.0)
    while len(times) < MOST_TIMED and (len(times) < LEAST_TIMED or sum(times) < seconds):
        began = time.perf_counter()
        trainer.update(crops.batch(WARMING_UPDATES + len(times)), 0.0)
        times.append(time.perf_counter() - began)
        tell(len(times))
    return times


def verdict_on(updates: float, passes: float, judged_from: int = 0) -> str:
    """What is to be said of a length before it is paid for; nothing where there is no objection.

    Discriminators, where there are any, join after `judged_from` updates.
    """
    if updates < LEAST_UPDATES:
        return f"too small: {updates:,.0f} updates, fewer than {LEAST_UPDATES:,} never made such a codec speak"
    judged = updates - judged_from
    if judged < LEAST_UPDATES:
        return (
            f"too small: discriminators join after {judged_from:,} updates and hear {max(0.0, judged):,.0f}, fewer than {LEAST_UPDATES:,}"
        )
    if passes < FEW_PASSES:
        return f"hears {100 * passes:.0f} % of the data once"
    if passes > MANY_PASSES:
        return f"too little data: hears it {passes:,.0f} times, and more recordings will do more than more time"
    return ""


def _column(option: Option, probe: Probe, batch_s: float, data_s: float, price: float | None) -> Column:
    updates = option.budget.updates
    if option.budget.epochs is not None:
        updates = option.budget.epochs * data_s / batch_s
    if updates is None:
        updates = probe.updates(60 * option.budget.minutes)
    heard_s, wall_s = updates * batch_s, probe.seconds(updates)
    verdict = verdict_on(updates, heard_s / data_s, probe.judged_from)
    return Column(option.name, option.about, updates, heard_s / 3600, heard_s / data_s, wall_s, _cost(wall_s, price), verdict)


def _known_column(known: Known, probe: Probe, batch_s: float, data_s: float, price: float | None) -> Column:
    """As much sound as that codec heard, heard by this one."""
    wall_s = probe.seconds(3600 * known.heard_h / batch_s)
    return Column(known.name, known.source, known.updates, known.heard_h, 3600 * known.heard_h / data_s, wall_s, _cost(wall_s, price), "")


def _cost(wall_s: float, price: float | None) -> float | None:
    return None if price is None else wall_s / 3600 * price


def _crops(config: RunConfig, waves: list[np.ndarray]) -> Crops:
    samples = to_int16(np.concatenate(waves))
    ends = np.cumsum([len(wave) for wave in waves])
    return crops_of(config, samples, ends)
