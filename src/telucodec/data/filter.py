"""What is worth learning from: segments long and loud enough, and not clipped; each other one with the reason and a remedy."""

from collections.abc import Iterable
from dataclasses import dataclass

from telucodec.data.manifest import Segment


@dataclass(frozen=True)
class FilterConfig:
    """Thresholds a segment is held against. The levels turn away digital silence and hum; a quiet room passes them."""

    min_duration_s: float = 1.0
    """Shorter ones would be mostly padding in a batch."""
    min_rms: float = 0.001
    """Root mean square must exceed this (full scale is 1)."""
    min_peak: float = 0.01
    """Largest magnitude must exceed this (full scale is 1)."""
    max_clipped_share: float = 0.01
    """Share of samples at full scale, 0 to 1."""


@dataclass(frozen=True)
class Rejection:
    """A segment that was turned away."""

    row: Segment
    reasons: tuple[str, ...]
    """Each with the measured value, the threshold and what to do."""

    def __str__(self) -> str:
        end_s = self.row.start_s + self.row.duration_s
        return f"{self.row.recording}, {self.row.start_s:.1f} to {end_s:.1f} s: {'; '.join(self.reasons)}"


def sift(rows: Iterable[Segment], config: FilterConfig = FilterConfig()) -> tuple[list[Segment], list[Rejection]]:
    """Return the rows to keep and those to reject, both in their order."""
    kept, rejected = [], []
    for row in rows:
        reasons = reasons_against(row, config)
        if reasons:
            rejected.append(Rejection(row, reasons))
        else:
            kept.append(row)
    return kept, rejected


def reasons_against(row: Segment, config: FilterConfig = FilterConfig()) -> tuple[str, ...]:
    """Return why `row` is not worth learning from, nothing if it is. A measure that is NaN speaks against it."""
    reasons = []
    if not row.duration_s >= config.min_duration_s:
        reasons.append(f"too short: {row.duration_s:.2f} s, needs {config.min_duration_s:g} s: record longer or leave it out")
    if not row.peak > config.min_peak:
        reasons.append(f"too quiet: peak {row.peak:.3g}, needs more than {config.min_peak:g}: raise the gain or leave it out")
    if not row.rms > config.min_rms:
        reasons.append(f"mostly silent: RMS {row.rms:.3g}, needs more than {config.min_rms:g}: check the microphone or leave it out")
    if not row.clipped_share <= config.max_clipped_share:
        clipped, allowed = 100 * row.clipped_share, 100 * config.max_clipped_share
        reasons.append(f"clipped: {clipped:.3g} % of samples at full scale, at most {allowed:g} %: record again with less gain")
    return tuple(reasons)
