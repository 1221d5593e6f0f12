"""Trains the network of a mode of a transform model, synthesis or refinement: decoded coefficients in, the original sound as the aim.

The bitstream stays as it is.
"""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional

from telucodec.audio.mdct import inverse_mdct, whole_mdct
from telucodec.errors import DataError, TrainingError
from telucodec.files import whole
from telucodec.losses.sum import SumConfig
from telucodec.models.bodies.spectral import SCALE, Synthesis
from telucodec.models.refinement import RefinementConfig, RefinementNet
from telucodec.models.synthesis import SynthesisConfig, SynthesisNet
from telucodec.progress import Progress, untold
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.envelope import BANDS, INTERPOLATION, POWER_UNITS
from telucodec.runtime.frames import Decoded, Side
from telucodec.runtime.model import HOP, SAMPLE_RATE, SCALES, TransformModel
from telucodec.runtime.quantise import GROUP, NEAR, Restored, noise_signs, restore
from telucodec.runtime.rate_distortion import cheapest
from telucodec.runtime.synthesis import FURTHEST, INPUTS, LEVEL_SCALE, LOOK_AHEAD, MOST_GAIN, OUTPUTS, REFINED
from telucodec.runtime.transform import POWER_OF_MODE, TransformCodec
from telucodec.stream.channel import losses
from telucodec.stream.packet import MOST_FRAMES
from telucodec.stream.rehearsal import rehearse
from telucodec.training.examples import QUIETEST, loud_rms
from telucodec.training.pace import OptimiserConfig, set_rate
from telucodec.training.run_folder import CHECKPOINT
from telucodec.training.train import CHECKPOINT_S, Clock, save_state
from telucodec.undisturbed import undisturbed

STEP_OCTAVES = {"natural": (-2.5, 2.5), "fidelity": (-3.4, 0.6)}
"""Steps to prepare for, in octaves over the RMS of the louder half of a recording: about 2 to 16 kbps, 1.5 to 20."""
LIVE_KBPS = (6.0, 18.0)
LIVE_LOSS = (0.0, 0.0, 0.05, 0.1, 0.2)
"""Rates and shares of lost packets to prepare for in live sound."""
BURST = 1.5
MOST_VALIDATIONS, VALIDATION_BATCHES = 16, 12


class SynthesisRecipe(BaseModel):
    """What the network is, and how it learns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = ""
    mode: Literal["natural", "fidelity", "live"] = "natural"
    """Whose network: the synthesis of natural mode, in files or live packets, or the refinement of fidelity mode."""
    loss: SumConfig
    optimiser: OptimiserConfig = OptimiserConfig(learning_rate=1e-3)
    width: Annotated[int, Field(ge=1, le=1024)] = 256
    blocks: Annotated[int, Field(ge=0, le=64)] = 5
    batch_size: Annotated[int, Field(ge=1)] = 12
    crop_frames: Annotated[int, Field(ge=16)] = 60
    warm_frames: Annotated[int, Field(ge=1)] = 6
    """Frames of a crop before its aim begins, since the network starts from silence there."""
    seed: int = 0

    def build(self, weighting: np.ndarray) -> "Repair":
        """With the weighting of steps [HOP], in 8ths of an octave, of the model whose sound is repaired."""
        if self.mode == "fidelity":
            return Refine(RefinementConfig(bins=REFINED, width=self.width, blocks=self.blocks).build(), weighting)
        net = SynthesisConfig(inputs=INPUTS, outputs=OUTPUTS, width=self.width, blocks=self.blocks).build()
        return Repair(net, weighting) if self.mode == "live" else RepairWithin(net, weighting)


PARTS = {
    "values": (np.float16, HOP),
    "zero": (np.bool_, HOP),
    "levels": (np.int8, BANDS),
    "sound": (np.float16, HOP),
    "dials": (np.float32, 2),
    "known": (np.bool_, 1),
}
"""What is kept of every frame: `Restored.values` and `zero`, levels, the samples that are complete with it, step and power, and whether it arrived."""
REFINED_PARTS = {"scales": (np.int8, REFINED), "second": (np.bool_, REFINED)}
"""And in fidelity mode, of the bins that are refined: `Restored.scales` and `second`."""


@dataclass(frozen=True)
class Prepared:
    """Recordings as a decoder has them, frame by frame, where each ends, and the weighting of the model that coded them."""

    parts: dict[str, np.ndarray]
    ends: np.ndarray
    weighting: np.ndarray

    @classmethod
    def read(cls, folder: Path) -> "Prepared":
        kept = [name for name in PARTS | REFINED_PARTS if (folder / f"{name}.npy").exists()]
        parts = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in kept}
        return cls(parts, np.load(folder / "ends.npy"), np.load(folder / "weighting.npy"))


def prepared(
    waves: Callable[[], Sequence[np.ndarray]], model: TransformModel, mode: str, folder: Path, seed: int, progress: Progress
) -> Prepared:
    """What `prepare` left in `folder`, now or before."""
    return Prepared.read(folder) if (folder / "ends.npy").exists() else prepare(waves(), model, mode, folder, seed, progress)


def prepare(waves: Sequence[np.ndarray], model: TransformModel, mode: str, folder: Path, seed: int, progress: Progress) -> Prepared:
    """Code each of `waves` [1, T] at a random step or rate of `mode`, and keep in `folder` what a decoder makes of it."""
    rng, codec = np.random.default_rng(seed), TransformCodec(model)
    kept = PARTS | (REFINED_PARTS if mode == "fidelity" else {})
    made: dict[str, list[np.ndarray]] = {name: [] for name in kept}
    for number, wave in enumerate(waves):
        coefficients = whole_mdct(wave[0], HOP)
        level = loud_rms(coefficients)
        if level >= QUIETEST:
            if mode == "live":
                decoded = _arrived(wave, codec, rng)
            else:
                step, power = level * 2.0 ** rng.uniform(*STEP_OCTAVES[mode]), POWER_OF_MODE[mode]
                decoded = _decoded(coefficients, step, power, codec.coder, model)
            decoded["sound"], _ = inverse_mdct(coefficients, np.zeros(HOP, np.float32))
            for name, (kind, size) in kept.items():
                made[name].append(decoded[name].reshape(-1, size)[: len(coefficients)].astype(kind))
        progress(number + 1, len(waves), "prepare")
    if not made["sound"]:
        raise DataError("nothing to train on: every recording is silent; check the input with a player")
    for name, pieces in made.items():
        with whole(folder / f"{name}.npy") as beside:
            np.save(beside, np.concatenate(pieces))
    with whole(folder / "weighting.npy") as beside:
        np.save(beside, model.shaping.weighting)
    with whole(folder / "ends.npy") as beside:  # last: with it, all is there
        np.save(beside, np.cumsum([len(piece) for piece in made["sound"]]))
    return Prepared.read(folder)


def _decoded(coefficients: np.ndarray, step: float, power: int, coder: EntropyCoder, model: TransformModel) -> dict[str, np.ndarray]:
    frames = cheapest(coefficients, step, power, coder, model)
    rows = coder.coefficient_rows(frames.halves, Side.of(frames.levels, power, model.shaping))
    restored = restore(Decoded(frames.halves, frames.levels, rows), step, power, model, noise_signs(0, len(coefficients)))
    lower = {} if power else {name: getattr(restored, name)[:, :REFINED] for name in REFINED_PARTS}
    return _parts(restored, step, power) | lower


def _arrived(wave: np.ndarray, codec: TransformCodec, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What the other end of a call has of `wave` [1, T], at a random rate, length of packets and share of lost ones; some frames more than the wave has."""
    kbps, packet_frames, share = rng.uniform(*LIVE_KBPS), int(rng.integers(1, MOST_FRAMES + 1)), float(rng.choice(LIVE_LOSS))
    lost = list(islice(losses(share, BURST, int(rng.integers(1 << 31))), wave.shape[-1] // (packet_frames * HOP) + 4))
    told = [_parts(heard.frames, heard.step, heard.power) for heard in rehearse(codec, wave, kbps, packet_frames, lost)]
    return {name: np.concatenate([parts[name] for parts in told]) for name in told[0]}


def _parts(restored: Restored, step: float, power: int) -> dict[str, np.ndarray]:
    """What is kept of `restored` frames, but for their sound."""
    frames = len(restored.values)
    return {
        "values": restored.values,
        "zero": restored.zero,
        "levels": np.zeros((frames, BANDS)) if restored.levels is None else restored.levels,
        "dials": np.tile(np.float32([step, power]), (frames, 1)),
        "known": np.full((frames, 1), restored.known),
    }


class Crops:
    """Stretches of all that is `prepared`, each around a frame of which every one is as likely."""

    def __init__(self, prepared: Sequence[Prepared], recipe: SynthesisRecipe):
        self.prepared, self.recipe = prepared, recipe
        self.ends = np.cumsum([one.ends[-1] for one in prepared])
        shortest = min(one.ends[-1] for one in prepared)
        if shortest < recipe.crop_frames:
            raise DataError(f"nothing to train on: {shortest} frames of sound are less than one crop; bring more recordings")
        self.weighting = prepared[0].weighting
        if any((one.weighting != self.weighting).any() for one in prepared):
            raise DataError("recordings were prepared with different models; begin in an empty folder")

    def batch(self, number: int) -> dict[str, np.ndarray]:
        """Parts [B, F, .] of the crops of that number, which may reach into the recording after."""
        rng = np.random.default_rng((self.recipe.seed, number))
        crops = [self._around(place) for place in rng.integers(self.ends[-1], size=self.recipe.batch_size)]
        return {name: np.stack([crop[name] for crop in crops]) for name in crops[0]}

    def _around(self, place: int) -> dict[str, np.ndarray]:
        which = np.searchsorted(self.ends, place, side="right")
        one, size = self.prepared[which], self.recipe.crop_frames
        place -= self.ends[which] - one.ends[-1]
        segment = np.searchsorted(one.ends, place, side="right")
        begin = one.ends[segment - 1] if segment else 0
        start = min(max(begin, min(place - size // 2, one.ends[segment] - size)), one.ends[-1] - size)
        return {name: part[start : start + size] for name, part in one.parts.items()}


class Repair(torch.nn.Module):
    """What `runtime.synthesis` does to whole crops of live packets, with gradients. Shapes: parts [B, F, .] -> sound [B, 1, (F - 1) HOP] of all
    frames but the last, whose first HOP samples lack what came before."""

    def __init__(self, net: SynthesisNet | RefinementNet, weighting: np.ndarray):
        super().__init__()
        self.net, self.inverse = net, Synthesis(HOP)
        self.register_buffer("weighting", torch.from_numpy(weighting) / 8, persistent=False)
        self.register_buffer("interpolation", torch.from_numpy(INTERPOLATION) / 16, persistent=False)

    def forward(self, parts: dict[str, Tensor]) -> Tensor:
        output = self.net(self.heard(parts)).float().transpose(1, 2)[:, LOOK_AHEAD:] * parts["known"][:, :-LOOK_AHEAD]
        return self.inverse(SCALE * self.repaired(parts["values"].float(), parts, output).transpose(1, 2))

    def heard(self, parts: dict[str, Tensor]) -> Tensor:
        """What the network is told [B, I, F]: nothing of frames that were made up."""
        values = parts["values"].float()
        return (parts["known"] * self.told(values.sign() * values.abs().sqrt(), parts)).transpose(1, 2)

    def told(self, rooted: Tensor, parts: dict[str, Tensor]) -> Tensor:
        """Features [B, F, I]; `rooted` [B, F, HOP] are the coefficients with their magnitude's root."""
        return torch.cat(
            [rooted, parts["zero"].float(), LEVEL_SCALE * parts["levels"].float(), parts["dials"][..., 1:] / POWER_UNITS], dim=-1
        )

    def octaves(self, parts: dict[str, Tensor]) -> Tensor:
        """Level of every coefficient [B, F, HOP]."""
        return parts["levels"].float() @ self.interpolation

    def steps(self, parts: dict[str, Tensor]) -> Tensor:
        """Step of every coefficient [B, F, HOP]."""
        step, power = parts["dials"].split(1, dim=-1)
        return step * torch.exp2(power / POWER_UNITS * self.octaves(parts) + self.weighting * (power > 0))

    def repaired(self, values: Tensor, parts: dict[str, Tensor], output: Tensor) -> Tensor:
        """Coefficients [B, F - 1, HOP] of full scale 1.0."""
        octaves, steps = self.octaves(parts), self.steps(parts)
        guessed = functional.max_pool1d((~parts["zero"]).float(), 2 * NEAR + 1, stride=1, padding=NEAR) == 0
        turned = guessed & (values[..., ::GROUP] < 0).repeat_interleave(GROUP, dim=-1)
        units = torch.minimum(steps, parts["dials"][..., :1] * torch.exp2(octaves)) * (1 - 2 * turned.float())
        gain, added = output.chunk(2, dim=-1)
        frames = slice(0, output.shape[1])
        return (values * steps)[:, frames] * torch.exp(MOST_GAIN * torch.tanh(gain / MOST_GAIN)) + units[:, frames] * added


class RepairWithin(Repair):
    """The same in natural mode."""

    def repaired(self, values: Tensor, parts: dict[str, Tensor], output: Tensor) -> Tensor:
        steps = self.steps(parts)[:, : output.shape[1]]
        before = values[:, : output.shape[1]] * steps
        return torch.clamp(super().repaired(values, parts, output), before - FURTHEST * steps, before + FURTHEST * steps)


class Refine(Repair):
    """The same in fidelity mode."""

    def told(self, rooted: Tensor, parts: dict[str, Tensor]) -> Tensor:
        lower = rooted[..., :REFINED], parts["zero"][..., :REFINED].float()
        return torch.cat([*lower, parts["scales"] / SCALES, parts["second"].float()], dim=-1)

    def repaired(self, values: Tensor, parts: dict[str, Tensor], output: Tensor) -> Tensor:
        moved = values[:, : output.shape[1]] + functional.pad(output, (0, HOP - REFINED))
        return parts["dials"][:, : output.shape[1], :1] * moved


class SynthesisTrainer:
    """A network while it learns; all it draws depends on the seed and the number of the update alone."""

    def __init__(self, recipe: SynthesisRecipe, crops: Crops, fabric: Fabric):
        torch.manual_seed(recipe.seed)
        self.recipe, self.crops, self.fabric, self.updates = recipe, crops, fabric, 0
        repair = recipe.build(crops.weighting)
        self.average = fabric.to_device(copy.deepcopy(repair).requires_grad_(False).eval())
        settings = {"betas": recipe.optimiser.betas, "weight_decay": recipe.optimiser.weight_decay, "fused": True}
        optimiser = torch.optim.AdamW(repair.parameters(), recipe.optimiser.learning_rate, **settings)
        self.repair, self.optimiser = fabric.setup(repair, optimiser)
        self.loss = fabric.to_device(recipe.loss.build(SAMPLE_RATE))

    def compare(self, repair: torch.nn.Module, crops: Crops, number: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and its terms on the crops of that number."""
        parts = {name: self.fabric.to_device(torch.from_numpy(part)) for name, part in crops.batch(number).items()}
        warm = self.recipe.warm_frames
        reference = parts.pop("sound").float()[:, warm : parts["levels"].shape[1] - LOOK_AHEAD].flatten(1)[:, None]
        return self.loss(reference, repair(parts)[..., warm * HOP :])

    def update(self, progress: float) -> dict[str, float]:
        """One update; `progress` is the share of the run that is over. Raises TrainingError where the loss is not finite."""
        optimiser = self.recipe.optimiser
        set_rate(self.optimiser, optimiser.learning_rate * optimiser.rate_share(self.updates, progress))
        total, terms = self.compare(self.repair, self.crops, self.updates)
        told = {name: float(term.detach()) for name, term in terms.items()}
        if not all(map(math.isfinite, told.values())):
            raise TrainingError(f"update {self.updates}: {told} is not finite; lower the learning rate")
        self.optimiser.zero_grad()
        self.fabric.backward(total)
        self.fabric.clip_gradients(self.repair, self.optimiser, max_norm=optimiser.clip_norm)
        self.optimiser.step()
        self.updates += 1
        optimiser.follow(self.average, self.repair.module, self.updates)
        return told

    def begin_with(self, parameters: Mapping[str, Tensor]) -> None:
        for repair in (self.repair.module, self.average):
            repair.load_state_dict(parameters)

    def state_dict(self) -> dict:
        return {
            "updates": self.updates,
            "repair": self.repair.module.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: dict) -> None:
        self.updates = state["updates"]
        self.repair.module.load_state_dict(state["repair"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])


def train_synthesis(
    recipe: SynthesisRecipe,
    train: Sequence[Prepared],
    validation: Prepared,
    minutes: float,
    folder: Path,
    fabric: Fabric,
    say: Callable[[str], None],
    progress: Progress = untold,
    start: Mapping[str, Tensor] | None = None,
) -> SynthesisNet | RefinementNet:
    """The network after `minutes`, all runs in `folder` counted together: it goes on from the checkpoint there.

    A run that is new begins with the parameters `start`, those that `ended_with` says or of a stored graph; from nothing without them.
    """
    trainer, clock, held_out = SynthesisTrainer(recipe, Crops(train, recipe), fabric), Clock(), Crops([validation], recipe)
    resume = folder / CHECKPOINT
    if resume.exists():
        state = torch.load(resume, weights_only=True, map_location=fabric.device)
        trainer.load_state_dict(state)
        clock.before_s = state["spent_s"]
    elif start:
        trainer.begin_with(start)
    say(_line(trainer, held_out, clock))
    marks = [minutes * 60 * (mark / MOST_VALIDATIONS) ** 2 for mark in range(1, MOST_VALIDATIONS + 1)]
    marks = [mark for mark in marks if mark > clock.spent_s]
    saved_s, torn = clock.spent_s, False  # whether an update has begun and not ended: nothing to go on from
    try:
        while (spent_s := clock.spent_s) < 60 * minutes:
            with undisturbed():
                torn = True
                terms = trainer.update(spent_s / (60 * minutes))
                torn = False
            progress(spent_s, 60 * minutes, " ".join(f"{name} {term:.3g}" for name, term in terms.items()))
            if spent_s >= marks[0]:
                marks = marks[1:]
                say(_line(trainer, held_out, clock))
            if spent_s - saved_s > CHECKPOINT_S:
                _save(trainer, clock, resume)
                saved_s = spent_s
    finally:
        if not torn:
            _save(trainer, clock, resume)
    say(_line(trainer, held_out, clock))
    return trainer.average.net


def ended_with(folder: Path) -> Mapping[str, Tensor]:
    """Parameters of the network that the run in `folder` ended with."""
    return torch.load(folder / CHECKPOINT, weights_only=True, map_location="cpu")["average"]


def _save(trainer: SynthesisTrainer, clock: Clock, path: Path) -> None:
    save_state(trainer.state_dict() | {"spent_s": clock.spent_s}, path)


def _line(trainer: SynthesisTrainer, held_out: Crops, clock: Clock) -> str:
    with torch.no_grad():
        heard = [trainer.compare(trainer.average, held_out, number)[1] for number in range(VALIDATION_BATCHES)]
    means = ", ".join(f"{name} {float(sum(terms[name] for terms in heard)) / len(heard):.4f}" for name in heard[0])
    return f"{clock.spent_s / 60:5.1f} min {trainer.updates:7,} updates: {means} on held-out sounds"
