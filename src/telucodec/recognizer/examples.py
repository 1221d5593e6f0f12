"""Transcribed rows as what a recogniser learns from: frames packed once at every speed, symbols, and batches of clips of like length.

The batches of an epoch depend on the seed and the number of the epoch alone, so a run that goes on draws what it would have drawn.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import soxr
from pydantic import BaseModel, ConfigDict, Field, field_validator

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.batches import begin_array, packed_place, rows_digest
from telucodec.data.manifest import Segment, read_segment
from telucodec.data.transcript import has_number, normalised
from telucodec.files import whole
from telucodec.progress import Progress, untold
from telucodec.recognizer.features import FeatureConfig, steps_of
from telucodec.recognizer.text import Script, in_script
from telucodec.recognizer.units import Units, frames_needed


class BatchConfig(BaseModel):
    """What an update hears."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_s: Annotated[float, Field(gt=0, le=100_000)] = 80.0
    """Seconds of a batch, the silence that fills shorter clips up counted too."""
    longest_s: Annotated[float, Field(gt=0, le=120)] = 20.0
    """Longer clips are left out."""
    length_jitter: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Lengths are sorted as if wrong by up to this share, so that not the same clips meet in every epoch."""


class AugmentConfig(BaseModel):
    """What is done to clips so that none is heard twice alike: speed (Ko et al., Interspeech 2015) and SpecAugment (arXiv:1904.08779)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_epoch: Annotated[int, Field(ge=0)] = 4
    """Earlier ones hear whole clips at their own speed: what is said where is found sooner there."""
    speeds: tuple[Annotated[float, Field(ge=0.5, le=2)], ...] = (0.9, 1.0, 1.1)
    """Times as fast; one is drawn for each clip."""
    band_masks: Annotated[int, Field(ge=0, le=8)] = 2
    band_width: Annotated[int, Field(ge=0, le=64)] = 12
    """Most bands of a mask."""
    time_masks: Annotated[int, Field(ge=0, le=20)] = 4
    time_share: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    """Most of a clip's frames in one mask."""

    def apply_to(self, frames: np.ndarray, rng: np.random.Generator) -> None:
        """Put masks, the mean of all bands, into frames [F, M]."""
        num_frames, num_bands = frames.shape
        for _ in range(self.band_masks):
            width = int(rng.integers(0, min(self.band_width, num_bands) + 1))
            begin = int(rng.integers(0, num_bands - width + 1))
            frames[:, begin : begin + width] = 0
        for _ in range(self.time_masks):
            width = int(rng.integers(0, int(self.time_share * num_frames) + 1))
            begin = int(rng.integers(0, num_frames - width + 1))
            frames[begin : begin + width] = 0

    @field_validator("speeds")
    @classmethod
    def _slowest_first(cls, speeds: tuple[float, ...]) -> tuple[float, ...]:
        if not speeds or list(speeds) != sorted(set(speeds)):
            raise ValueError("speeds must be there, each once, the slowest first")
        return speeds


class Batch(NamedTuple):
    """Clips filled up to the longest."""

    frames: np.ndarray
    """float32 [B, F, M]."""
    num_frames: np.ndarray
    """int64 [B]."""
    targets: np.ndarray
    """Symbols int64 [sum L], one clip's after the other's."""
    num_targets: np.ndarray
    """int64 [B]."""


@dataclass(frozen=True)
class Transcribed:
    """Rows that can be learned from or tested on, with their texts, and why others cannot."""

    rows: tuple[Segment, ...]
    texts: tuple[str, ...]
    """Normalised, in the script of the recogniser."""
    left_out: dict[str, int]
    """Rows by reason."""

    def only(self, numbers: Sequence[int]) -> "Transcribed":
        """The rows with these `numbers`."""
        return replace(self, rows=tuple(self.rows[number] for number in numbers), texts=tuple(self.texts[number] for number in numbers))

    @property
    def reasons(self) -> str:
        """Why rows were left out, and how many, the most frequent reason first."""
        return ", ".join(f"{count} {reason}" for reason, count in sorted(self.left_out.items(), key=lambda item: -item[1])) or "none"

    @property
    def digest(self) -> str:
        """Changes with the rows, their order, level and texts; not with where or when their files were written."""
        told = [[row.recording, row.start_s, row.duration_s, row.rms, text] for row, text in zip(self.rows, self.texts, strict=True)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def transcribed(rows: Sequence[Segment], script: Script, longest_s: float) -> Transcribed:
    """Rows with a text that may be said in one way and a sound, no longer than `longest_s`. Raises DataError as `Segment.span` does."""
    kept, texts, left_out = [], [], Counter()
    for row in rows:
        text = in_script(normalised(row.text), script)
        if has_number(row.text):  # the rule leaves nothing of a fraction
            left_out["digits, which may be read in many ways"] += 1
        elif not text:
            left_out["empty transcript"] += 1
        elif row.duration_s > longest_s:
            left_out[f"longer than {longest_s:g} s"] += 1
        elif row.span[1] < 1:
            left_out["no sound"] += 1
        else:
            kept.append(row)
            texts.append(text)
    return Transcribed(tuple(kept), tuple(texts), dict(left_out))


class Examples:
    """Frames float16 [S, M] of clips at each speed, and their symbols."""

    def __init__(
        self,
        frames: np.ndarray,
        ends: np.ndarray,
        targets: Sequence[np.ndarray],
        batches: BatchConfig,
        augment: AugmentConfig,
        seed: int,
    ):
        """`ends` [speeds, n] is where each clip's frames end, speed by speed; `targets` are the symbols of the n clips."""
        self.frames, self.ends, self.targets = frames, ends, list(targets)
        self.batches, self.augment, self.seed = batches, augment, seed
        self.own = int(np.argmin(np.abs(np.array(augment.speeds) - 1)))
        """Place of the clips' own speed, or of the one next to it."""
        flat = ends.reshape(-1)
        self.begins = np.concatenate([[0], flat[:-1]]).reshape(ends.shape)
        self.sizes = self.ends - self.begins  # [speeds, n]

    def __len__(self) -> int:
        return len(self.targets)

    def duration_s(self, features: FeatureConfig) -> float:
        """Of all clips at their own speed."""
        return float(self.sizes[self.own].sum()) * self.augment.speeds[self.own] * features.hop / SAMPLE_RATE

    def plan(self, epoch: int, features: FeatureConfig) -> list[np.ndarray]:
        """Clips [b, 2] of each batch, number and speed, of that epoch: sorted by length, cut, and the batches shuffled.

        The first epoch goes from short to long (SortaGrad, arXiv:1512.02595, section 3.3): what is said where is found sooner in short clips.
        """
        rng = np.random.default_rng((self.seed, epoch))
        speeds = rng.integers(len(self.sizes), size=len(self))
        if epoch < self.augment.first_epoch:
            speeds[:] = self.own
        numbers = np.arange(len(self))
        # CTC cannot say a text in fewer frames than it needs; such a clip keeps its slowest speed.
        needed = np.array([frames_needed(target) for target in self.targets])
        speeds = np.where(steps_of(self.sizes[speeds, numbers]) < needed, 0, speeds)
        sizes = self.sizes[speeds, numbers]
        order = np.argsort(sizes * rng.uniform(1 - self.batches.length_jitter, 1 + self.batches.length_jitter, len(self)))
        most = self.batches.batch_s * SAMPLE_RATE / features.hop
        found: list[list[int]] = []
        longest = 0
        for number in order:
            longest = max(longest, sizes[number])
            if not found or longest * (len(found[-1]) + 1) > most:
                found.append([])
                longest = sizes[number]
            found[-1].append(number)
        turn = rng.permutation(len(found)) if epoch else range(len(found))
        return [np.stack([found[place], speeds[found[place]]], axis=1) for place in turn]

    def batch(self, clips: np.ndarray, rng: np.random.Generator | None = None) -> Batch:
        """The clips [b, 2] as a batch, with masks where random numbers for them are given."""
        pieces = [np.array(self.frames[self.begins[speed, number] : self.ends[speed, number]], np.float32) for number, speed in clips]
        frames = np.zeros((len(pieces), max(map(len, pieces)), self.frames.shape[1]), np.float32)
        for place, piece in zip(frames, pieces, strict=True):
            if rng is not None:
                self.augment.apply_to(piece, rng)
            place[: len(piece)] = piece
        targets = [self.targets[number] for number, _ in clips]
        sizes = [np.array([len(each) for each in of], np.int64) for of in (pieces, targets)]
        return Batch(frames, sizes[0], np.concatenate(targets), sizes[1])


def pack(
    rows: Sequence[Segment],
    root: Path,
    features: FeatureConfig,
    speeds: Sequence[float],
    runs: Path,
    progress: Progress = untold,
) -> tuple[np.ndarray, np.ndarray]:
    """Memory-mapped frames float16 [S, M] of `rows`, whose sounds lie below `root`, at each speed, and their ends [speeds, n].

    They are written to `packed_place` once; the same rows, one or more, of unchanged files are found there again.
    """
    numbers = [[features.num_frames(_num_samples(row, speed)) for row in rows] for speed in speeds]
    ends = np.cumsum(numbers).reshape(len(speeds), len(rows))
    told = hashlib.sha256(f"{features.model_dump_json()} {list(speeds)} {rows_digest(rows, root)}".encode()).hexdigest()[:16]
    place = packed_place(f"frames-{told}.npy", root, runs)
    if not place.exists():
        with whole(place) as beside, open(beside, "wb") as file:
            start = begin_array(file, np.float16, (int(ends[-1, -1]), features.num_bands))
            for number, row in enumerate(rows):
                wave = read_segment(row, root)[0]
                for end, speed in zip(ends[:, number].tolist(), speeds, strict=True):
                    frames = features.apply_to(at_speed(wave, speed)).astype(np.float16)
                    file.seek(start + (end - len(frames)) * frames[0].nbytes)
                    file.write(frames.tobytes())
                progress(number + 1, len(rows), row.recording)
    return np.load(place, mmap_mode="r"), ends


def at_speed(wave: np.ndarray, speed: float) -> np.ndarray:
    """Wave [T] played so many times as fast, pitch and all, cut or filled up to round(T / speed) samples."""
    if speed == 1:
        return wave
    size = round(len(wave) / speed)
    played = soxr.resample(wave, SAMPLE_RATE * speed, SAMPLE_RATE)[:size]
    return np.pad(played, (0, size - len(played)))


def _num_samples(row: Segment, speed: float) -> int:
    return row.span[1] if speed == 1 else round(row.span[1] / speed)


def encoded(told: Transcribed, units: Units, features: FeatureConfig) -> tuple[Transcribed, list[np.ndarray]]:
    """The rows whose texts `units` can say within their frames, and their symbols."""
    targets = targets_of(told, units, features)
    left_out = Counter(told.left_out) + Counter(target for target in targets if isinstance(target, str))
    kept = [number for number, target in enumerate(targets) if not isinstance(target, str)]
    return replace(told.only(kept), left_out=dict(left_out)), [targets[number] for number in kept]


def targets_of(told: Transcribed, units: Units, features: FeatureConfig) -> list[np.ndarray | str]:
    """Symbols of each text, or why there are none: `units` cannot say it, or not within its frames."""
    found: list[np.ndarray | str] = []
    for row, text in zip(told.rows, told.texts, strict=True):
        target = units.encode(text)
        if target is None:
            found.append("symbols that the units lack")
        elif frames_needed(target) > steps_of(features.num_frames(row.span[1])):
            found.append("text longer than its sound")
        else:
            found.append(target)
    return found
