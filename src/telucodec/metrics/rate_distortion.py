"""How few bits a given SNR takes, and how much SNR given bits buy: reverse water-filling for Gaussian components.

Components of known variances s cost sum max(0, log2(s / w) / 2) bits at the distortion sum min(s, w), for a water level w
(Cover and Thomas, Elements of Information Theory, 2nd edition, section 10.3.3). Speech is taken as MDCT coefficients whose variances
are told to encoder and decoder for nothing (an oracle envelope). Two envelopes give two estimates. The fine one follows single harmonics,
which no codec is told for nothing: an optimistic estimate. The coarse one knows bands and not what is in them, which contexts of decoded
neighbours tell too: about what a good codec reaches, and no upper end. Speech is not Gaussian given either, so neither is a proof.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from telucodec.audio.mdct import whole_mdct
from telucodec.metrics.metric import SAMPLE_RATE, NotMeasured

HOP = 320
"""20 ms: of those tried with the shipped codec the best for speech (docs/experiments.md, 2)."""
FINE = 2, 2
"""Frames and bins that a variance of the fine envelope is the mean of: one variance for four coefficients, so it knows part of each.

The shipped codec's fidelity mode stays 1.0 to 2.4 dB below what it gives, at 3 to 24 kbps, on eight clips of examples/speech.
"""
COARSE = 2, 8
"""The same for the coarse one: bands of 200 Hz, without their harmonics. There the shipped codec is 0.3 dB below to 1.8 dB above it, headers included."""


class WaterFilling:
    """Independent Gaussian components of variances [n], in one unit; pooled, so that bits go where they buy most."""

    def __init__(self, variances: np.ndarray):
        """Raises NotMeasured where all of them are zero."""
        positive = np.sort(np.asarray(variances, np.float64).ravel())
        self.variances = positive[positive > 0]
        if not len(self.variances):
            raise NotMeasured("the sound is silent")
        above = len(self.variances) - np.arange(len(self.variances))  # components at or above each
        self.distortions = np.cumsum(self.variances) - self.variances + above * self.variances  # at a water level of each variance
        logs = np.log2(self.variances)
        self.bits = 0.5 * (np.cumsum(logs[::-1])[::-1] - above * logs)  # falling

    @property
    def energy(self) -> float:
        return float(self.variances.sum())

    def bits_for(self, snr_db: float) -> float:
        """Fewest bits for all components together at an SNR over all of them."""
        if snr_db <= 0:
            return 0.0
        distortion = self.energy * 10 ** (-snr_db / 10)
        k = min(int(np.searchsorted(self.distortions, distortion)), len(self.variances) - 1)
        below = float(self.variances[:k].sum())
        level = (distortion - below) / (len(self.variances) - k)
        return float(0.5 * np.sum(np.log2(self.variances[k:] / level)))

    def snr_db_for(self, bits: float) -> float:
        """Highest SNR that so many bits for all components together reach."""
        if bits <= 0:
            return 0.0
        k = min(int(np.searchsorted(-self.bits, -bits, side="left")), len(self.variances) - 1)
        logs, lost = np.log2(self.variances[k:]), float(self.variances[:k].sum())
        level = (logs.sum() - 2 * bits) / len(logs)  # and all else in logarithms too: many bits for few components leave next to nothing
        error = np.logaddexp2(math.log2(lost) if lost else -math.inf, level + math.log2(len(logs)))
        return 10 * math.log10(2) * float(math.log2(self.energy) - error)


@dataclass(frozen=True)
class Bracket:
    """Rates and SNRs of sound under a fine and a coarse envelope: the optimistic end, and about what a good codec reaches."""

    fine: WaterFilling
    coarse: WaterFilling
    duration_s: float

    def kbps_for(self, snr_db: float) -> tuple[float, float]:
        """Least rate for a pooled SNR: by the fine envelope, by the coarse one."""
        return tuple(filling.bits_for(snr_db) / self.duration_s / 1000 for filling in (self.fine, self.coarse))

    def snr_db_for(self, kbps: float) -> tuple[float, float]:
        """Highest pooled SNR at a mean rate: by the coarse envelope, by the fine one."""
        return tuple(filling.snr_db_for(1000 * kbps * self.duration_s) for filling in (self.coarse, self.fine))


@dataclass(frozen=True)
class Target:
    """An SNR at a rate, and what the sound says of it."""

    kbps: float
    snr_db: float
    reachable_db: tuple[float, float]
    """At that rate, by the coarse envelope and by the fine one."""
    needed_kbps: tuple[float, float]
    """For that SNR, by the fine envelope and by the coarse one."""
    verdict: str


def judge(found: Bracket, kbps: float, snr_db: float) -> Target:
    """Whether sound allows so many dB at so many kbps."""
    reachable = found.snr_db_for(kbps)
    if snr_db > reachable[1]:
        verdict = "out of reach by an optimistic estimate, which no codec measured here comes to"
    elif snr_db > reachable[0]:
        verdict = (
            "between what the shipped codec's fidelity mode about reaches and an optimistic estimate: measure it before you promise it"
        )
    else:
        verdict = "not ruled out by the audio; whether a codec gets there, training must show"
    return Target(kbps, snr_db, reachable, found.kbps_for(snr_db), verdict)


def bracket(waves: Iterable[np.ndarray]) -> Bracket:
    """The estimate for `waves` [T] at 16 kHz taken as one sound. Raises NotMeasured where all of them are silent."""
    fine, coarse, num_samples = [], [], 0
    for wave in waves:
        powers = np.square(whole_mdct(np.asarray(wave, np.float32), HOP), dtype=np.float64)  # [F, N]
        fine.append(local_means(powers, *FINE).ravel())
        coarse.append(local_means(powers, *COARSE).ravel())
        num_samples += len(wave)
    if not num_samples:
        raise NotMeasured("there is no sound")
    return Bracket(WaterFilling(np.concatenate(fine)), WaterFilling(np.concatenate(coarse)), num_samples / SAMPLE_RATE)


def local_means(powers: np.ndarray, frames: int, bins: int) -> np.ndarray:
    """Means of powers [F, N] over blocks of so many frames and bins, written to each of their places; the total stays what it was."""
    rows, columns = np.arange(0, powers.shape[0], frames), np.arange(0, powers.shape[1], bins)
    sums = np.add.reduceat(np.add.reduceat(powers, rows, axis=0), columns, axis=1)
    heights, widths = np.diff(rows, append=powers.shape[0]), np.diff(columns, append=powers.shape[1])
    means = sums / heights[:, None] / widths
    return np.repeat(np.repeat(means, heights, axis=0), widths, axis=1)
