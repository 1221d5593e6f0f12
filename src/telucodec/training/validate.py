"""What a codec does to sounds it does not learn from: measures of the waves, use of the codebooks, bitrate, and the signs in them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.resample import resampled, resampled_to
from telucodec.metrics.pair import Pair, measure_pair
from telucodec.metrics.signs.codebooks import perplexity, signs_of_codebooks
from telucodec.metrics.signs.logged import signs_of_numbers
from telucodec.metrics.signs.sign import Sign
from telucodec.metrics.signs.waves import judged, signs_of_pairs
from telucodec.metrics.validation import Validation
from telucodec.models.vq_codec import VQCodec

OF_DEGREE = frozenset({"collapse to silence", "not decoding", "wrong gain"})
"""Cases that a codec which learns leaves behind in one sound after another; the last to lag says nothing of the run."""


@dataclass(frozen=True)
class Heard:
    """What came out for the sounds of a validation."""

    pairs: tuple[Pair, ...]
    counts: np.ndarray
    """How often each code was used, [K, N]."""
    loss: float
    """The reconstruction loss that training works on, mean over the sounds."""
    terms: dict[str, float]
    estimates: dict[str, np.ndarray]
    """Waves [T] by name."""
    frame_rate: float
    """Frames a second."""

    def signs(self) -> tuple[Sign, ...]:
        """Return what is wrong with the codec: of cases of degree, those that half of the sounds show, or all of them pooled."""
        whole, half = Validation(self.pairs), len(judged(self.pairs)) / 2
        pooled = {sign.case for sign in signs_of_numbers(whole.snr_db.value, whole.amplitude_percent.value)}
        of_sounds = [sign for sign in signs_of_pairs(self.pairs) if sign.case not in OF_DEGREE - pooled or len(sign.where) >= half]
        return (*of_sounds, *signs_of_codebooks(self.counts))

    def entry(self) -> dict[str, object]:
        """What a log wants to know, by name; NaN where it could not be measured."""
        whole = Validation(self.pairs)
        entry: dict[str, object] = {"loss": self.loss, **{f"loss_{name}": value for name, value in self.terms.items()}}
        for name in ("snr_db", "amplitude_percent", "correlation", "signal_power", "noise_power"):
            entry[name] = getattr(whole, name).value
        for name in ("snr_db", "si_sdr_db"):
            least, mean, most, _ = whole.spread(name)
            entry |= {f"{name}_per_file": {"min": least, "mean": mean, "max": most}}
        entry |= {"input_range": whole.range_of("reference"), "output_range": whole.range_of("estimate")}
        for side, told in (("reference", "input"), ("estimate", "output")):
            for name in ("mean", "std"):
                entry[f"{told}_{name}"] = math.fsum(getattr(getattr(pair, side), name) for pair in self.pairs) / max(1, len(self.pairs))
        entry["perplexity"] = perplexity(self.counts).tolist()
        entry["codes_used"] = (self.counts > 0).mean(axis=1).tolist()
        entry["kbps"] = self.kbps
        entry["kbps_entropy"] = self.entropy_kbps
        return entry

    @property
    def kbps(self) -> float:
        """Bits of the codes, each at the logarithm of its codebook's size."""
        return len(self.counts) * math.log2(self.counts.shape[1]) * self.frame_rate / 1000

    @property
    def entropy_kbps(self) -> float:
        """Bits of the codes at the entropy of how often each is used: about what a coder without context could reach.

        Counts of few sounds look less even than use is: of each codebook's entropy, (codes seen - 1) / (2 frames) nats are missing
        (Miller and Madow's correction).
        """
        frames, used = self.counts.sum(axis=1), (self.counts > 0).sum(axis=1)
        entropy = np.log2(perplexity(self.counts)) + (used - 1) / (2 * math.log(2) * np.maximum(1, frames))  # [K]
        return float(np.minimum(entropy, math.log2(self.counts.shape[1])).sum() * self.frame_rate / 1000)


@torch.no_grad()
def listen(codec: VQCodec, sounds: Mapping[str, np.ndarray], loss: torch.nn.Module | None = None) -> Heard:
    """Encode and decode `sounds` [1, T] at 16 kHz by name, one at a time, with all codebooks of `codec`.

    A codec at another rate hears them resampled and is measured at 16 kHz; its loss is taken at its own rate, as in training.
    """
    was_training, device = codec.training, next(codec.parameters()).device
    rate = codec.config.sample_rate
    codec.eval()
    counts = np.zeros((codec.quantizer.num_codebooks, codec.quantizer.codebook_size), np.int64)
    pairs, estimates, losses = [], {}, []
    for name, sound in sounds.items():
        wave = torch.from_numpy(resampled(sound, SAMPLE_RATE, rate))[None].to(device)  # [1, 1, T]
        codes = codec.encode(wave)
        estimate = codec.decode(codes, wave.shape[-1])
        for k, used in enumerate(codes[0].cpu().numpy()):
            counts[k] += np.bincount(used, minlength=counts.shape[1])
        if loss:
            total, terms = loss(wave, estimate)
            losses.append({"": float(total), **{term: float(value) for term, value in terms.items()}})
        estimates[name] = resampled_to(estimate[0].cpu().numpy(), rate, SAMPLE_RATE, sound.shape[-1])[0]
        pairs.append(measure_pair(sound[0], estimates[name], name))
    codec.train(was_training)
    means = {term: math.fsum(told[term] for told in losses) / len(losses) for term in losses[0]} if losses else {"": math.nan}
    return Heard(tuple(pairs), counts, means.pop(""), means, estimates, codec.config.frame_rate)


def evenly(items: Sequence, most: int) -> list:
    """`most` of `items`, evenly spread; all where there are no more."""
    count = min(most, len(items))
    return [items[number * len(items) // count] for number in range(count)]
