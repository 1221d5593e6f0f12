"""Signs in the course of a training, as its log has it: one point a validation."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from telucodec.metrics.signs.logged import ROUNDING_DB
from telucodec.metrics.signs.sign import THRESHOLDS, Sign, correlation_of, not_finite


@dataclass(frozen=True)
class Point:
    """One validation, as a log has it; NaN for what was not logged."""

    loss: float = math.nan
    correlation: float = math.nan
    snr_db: float = math.nan
    amplitude_percent: float = math.nan

    @property
    def moves_with_original(self) -> float:
        """The correlation, or what SNR and amplitude imply of it."""
        return self.correlation if not math.isnan(self.correlation) else correlation_of(self.snr_db, self.amplitude_percent / 100)


def signs_of_history(points: Sequence[Point]) -> tuple[Sign, ...]:
    """Return the signs in validations in their order: numbers lost in any of them, and the course of four and more."""
    return tuple(_of_history(points))


def _of_history(points: Sequence[Point]) -> Iterator[Sign]:
    for number, point in enumerate(points):
        infinite = any(math.isinf(value) for value in (point.loss, point.snr_db, point.amplitude_percent))
        lost = math.isnan(point.loss) and any(not math.isnan(before.loss) for before in points[:number])
        if infinite or lost:
            yield not_finite(f"validation {number + 1} of {len(points)} has loss {point.loss}, SNR {point.snr_db} dB")
            return
    if len(points) < 4:
        return
    third = max(1, len(points) // 3)
    first, last = points[:third], points[-third:]
    before, after = (float(np.mean([point.loss for point in part])) for part in (first, last))
    moving = [abs(point.moves_with_original) for point in last]
    shapeless = all(value < THRESHOLDS.min_correlation for value in moving)  # never where it is NaN
    if after < (1 - THRESHOLDS.min_loss_fall) * before and shapeless:
        yield Sign(
            "loss falls, nothing is learned",
            f"the loss went from {before:.3g} to {after:.3g} while the correlation stays at {max(moving):.2f}",
            f"needs {THRESHOLDS.min_correlation:g}, unless only magnitudes are trained",
            "the loss is won by level alone, towards silence or a constant, or another term (VQ, regularisation) falls for it",
            "log each term by itself, check the gradient path, and overfit one second",
        )
    snrs, levels = [[getattr(point, name) for point in (points[0], points[-1])] for name in ("snr_db", "amplitude_percent")]
    creeping = snrs[0] < snrs[1] <= ROUNDING_DB and levels[1] < levels[0] and levels[1] < THRESHOLDS.min_amplitude_percent
    if creeping:
        yield Sign(
            "SNR creeps up to 0 dB",
            f"SNR {snrs[0]:.2f} to {snrs[1]:.2f} dB while the amplitude went from {levels[0]:.0f} to {levels[1]:.0f} %",
            "above 0 dB, with a correlation, learning begins; silence has exactly 0 dB",
            "the output shrinks and the error with it: this is the collapse to silence and no learning",
            "stop; check the gradient path with the quantizer replaced by the identity, and look at the codebooks",
        )
