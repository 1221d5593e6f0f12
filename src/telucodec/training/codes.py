"""Trains the integer network that tells how likely each code is after those before it, and so shortens a bundle's files."""

import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.resample import resampled
from telucodec.data.manifest import Segment, read_segment
from telucodec.errors import DataError
from telucodec.models.vq_codec import VQCodec
from telucodec.progress import Progress, untold
from telucodec.runtime.codes import EMBEDDING_UNIT, PAST_FRAMES, CodesModel
from telucodec.runtime.context import LARGEST_BIAS, UNIT, WEIGHT_UNIT
from telucodec.runtime.vq import PACKET_FRAMES
from telucodec.training.context import floored, rounded
from telucodec.training.pace import running_mean, set_rate, small_rate_share

HIDDEN = 128
RANK = 32
"""Numbers that stand for a code; its row of embeddings is a product with them, so that rare codes learn from frequent ones."""
BATCH_FRAMES = 384
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 0.02
FULL_SHARE = 0.5
"""Of the frames, those that learn with all codebooks; the others with a random number, as files of lower bitrates have."""
LONGEST_S = 8 * 3600.0
"""Of sound that codes are made of; more would take longer to encode than its rare codes are worth."""
PIECE_FRAMES = 1500
"""Encoded at once: a row may be a whole recording of hours."""


class CodesNet(nn.Module):
    """The trainable twin of `CodesModel`: the same integers forward, gradients as if nothing were rounded."""

    def __init__(self, tables: Tensor, counts: Tensor):
        """Start from what each code adds to the latent, tables [K, N, D], and how often each was seen, counts [K, N]."""
        super().__init__()
        codebooks, size, _ = tables.shape
        centred = tables - tables.mean(dim=1, keepdim=True)
        left, scale, _ = torch.linalg.svd(centred, full_matrices=False)
        seen = functional.pad(left * scale[:, None], (0, RANK - left.shape[-1], 0, 1))[..., :RANK]
        seen = seen / seen[..., :1].std(dim=1, keepdim=True).clamp_min(1e-6)
        self.entries = nn.Parameter(seen + 0.1 * torch.randn_like(seen))  # [K, N + 1, R]
        self.ways = nn.Parameter(torch.randn(1 + PAST_FRAMES, codebooks, RANK, HIDDEN) * (RANK * codebooks) ** -0.5)
        self.bias = nn.Parameter(0.5 * torch.rand(codebooks, HIDDEN))
        self.second = nn.Parameter(torch.randn(codebooks, HIDDEN, HIDDEN) / HIDDEN**0.5)
        self.second_bias = nn.Parameter(torch.zeros(codebooks, HIDDEN))
        self.last = nn.Parameter(torch.zeros(codebooks, HIDDEN, size))
        self.last_bias = nn.Parameter(torch.log2((counts + 0.5) / (counts + 0.5).sum(dim=1, keepdim=True)))

    @staticmethod
    def _weight(weight: Tensor, unit: int = WEIGHT_UNIT) -> Tensor:
        return rounded((weight * unit).clamp(-127, 127))

    @staticmethod
    def _bias(bias: Tensor, unit: int = UNIT * WEIGHT_UNIT) -> Tensor:
        return rounded((bias * unit).clamp(-LARGEST_BIAS, LARGEST_BIAS))

    def forward(self, window: Tensor) -> Tensor:
        """Bits [n, K] of the latest of the frames of codes [n, PAST_FRAMES + 1, K], N where nothing is known."""
        codebooks = torch.arange(window.shape[-1])
        seen = self.entries[codebooks, window.flip(1)]  # [n, 1 + PAST_FRAMES, K, R], the latest first
        rows = self._weight(torch.einsum("npkr,pkrh->npkh", seen, self.ways), EMBEDDING_UNIT)
        lower = rows[:, 0].cumsum(dim=1) - rows[:, 0]  # of the codebooks below each
        sums = rows[:, 1:].sum(dim=(1, 2))[:, None] + lower + self._bias(self.bias, EMBEDDING_UNIT)
        hidden = floored(sums * (UNIT / EMBEDDING_UNIT)).clamp(0, 127)  # [n, K, H]
        sums = torch.einsum("nkh,khg->nkg", hidden, self._weight(self.second)) + self._bias(self.second_bias)
        hidden = floored(sums / WEIGHT_UNIT).clamp(0, 127)
        sums = torch.einsum("nkh,khs->nks", hidden, self._weight(self.last)) + self._bias(self.last_bias)
        logits = sums * (math.log(2) / (UNIT * WEIGHT_UNIT))
        present = window[:, -1].clamp(max=logits.shape[-1] - 1)
        return functional.cross_entropy(logits.flatten(0, 1), present.flatten(), reduction="none").view(present.shape) / math.log(2)

    @torch.no_grad()
    def integers(self) -> CodesModel:
        """The integers to ship."""
        rows = self._weight(torch.einsum("knr,pkrh->pknh", self.entries, self.ways), EMBEDDING_UNIT)
        weights = {"embeddings": rows, "second": self._weight(self.second), "last": self._weight(self.last)}
        biases = {
            "bias": self._bias(self.bias, EMBEDDING_UNIT),
            "second_bias": self._bias(self.second_bias),
            "last_bias": self._bias(self.last_bias),
        }
        return CodesModel(
            **{name: tensor.numpy().astype(np.int8) for name, tensor in weights.items()},
            **{name: tensor.numpy().astype(np.int32) for name, tensor in biases.items()},
        )


@torch.no_grad()
def codes_of(codec: VQCodec, rows: Sequence[Segment], root: Path, progress: Progress = untold) -> list[np.ndarray]:
    """Codes [K, F] of `rows`, evenly chosen where they are longer than LONGEST_S, whose sounds lie below `root`. Raises DataError."""
    duration_s = math.fsum(row.duration_s for row in rows)
    if not duration_s:
        raise DataError(f"{root / 'train.csv'}: has no sound to learn codes from; prepare the data first")
    chosen = rows[:: math.ceil(duration_s / LONGEST_S)]
    codes = []
    for number, row in enumerate(chosen):
        wave = resampled(read_segment(row, root), SAMPLE_RATE, codec.config.sample_rate)  # [1, T]
        codes.append(codec.encode_in_pieces(torch.from_numpy(wave)[None], PIECE_FRAMES)[0].numpy())
        progress(number + 1, len(chosen), row.recording)
    return codes


def windows(codes: Sequence[np.ndarray], codebook_size: int) -> np.ndarray:
    """Every frame of the `codes` [K, F] after those before it in its packet, int16 [n, PAST_FRAMES + 1, K]; the codebook's size for none."""
    parts = []
    for sound in codes:
        for start in range(0, sound.shape[1], PACKET_FRAMES):
            packet = np.pad(sound.T[start : start + PACKET_FRAMES], ((PAST_FRAMES, 0), (0, 0)), constant_values=codebook_size)
            parts.append(np.lib.stride_tricks.sliding_window_view(packet, PAST_FRAMES + 1, axis=0).transpose(0, 2, 1).astype(np.int16))
    return np.concatenate(parts)


def fit_codes(
    codec: VQCodec,
    codes: Sequence[np.ndarray],
    minutes: float,
    progress: Progress = untold,
    updates: int | None = None,
    seed: int = 0,
) -> CodesModel:
    """A network fitted for so many `minutes`, or at most `updates`, to the `codes` [K, F] that `codec` gives to sounds."""
    codebooks, size = codec.quantizer.num_codebooks, codec.quantizer.codebook_size
    counts = np.stack([np.bincount(np.concatenate([sound[k] for sound in codes]), minlength=size) for k in range(codebooks)])
    frames = torch.from_numpy(windows(codes, size))
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        net = CodesNet(codec.quantizer.tables().detach()[:, :-1], torch.from_numpy(counts).float())
        biases = [parameter for name, parameter in net.named_parameters() if "bias" in name]
        weights = [parameter for name, parameter in net.named_parameters() if "bias" not in name]
        optimiser = torch.optim.AdamW([{"params": weights}, {"params": biases, "weight_decay": 0.0}], weight_decay=WEIGHT_DECAY)
        began, update, mean = time.monotonic(), 0, math.nan
        while (done := max((time.monotonic() - began) / (60 * minutes), update / (updates or math.inf))) < 1:
            set_rate(optimiser, LEARNING_RATE * small_rate_share(update, done))
            window = frames[torch.randint(len(frames), (BATCH_FRAMES,))].long()
            active = torch.where(
                torch.rand(BATCH_FRAMES) < FULL_SHARE, torch.tensor(codebooks), torch.randint(1, codebooks + 1, (BATCH_FRAMES,))
            )
            sent = torch.arange(codebooks) < active[:, None]  # [n, K]
            bits = net(torch.where(sent[:, None], window, size))
            loss = (bits * sent).sum() / sent.sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            update += 1
            mean = running_mean(mean, loss.item())
            progress(done, 1, f"{mean:.2f} of {math.log2(size):.2f} bits a code")
        return net.integers()
