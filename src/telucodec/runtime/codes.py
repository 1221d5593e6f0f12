"""Codes of codebooks <-> a packet's payload, coded with what an integer network expects after the codes before them.

A code's context is the two frames before and the lower codebooks of its own frame: each of these codes adds a row of a table to the
sums of a first layer (an embedding that is a matrix product at once); two more layers give a logit for every entry of the codebook,
in 16ths of a bit, and a table of integers turns logits into weights for the range coder. As in `context`, all are integers of
which every sum stays below 2^24, so any float32 product gives the same bytes. Contexts start afresh in every packet.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from telucodec.bitstream.rangecoder import RangeReader, RangeWriter
from telucodec.errors import BitstreamError, ModelError
from telucodec.runtime.context import LARGEST_BIAS, MAX_HIDDEN, UNIT, WEIGHT_UNIT, activate

FORMAT = "telucodec codes 1"
PAST_FRAMES = 2
"""Frames before its own that a code's context holds."""
EMBEDDING_UNIT = 64
"""A sum of embeddings of 1.0 is this integer."""
LOGIT_UNIT = 16
"""Logits are in bits times this."""
BLOCK_FRAMES = 25
"""Frames that an encoder looks at together."""

Product = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Matrix product of float32 arrays."""


@dataclass(frozen=True)
class CodesModel:
    """The integers of a network for K codebooks of N entries with H hidden units."""

    embeddings: np.ndarray
    """int8 [1 + PAST_FRAMES, K, N + 1, H]: of this frame and those before, latest first; entry N stands for no code there."""
    bias: np.ndarray
    """int32 [K, H]"""
    second: np.ndarray
    """int8 [K, H, H]"""
    second_bias: np.ndarray
    """int32 [K, H]"""
    last: np.ndarray
    """int8 [K, H, N]"""
    last_bias: np.ndarray
    """int32 [K, N]"""

    def to_bytes(self) -> bytes:
        return save({field.name: np.ascontiguousarray(getattr(self, field.name)) for field in fields(self)}, metadata={"format": FORMAT})

    @classmethod
    def from_bytes(cls, content: bytes, num_codebooks: int, codebook_size: int, where: object) -> "CodesModel":
        """The model that `to_bytes` wrote, for such codebooks. Raises ModelError, which names `where`, for anything else."""
        try:
            tensors = load(content)
            hidden = tensors["bias"].shape[-1]
            shapes = _shapes(num_codebooks, codebook_size, hidden)
            if not 0 < hidden <= MAX_HIDDEN:
                raise ValueError("its tensors are not those of a model of codes")
            for name, (shape, kind) in shapes.items():
                if tensors[name].shape != shape or tensors[name].dtype != kind:
                    raise ValueError(f"{name} is {tensors[name].dtype} {tensors[name].shape}, expected {np.dtype(kind)} {shape}")
                if kind is np.int32 and np.abs(tensors[name].astype(np.int64)).max() > LARGEST_BIAS:
                    raise ValueError(f"{name} is out of range")
            model = cls(**{name: tensors[name] for name in shapes})
            if model.to_bytes() != content:  # also where it states another format
                raise ValueError("it holds other than a model of codes")
            return model
        except (SafetensorError, KeyError, ValueError, IndexError) as error:
            raise ModelError(f"{where}: is no model of codes ({error}); write it again with `telucodec optimize`") from error


def _shapes(codebooks: int, size: int, hidden: int) -> dict[str, tuple[tuple[int, ...], type]]:
    return {
        "embeddings": ((1 + PAST_FRAMES, codebooks, size + 1, hidden), np.int8),
        "bias": ((codebooks, hidden), np.int32),
        "second": ((codebooks, hidden, hidden), np.int8),
        "second_bias": ((codebooks, hidden), np.int32),
        "last": ((codebooks, hidden, size), np.int8),
        "last_bias": ((codebooks, size), np.int32),
    }


def weights_by_distance(size: int) -> np.ndarray:
    """Weights float32 [d] of an entry whose logit lies 0, 1, 2 ... below the largest of `size`, the last for all that lie farther.

    2^(-d / LOGIT_UNIT) in units such that `size` of them add up to 2^24 at most, rounded down by integer roots alone.
    """
    top = LOGIT_UNIT * min(16, 24 - math.ceil(math.log2(size)))
    roots = [1 << (top - distance) for distance in range(top + 1)]
    for _ in range(LOGIT_UNIT.bit_length() - 1):
        roots = [math.isqrt(root) for root in roots]
    return np.array(roots, np.float32)


class CodesCoder:
    """Codes packets with one model; `product` multiplies matrices."""

    def __init__(self, model: CodesModel, product: Product = np.matmul):
        self._product = product
        self._count, self._size = model.last_bias.shape
        tables = model.embeddings.astype(np.float32)
        self._present = tables[0]  # [K, N + 1, H]
        self._past = tables[1:].reshape(-1, tables.shape[-1])  # [PAST_FRAMES K (N + 1), H]
        self._rows = (self._size + 1) * np.arange(PAST_FRAMES * self._count).reshape(PAST_FRAMES, self._count)
        self._bias, self._second_bias, self._last_bias = (
            array.astype(np.float32) for array in (model.bias, model.second_bias, model.last_bias)
        )
        self._second, self._last = model.second.astype(np.float32), model.last.astype(np.float32)
        self._weights = weights_by_distance(self._size)

    def _past_sums(self, past: np.ndarray) -> np.ndarray:
        """Sums [n, H] of the frames before, codes [n, PAST_FRAMES, K], N where there was nothing."""
        return self._past[past + self._rows].sum(axis=(1, 2))

    def _weights_of(self, k: int, sums: np.ndarray) -> np.ndarray:
        """Weights [n, N] of codebook k's entries after sums [n, H] of all codes known."""
        hidden = np.floor((sums + self._bias[k]) * np.float32(UNIT / EMBEDDING_UNIT))
        hidden = np.minimum(np.maximum(hidden, 0), 127)
        hidden = activate((self._product(hidden, self._second[k]) + self._second_bias[k]) * np.float32(1 / WEIGHT_UNIT))
        logits = np.floor((self._product(hidden, self._last[k]) + self._last_bias[k]) * np.float32(LOGIT_UNIT / (UNIT * WEIGHT_UNIT)))
        behind = np.minimum(logits.max(axis=-1, keepdims=True) - logits, len(self._weights) - 1)
        return self._weights[behind.astype(np.intp)]

    def _with_nothing(self, frames: int, batch: int = 1) -> np.ndarray:
        """Codes [batch, PAST_FRAMES + frames, K] of which none is known."""
        return np.full((batch, PAST_FRAMES + frames, self._count), self._size, np.int64)

    def encode(self, codes: np.ndarray) -> bytes:
        """Payload of a packet's `codes` [F, n], those of its first n codebooks."""
        frames, sent = codes.shape
        known = self._with_nothing(frames)[0]
        known[PAST_FRAMES:, :sent] = codes
        writer = RangeWriter()
        for start in range(0, frames, BLOCK_FRAMES):
            block = codes[start : start + BLOCK_FRAMES]
            past = [known[PAST_FRAMES - back + start :][: len(block)] for back in range(1, PAST_FRAMES + 1)]
            sums = self._past_sums(np.stack(past, axis=1))
            weights = np.empty((*block.shape, self._size), np.float32)
            for k in range(sent):
                weights[:, k] = self._weights_of(k, sums)
                sums = sums + self._present[k, block[:, k]]
            writer.write(block.ravel(), weights.reshape(-1, self._size))
        return writer.to_bytes()

    def decode(self, payloads: Sequence[bytes], counts: Sequence[int], sent: int) -> list[np.ndarray | BitstreamError]:
        """Codes [F, sent] of each of the packets of counts = F frames, side by side; the error in the place of one that does not decode."""
        order = sorted(range(len(payloads)), key=lambda i: -counts[i])  # so that those that go on are the first ones
        readers = [RangeReader(payloads[i]) for i in order]
        known = self._with_nothing(max(counts, default=0), len(payloads))
        errors: dict[int, BitstreamError] = {}
        for frame in range(max(counts, default=0)):
            batch = sum(counts[i] > frame for i in order)
            now = known[:batch, PAST_FRAMES + frame]
            sums = self._past_sums(known[:batch, frame : PAST_FRAMES + frame][:, ::-1])
            for k in range(sent):
                weights = self._weights_of(k, sums)
                for place in range(batch):
                    if order[place] not in errors:
                        try:
                            now[place, k] = readers[place].read(weights[place : place + 1])[0]
                        except BitstreamError as error:
                            errors[order[place]] = error
                sums = sums + self._present[k, now[:, k]]
        decoded = {i: known[place, PAST_FRAMES : PAST_FRAMES + counts[i], :sent] for place, i in enumerate(order)}
        return [errors.get(i, decoded[i]) for i in range(len(payloads))]
