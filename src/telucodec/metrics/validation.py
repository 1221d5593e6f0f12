"""Many pairs as the few numbers a validation logs: energies are pooled, decibels of single files only shown beside them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from telucodec.metrics.metric import Measured, NotMeasured
from telucodec.metrics.pair import Pair
from telucodec.metrics.snr import pooled_snr_db


@dataclass(frozen=True)
class Validation:
    """Pairs [num_pairs] that were measured together. What cannot be said of all of them is NaN with a reason."""

    pairs: Sequence[Pair]

    @property
    def snr_db(self) -> Measured:
        """Of all energies together."""
        hole = self._hole()
        if hole:
            return Measured(math.nan, hole)
        try:
            signal = math.fsum(pair.reference.energy for pair in self.pairs)
            return Measured(pooled_snr_db(signal, math.fsum(pair.noise_energy for pair in self.pairs)))
        except NotMeasured as reason:
            return Measured(math.nan, str(reason))

    @property
    def amplitude_percent(self) -> Measured:
        """Of all energies together."""
        signal, output = self._energies()
        return self._measured(signal, "the original is silent", lambda: 100 * math.sqrt(output / signal))

    @property
    def correlation(self) -> Measured:
        """Of all samples, each wave without its own mean."""
        squares = [
            math.fsum(wave.num_samples * wave.std**2 for wave in waves)
            for waves in ([pair.reference for pair in self.pairs], [pair.estimate for pair in self.pairs])
        ]
        power = math.prod(squares)
        return self._measured(
            power,
            "the original or the output is silent or constant",
            lambda: math.fsum(pair.covariance for pair in self.pairs) / math.sqrt(power),
        )

    @property
    def signal_power(self) -> Measured:
        """Mean square of all samples of the originals."""
        return self._mean([pair.reference.energy for pair in self.pairs])

    @property
    def noise_power(self) -> Measured:
        """Mean square of all differences."""
        return self._mean([pair.noise_energy for pair in self.pairs])

    def spread(self, name: str) -> tuple[float, float, float, int]:
        """Least, mean and greatest of a measure such as "snr_db" over the pairs that have it, and their number; NaN where none has."""
        values = [value for pair in self.pairs if not math.isnan(value := getattr(pair, name).value)]
        if not values:
            return math.nan, math.nan, math.nan, 0
        return min(values), math.fsum(values) / len(values), max(values), len(values)

    def range_of(self, side: str) -> tuple[float, float]:
        """Least and greatest sample of all waves on a `side`, "reference" or "estimate"; NaN where one is not finite."""
        waves = [getattr(pair, side) for pair in self.pairs]
        if self._hole():
            return math.nan, math.nan
        return min(wave.least for wave in waves), max(wave.most for wave in waves)

    def _energies(self) -> tuple[float, float]:
        return math.fsum(pair.reference.energy for pair in self.pairs), math.fsum(pair.estimate.energy for pair in self.pairs)

    def _hole(self) -> str:
        """Why nothing can be pooled; empty where it can."""
        if not any(pair.reference.num_samples for pair in self.pairs):
            return "no pairs with samples"
        broken = sum(bool(pair.reference.num_not_finite or pair.estimate.num_not_finite) for pair in self.pairs)
        return f"{broken} of {len(self.pairs)} pairs hold NaN or infinity" if broken else ""

    def _mean(self, energies: list[float]) -> Measured:
        return self._measured(1.0, "", lambda: math.fsum(energies) / sum(pair.reference.num_samples for pair in self.pairs))

    def _measured(self, needed: float, otherwise: str, compute) -> Measured:
        hole = self._hole() or (otherwise if not needed > 0 else "")
        return Measured(math.nan, hole) if hole else Measured(compute())
