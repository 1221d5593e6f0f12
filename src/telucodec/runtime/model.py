"""The transform codec's model: a handful of integer tables in one safetensors file, known by the hash of that file."""

import hashlib
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from telucodec.bitstream.rangecoder import FREQUENCY_BITS, CodingTables
from telucodec.errors import ModelError
from telucodec.files import write_whole
from telucodec.runtime.context import (
    COEFFICIENT_PASSES,
    COMMON_FEATURES,
    LARGEST_BIAS,
    LEVEL_FEATURES,
    LEVEL_PASSES,
    MAX_HIDDEN,
    Layers,
    Plan,
)
from telucodec.runtime.envelope import BAND_EDGES, BANDS
from telucodec.runtime.signs import COMMON_SIGN_FEATURES, CONFIDENCES

HOP = int(BAND_EDGES[-1])
"""Hop length in samples, also the number of coefficients of a frame."""
SAMPLE_RATE = 16_000
FILE_NAME = "transform.safetensors"
WEIGHTS = Path(__file__).parents[1] / "weights"
SHIPPED = WEIGHTS / FILE_NAME
FORMAT = "telucodec transform 1"

SYMBOLS = 18
"""Width of every alphabet; the last symbol is the escape."""
ESCAPE = SYMBOLS - 1
SCALES = 64
"""Rows of the coding tables for coefficients, from always zero to very large."""
LEVEL_FRACTIONS, LEVEL_SCALES = 4, 8
"""Rows for levels: quarter of a level left over by the predicted mean, times spread."""
ROW_OF_MODE = {"fidelity": 0, "natural": SCALES}
LEVEL_ROW = 2 * SCALES
BIT_ROW = LEVEL_ROW + LEVEL_FRACTIONS * LEVEL_SCALES
SIGN_ROW_OF_MODE = {"fidelity": BIT_ROW + 1, "natural": BIT_ROW + 1 + CONFIDENCES}
SECOND_ROW = BIT_ROW + 1 + 2 * CONFIDENCES
"""So much further down lies the row of a magnitude in fidelity mode where the second of two quantisers reads it."""
TAIL_ROW = SECOND_ROW + SCALES
"""From here on lie the rows, in either mode, of how far a magnitude lies beyond the first that escapes."""
TAILS = 57
"""So many, by how large magnitudes were in the frame before."""
TAIL_END = 3 * ESCAPE
"""After three symbols that are all escapes a gamma code says how far a magnitude lies beyond that."""
ROWS = TAIL_ROW + TAILS
CENTROIDS = 3
"""Reconstruction points of their own: magnitudes 1, 2, and 3 or more."""
NOISE_CLASSES = 64
ALL_SENT = -128
"""Below any level of the envelope over the step."""


@dataclass(frozen=True)
class Shaping:
    """What natural mode's steps, and what is sent at all, take from the model beside the envelope."""

    least_sent: int = ALL_SENT
    """Level of the envelope over the step, in 8ths, below which a coefficient is zero and takes no symbol."""
    weighting: np.ndarray = field(default_factory=lambda: np.zeros(HOP, np.float32))
    """By how much the step of each bin is coarser than the envelope alone has it: integers float32 [HOP], in 8ths of an octave."""


@dataclass(frozen=True)
class TransformModel:
    """All that encoder and decoder must share."""

    passes: dict[str, tuple[Layers, ...]]
    """Context networks by what they predict: "fidelity", "natural" (magnitudes), "levels"; and, in models made since signs are predicted,
    "fidelity signs", "natural signs"."""
    frequencies: np.ndarray
    """Integer frequencies int32 [ROWS, SYMBOLS]; only those before TAIL_ROW in models without tails, before SECOND_ROW in those of one quantiser, up to BIT_ROW in those that do not predict signs either."""
    centroids: np.ndarray
    """What to add to a magnitude, in steps, float32 [2 SCALES, CENTROIDS]; with SCALES more for the second quantiser."""
    noise: np.ndarray
    """Level of the noise that fills zeros, in steps, float32 [NOISE_CLASSES], by level of the envelope over the step."""
    shaping: Shaping = field(default_factory=Shaping)
    """Of natural mode."""

    def signs(self, mode: str) -> tuple[Layers, ...] | None:
        """Networks for the signs of `mode`, None in a model that does not predict them."""
        return self.passes.get(signs_of(mode))

    def dependent(self, mode: str) -> bool:
        """Whether coefficients of `mode` are read by two quantisers, by turns as `trellis` has it."""
        return mode == "fidelity" and len(self.frequencies) >= TAIL_ROW

    @property
    def tails(self) -> bool:
        """Whether what escapes has rows of its own."""
        return len(self.frequencies) == ROWS

    @cached_property
    def tables(self) -> CodingTables:
        return CodingTables(self.frequencies)

    @cached_property
    def identity(self) -> bytes:
        """First four bytes of the SHA-256 of the model's file."""
        return hashlib.sha256(self.to_bytes()).digest()[:4]

    def to_bytes(self) -> bytes:
        tensors = {"frequencies": self.frequencies, "centroids": self.centroids, "noise": self.noise}
        if self.shaping.least_sent != ALL_SENT:
            tensors["least_sent"] = np.int8([self.shaping.least_sent])
        if self.shaping.weighting.any():
            tensors["weighting"] = self.shaping.weighting.astype(np.int8)
        for name, passes in self.passes.items():
            for index, layers in enumerate(passes):
                for part in fields(Layers):
                    value = getattr(layers, part.name)
                    tensors[f"{name}.{index}.{part.name}"] = value.astype(stored_type(part.name))
        return save({key: np.ascontiguousarray(tensors[key]) for key in sorted(tensors)}, metadata={"format": FORMAT})

    def save(self, path: Path) -> None:
        write_whole(path, self.to_bytes())


def _shapes(name: str, plan: Plan, hidden: int) -> dict[str, tuple[int, ...]]:
    """Shapes of one pass's tensors."""
    if name == "levels":
        positions, inputs, outputs = len(range(BANDS)[plan.positions]), LEVEL_FEATURES, 2
    elif name in COMMON_FEATURES:
        positions, inputs, outputs = len(range(HOP)[plan.positions]), COMMON_FEATURES[name], 1
    else:
        positions, inputs, outputs = len(range(HOP)[plan.positions]), COMMON_SIGN_FEATURES, 1
    if plan.offsets:
        inputs += len(plan.offsets) + (name in (*COMMON_FEATURES, "levels"))
    return {
        "first": (inputs, hidden),
        "bias": (positions, hidden),
        "second": (hidden, hidden),
        "second_bias": (hidden,),
        "last": (hidden, outputs),
        "last_bias": (outputs,),
    }


def signs_of(mode: str) -> str:
    """Name of the networks that predict the signs of `mode`."""
    return f"{mode} signs"


SIGN_PLANS = {signs_of(mode): COEFFICIENT_PASSES for mode in ROW_OF_MODE}
PLANS = {"fidelity": COEFFICIENT_PASSES, "natural": COEFFICIENT_PASSES, "levels": LEVEL_PASSES} | SIGN_PLANS


def stored_type(field: str) -> type:
    """How a field of `Layers` is stored."""
    return np.int32 if "bias" in field else np.int8


def load_model(path: Path | None = None) -> TransformModel:
    """Model of the file or folder `path`, or the shipped one. Raises ModelError for anything else than a whole model."""
    path = SHIPPED if path is None else Path(path)
    path = path / FILE_NAME if path.is_dir() else path
    try:
        content = path.read_bytes()
        tensors = load(content)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no model there; pass the folder that `telucodec build` wrote") from error
    except Exception as error:  # safetensors raises several kinds for a file that is not one
        raise ModelError(f"{path}: not a telucodec transform model ({error})") from error
    try:
        model = _assemble(tensors)
        if model.to_bytes() != content:  # else two files could have one identity
            raise ValueError("it holds more than a model")
        return model
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(f"{path}: not a telucodec transform model ({error})") from error


def _assemble(tensors: dict[str, np.ndarray]) -> TransformModel:
    """A model of named tensors; KeyError or ValueError where one is missing, misshapen or out of range."""

    def take(name: str, shape: tuple[int, ...], kind: type) -> np.ndarray:
        value = tensors[name]
        if value.shape != shape or value.dtype != kind:
            raise ValueError(f"{name} is {value.dtype} {value.shape}, expected {np.dtype(kind)} {shape}")
        if np.abs(value.astype(np.float64)).max() > LARGEST_BIAS or not np.isfinite(value).all():
            raise ValueError(f"{name} is out of range")
        return value

    passes = {}
    with_signs = any(name.startswith(tuple(SIGN_PLANS)) for name in tensors)
    for name, plans in PLANS.items():
        if name in SIGN_PLANS and not with_signs:
            continue
        hidden = tensors[f"{name}.0.second_bias"].shape[0]
        if hidden > MAX_HIDDEN:
            raise ValueError(f"{name} has {hidden} hidden units, more than {MAX_HIDDEN}")
        passes[name] = tuple(
            Layers(
                **{
                    field: take(f"{name}.{index}.{field}", shape, stored_type(field)).astype(np.float32)
                    for field, shape in _shapes(name, plan, hidden).items()
                }
            )
            for index, plan in enumerate(plans)
        )
    rows = BIT_ROW + 1
    if with_signs:
        found = tensors["frequencies"].shape[0]
        rows = found if found in (TAIL_ROW, ROWS) else SECOND_ROW
    frequencies = take("frequencies", (rows, SYMBOLS), np.int32)
    if (frequencies < 1).any() or (frequencies.sum(axis=1, dtype=np.int64) != 1 << FREQUENCY_BITS).any():
        raise ValueError("frequencies do not add up")
    centroids = take("centroids", ((3 if rows >= TAIL_ROW else 2) * SCALES, CENTROIDS), np.float32)
    noise = take("noise", (NOISE_CLASSES,), np.float32)
    least_sent = int(take("least_sent", (1,), np.int8)[0]) if "least_sent" in tensors else ALL_SENT
    weighting = take("weighting", (HOP,), np.int8) if "weighting" in tensors else np.zeros(HOP)
    return TransformModel(passes, frequencies, centroids, noise, Shaping(least_sent, weighting.astype(np.float32)))
