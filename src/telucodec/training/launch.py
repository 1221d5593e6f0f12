"""A run as it is asked for: data packed, settings put together, processes started."""

import math
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.multiprocessing import ProcessRaisedException

from telucodec.audio.media import SAMPLE_RATE
from telucodec.config import parse
from telucodec.data.batches import Crops, pack
from telucodec.data.manifest import Segment, read_manifest, read_segment, told_apart
from telucodec.errors import ConfigError, DataError, TelucodecError, TrainingError
from telucodec.models.complexity import complexity
from telucodec.models.store import load_codec_module, save_codec
from telucodec.models.trained import ENCODEC, trained_codec
from telucodec.models.vq_codec import VQCodec
from telucodec.progress import Progress, untold
from telucodec.training.gates import apart
from telucodec.training.journal import wandb_module
from telucodec.training.recipe import BatchConfig, RecipeConfig, RunConfig, preset_of, recipe_of, shipped
from telucodec.training.run_folder import RunFolder
from telucodec.training.train import Budget, Outcome, Say, train
from telucodec.training.validate import evenly

START = "start"
"""Folder in that of a run, of the codec that it began with."""
MOST_VALIDATION_SOUNDS = 24
MOST_VALIDATION_S = 6.0
"""Of each; more would take training's time and tell little more."""
OF_ENCODEC = (
    "a codec that began as EnCodec is measured by `telucodec evaluate`, before and after, and not packed for `encode`; "
    "EnCodec as it came has an SI-SDR of about 6 dB at 6 kbps and 9.6 dB at 24 (DAC, arXiv:2306.06546, table 3)"
)
OF_CPU_MEMORY = "DefaultCPUAllocator"
"""In PyTorch's words where the CPU's memory is full, for which it has no kind of error."""
OWN_RUN = "TELUCODEC_RUN"
"""Tells the processes of other GPUs, which Fabric starts by the same command, the folder of the run that they are of."""
PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed"}


@dataclass(frozen=True)
class Request:
    """What a user asks of `telucodec train`."""

    data: Path | None
    """Folder with train.csv and val.csv; None for that of a run that goes on."""
    recipe: str
    preset: str | None
    minutes: float | None
    updates: int | None
    epochs: int | None
    changes: dict[str, float | int]
    """What to take instead of the recipe's, by name."""
    runs: Path
    name: str | None
    resume: Path | None
    start: str | None
    """A run, its model folder, or encodec:PATH."""
    gates: bool
    processes: int
    precision: str
    wandb: bool
    command: str


def run(request: Request, say: Say, progress: Progress) -> tuple[Path, Outcome]:
    """Train as asked; the folder of the run and what it came to. Raises ConfigError, DataError, TrainingError."""
    start, precision, joined = None, precision_of(request.precision), os.environ.get(OWN_RUN)
    if joined:  # the first process tells all
        say, progress = _unsaid, untold
    if request.wandb:
        wandb_module()  # missed here rather than when a folder is made
    if request.resume:
        folder, config = RunFolder.existing(request.resume, RunConfig)
    else:
        folder = None
        begun = None if request.start is None else trained_codec(request.start)
        config = settings(request.recipe, request.preset, request.changes, begun)
    if config.recipe.batches.batch_size % request.processes:
        raise ConfigError(
            f"a batch of {config.recipe.batches.batch_size} cannot be shared by {request.processes} processes; "
            "choose --processes so, or the --batch_size of a new run"
        )
    root = request.data or folder.data()
    rows, held_out = read_manifest(root / "train.csv"), read_manifest(root / "val.csv")
    validation = validation_sounds(held_out, root)  # what is missed there is told before hours of sound are packed
    samples, ends = pack(rows, root, folder.path.parent if folder else request.runs, progress)
    crops = crops_of(config, samples, ends)
    if request.gates and not request.resume:
        say(f"gate {apart(rows, held_out)}")
    if folder is None and joined:
        folder = RunFolder(Path(joined))
        start = folder.path / START if begun else None
    if folder is None:  # not before the data is known to be there
        preset = request.preset or ("from-" + Path(request.start.removeprefix(ENCODEC)).name if begun else config.recipe.model)
        name = request.name or "-".join(Path(part).stem for part in (request.recipe, preset))
        folder = RunFolder.new(request.runs, name, config)
        folder.write_beginning(request.command, root)
        start = save_codec(begun, folder.path / START) if begun else None
    fabric = Fabric(
        accelerator="auto",
        devices=request.processes,
        strategy="auto" if request.processes == 1 else "ddp" if torch.cuda.is_available() else "ddp_fork",
        precision=precision,
    )
    say(f"{folder.path}: {complexity(config.model)}; {crops.duration_s / 3600:.2f} h of speech, {len(validation)} sounds to validate with")
    if config.model.body.kind == "encodec":
        say(f"{folder.path}: {OF_ENCODEC}")
    budget = Budget(request.minutes, request.updates, request.epochs)

    def work(fabric: Fabric) -> Outcome:
        if request.processes > 1:
            torch.set_num_threads(max(1, (os.cpu_count() or 1) // request.processes))
        torch.manual_seed(config.recipe.seed)
        codec = load_codec_module(start) if start else config.model.build()
        told = (say, progress) if fabric.is_global_zero else (_unsaid, untold)
        with within_memory(config.recipe.batches):
            return train(
                codec,
                config,
                folder,
                crops,
                validation,
                budget,
                fabric,
                *told,
                gates=request.gates,
                trained=start is not None,
                wandb=request.wandb,
                command=request.command,
            )

    os.environ[OWN_RUN] = str(folder.path.absolute())
    try:
        outcome = in_processes(fabric, work) if request.processes > 1 else work(fabric)
    finally:
        del os.environ[OWN_RUN]
    if joined:
        raise SystemExit(0)
    return folder.path, outcome


@contextmanager
def within_memory(batches: BatchConfig) -> Iterator[None]:
    """Train with such `batches`. Raises TrainingError where they need more memory than there is."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, (MemoryError, torch.OutOfMemoryError)) and OF_CPU_MEMORY not in str(error):
            raise
        raise TrainingError(
            f"{batches.batch_size:,} crops of {batches.crop_s:g} s at once need more memory than there is; begin with a smaller --batch_size"
        ) from error


def in_processes(fabric: Fabric, work: Callable[[Fabric], Outcome]) -> Outcome:
    """What `work` comes to in the processes of `fabric`. A TelucodecError in one of them is raised here as it was there."""
    errors = multiprocessing.SimpleQueue()

    def told(fabric: Fabric) -> dict:
        if multiprocessing.parent_process():  # which says for all that it was stopped
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            return asdict(work(fabric))  # Fabric looks for tensors in what comes back, and cannot look into a frozen dataclass
        except TelucodecError as error:
            errors.put(error)
            raise

    try:
        return Outcome(**fabric.launch(told))
    except ProcessRaisedException:
        if errors.empty():
            raise
        raise errors.get() from None
    finally:
        for worker in multiprocessing.active_children():  # where this process alone was stopped
            worker.terminate()


def _unsaid(line: str) -> None:
    """Say nothing."""


def settings(recipe_name: str, preset: str | None, changes: Mapping[str, float | int], begun: VQCodec | None) -> RunConfig:
    """The recipe with `changes`, what is asked for instead, and the codec: of a preset, or `begun`, which the run starts from."""
    changed = recipe_of(recipe_name).model_dump()
    for name, value in changes.items():
        place = {"batch_size": changed["batches"], "learning_rate": changed["optimiser"]}.get(name, changed)
        place[name] = value
    recipe = parse(changed, RecipeConfig, f"{recipe_name} with what was asked for instead")
    if begun is None and (recipe.continues or recipe.freeze_encoder):
        raise ConfigError(
            f"{recipe_name}: goes on from a trained codec, not from random numbers; give --from with a run, or with encodec: and EnCodec's folder"
        )
    if begun and preset:
        raise ConfigError("--from brings its own codec; leave --preset out")
    return RunConfig(recipe=recipe, model=begun.config if begun else preset_of(preset or recipe.model))


def validation_sounds(rows: list[Segment], root: Path) -> dict[str, np.ndarray]:
    """Sounds [1, T] at 16 kHz by name, evenly spread over `rows`. Raises DataError without any."""
    chosen = evenly(rows, MOST_VALIDATION_SOUNDS)
    if not chosen:
        raise DataError(f"{root / 'val.csv'}: has no rows to validate with; split the data with more speakers")
    size = round(MOST_VALIDATION_S * SAMPLE_RATE)
    names = told_apart([f"{row.recording} {row.start_s:g}" for row in chosen])  # imports of two speakers may share names
    return {name: read_segment(row, root)[:, :size] for name, row in zip(names, chosen, strict=True)}


def precision_of(asked: str) -> str:
    """Fabric's name of a precision; auto is bf16 where the machine computes in it. Raises ConfigError."""
    if asked == "auto":
        fast = torch.cuda.is_bf16_supported() if torch.cuda.is_available() else torch.cpu._is_avx512_bf16_supported()
        return PRECISIONS["bf16" if fast else "32"]
    if asked not in PRECISIONS:
        raise ConfigError(f"precision {asked}: is not known; ask for auto, 32 or bf16")
    return PRECISIONS[asked]


def catalogue() -> Iterator[str]:
    """Lines on the recipes and presets that ship."""
    for name in shipped("recipes"):
        yield f"recipe {name:<16} {recipe_of(name).description}"
    for name in shipped("presets"):
        yield f"preset {name:<16} {complexity(preset_of(name))}"


def crops_of(config: RunConfig, samples: np.ndarray, ends: np.ndarray) -> Crops:
    """What a run of `config` hears of sound int16 [S] at 16 kHz, whose segments end at `ends` [n]. Raises ConfigError."""
    size, batch_size = crop_samples(config), config.recipe.batches.batch_size
    return Crops(samples, ends, size, batch_size, config.recipe.seed, config.model.sample_rate)


def crop_samples(config: RunConfig) -> int:
    """Samples of a crop at 16 kHz: whole frames of the codec, and a whole number of samples at its rate too. Raises ConfigError."""
    rate, body = config.model.sample_rate, config.model.body
    step = math.lcm(body.hop, rate // math.gcd(rate, SAMPLE_RATE))
    size = math.ceil(config.recipe.batches.crop_s * rate / step) * step
    least = body.build().delay + 2 * body.hop
    if size < least:
        raise ConfigError(
            f"batches.crop_s {config.recipe.batches.crop_s:g}: too little of such a crop is left after the delay of this codec; "
            f"ask for {least / rate:.2g} s or more"
        )
    return size * SAMPLE_RATE // rate
