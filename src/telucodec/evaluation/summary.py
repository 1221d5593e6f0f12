"""From trials to the numbers of a table: means with what they were taken over, nothing where nothing was measured."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from telucodec.evaluation.bootstrap import bootstrap_interval
from telucodec.evaluation.results import SpreadRow, SummaryRow, Trial
from telucodec.files import without_nan
from telucodec.metrics.metric import SAMPLE_RATE, Measured, NotMeasured
from telucodec.metrics.snr import pooled_snr_db

PCM_KBPS = 16 * SAMPLE_RATE / 1000
"""16-bit samples at 16 kHz, the rate that compression is stated against: 256 kbps. 40 times is 6.4 kbps."""


@dataclass(frozen=True)
class Spread:
    """A metric over clips. All NaN where no clip was measured."""

    mean: float
    low: float
    """Ends of the 95 % bootstrap interval of the mean; NaN for fewer than five clips. The clips are the sample: other speakers may differ by more."""
    high: float
    median: float
    least: float
    most: float
    num_measured: int
    reasons: tuple[tuple[str, int], ...]
    """Why the other clips were not, each with its number of clips, the most frequent first."""


@dataclass(frozen=True)
class Summary:
    """A contender over clips."""

    num_clips: int
    num_failed: int
    kbps: float
    """All bits over all seconds, of the clips that were encoded; NaN where none was."""
    payload_kbps: float
    """The same without header, checksums and index; equal for a codec of which nothing else is counted."""
    delay_ms: float
    """Median over clips of the time by which the output is still late, negative where early; NaN where it is like the original at no shift."""
    cpu_s_per_s: float
    """CPU seconds, encoding and decoding, for a second of audio; NaN where no clip came back."""
    pooled_snr: Measured
    """dB, of the energies of all clips that came back."""
    spreads: dict[str, Spread]
    """Per metric."""

    @property
    def ratio(self) -> float:
        """How many times smaller than 16-bit PCM."""
        return PCM_KBPS / self.kbps if self.kbps > 0 else math.nan


def summarise(trials: Sequence[Trial], metrics: Sequence[str]) -> Summary:
    """The trials of one contender, all of them or one group, as one row of a table."""
    coded = [trial for trial in trials if trial.kbps is not None]
    timed = [trial for trial in coded if trial.decode_s is not None]
    opened = [trial for trial in coded if trial.num_payload_bytes is not None]
    delays = [trial.delay for trial in trials if trial.delay is not None]
    return Summary(
        num_clips=len(trials),
        num_failed=sum(bool(trial.failure) for trial in trials),
        kbps=_ratio(8 * sum(trial.num_bytes for trial in coded) / 1000, sum(trial.duration_s for trial in coded)),
        payload_kbps=_ratio(8 * sum(trial.num_payload_bytes for trial in opened) / 1000, sum(trial.duration_s for trial in opened)),
        delay_ms=1000 * median(delays) / SAMPLE_RATE if delays else math.nan,
        cpu_s_per_s=_ratio(sum(trial.encode_s + trial.decode_s for trial in timed), sum(trial.duration_s for trial in timed)),
        pooled_snr=_pooled_snr(trials),
        spreads={name: _spread(trials, name) for name in metrics},
    )


def summary_rows(trials: Sequence[Trial], contenders: Sequence[str], metrics: Sequence[str]) -> tuple[SummaryRow, ...]:
    """Each contender over all clips, then over those of each language and of each group."""
    rows = []
    for name in contenders:
        own = [trial for trial in trials if trial.contender == name]
        rows.append(_row(name, "all", "", summarise(own, metrics)))
        for part in ("language", "group"):
            for value in sorted({getattr(trial, part) for trial in own} - {""}):
                rows.append(_row(name, part, value, summarise([trial for trial in own if getattr(trial, part) == value], metrics)))
    return tuple(rows)


def _row(contender: str, part: str, name: str, found: Summary) -> SummaryRow:
    return SummaryRow(
        contender=contender,
        part=part,
        name=name,
        num_clips=found.num_clips,
        num_failed=found.num_failed,
        kbps=without_nan(found.kbps),
        payload_kbps=without_nan(found.payload_kbps),
        times_smaller=without_nan(found.ratio),
        pooled_snr_db=without_nan(found.pooled_snr.value),
        pooled_snr_hole=found.pooled_snr.reason,
        delay_ms=without_nan(found.delay_ms),
        cpu_s_per_s=without_nan(found.cpu_s_per_s),
        metrics={metric: _spread_row(spread) for metric, spread in found.spreads.items()},
    )


def _spread_row(found: Spread) -> SpreadRow:
    numbers = without_nan({name: getattr(found, name) for name in ("mean", "low", "high", "median", "least", "most")})
    return SpreadRow(**numbers, num_measured=found.num_measured, holes=dict(found.reasons))


def _spread(trials: Sequence[Trial], metric: str) -> Spread:
    values = [trial.values[metric] for trial in trials if trial.values.get(metric) is not None]
    reasons = Counter(trial.holes.get(metric, "this metric was not run") for trial in trials if trial.values.get(metric) is None)
    if not values:
        return Spread(*[math.nan] * 6, 0, tuple(reasons.most_common()))
    low, high = (end.value for end in bootstrap_interval(np.array(values)))
    mean = math.fsum(values) / len(values)
    return Spread(mean, low, high, median(values), min(values), max(values), len(values), tuple(reasons.most_common()))


def _pooled_snr(trials: Sequence[Trial]) -> Measured:
    came_back = [trial for trial in trials if trial.signal_energy is not None and trial.noise_energy is not None]
    if not came_back:
        return Measured(math.nan, "no clip came back")
    try:
        signal, noise = (math.fsum(energies) for energies in zip(*((t.signal_energy, t.noise_energy) for t in came_back), strict=True))
        return Measured(pooled_snr_db(signal, noise))
    except NotMeasured as hole:
        return Measured(math.nan, str(hole))


def _ratio(amount: float, of: float) -> float:
    return amount / of if of > 0 else math.nan
