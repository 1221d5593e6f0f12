"""Percentiles of levels over a whole file in constant memory: a stream cut into frames, their levels counted in a histogram."""

import numpy as np

LOWEST_DB = -160
STEP_DB = 0.5
NUM_STEPS = 340
"""Levels from -160 to +10 dB in steps of 0.5; digital silence counts as the lowest."""

NO_POWER = 1e-16
"""LOWEST_DB as a power, so that a logarithm always has a value."""


def decibels(power: np.ndarray) -> np.ndarray:
    """Return `power`, full scale at 1, in dB, at least LOWEST_DB."""
    return 10 * np.log10(np.maximum(power, NO_POWER))


def runs(marked: np.ndarray) -> np.ndarray:
    """Return first and one past the last index [N, 2] of each run in marked [T]."""
    return np.flatnonzero(np.diff(np.pad(marked, 1).astype(np.int8))).reshape(-1, 2)


class Frames:
    """Cuts a stream, pushed piece by piece, into overlapping frames; the same ones wherever the pieces begin and end."""

    def __init__(self, size: int, hop: int) -> None:
        self.size, self.hop = size, hop
        self.held = np.empty(0, np.float32)
        self.count = 0

    def push(self, wave: np.ndarray) -> np.ndarray:
        """Take wave [T] and return the frames [F, size] that it completes."""
        held = np.concatenate([self.held, wave])
        num_frames = max(0, (len(held) - self.size) // self.hop + 1)
        self.held = held[num_frames * self.hop :]
        self.count += num_frames
        if not num_frames:
            return np.empty((0, self.size), np.float32)
        return np.lib.stride_tricks.sliding_window_view(held, self.size)[:: self.hop][:num_frames]

    def finish(self) -> np.ndarray:
        """Return the frame [1, size] of a stream shorter than one, zeros behind it; none of any other stream [0, size]."""
        return self.push(np.zeros(self.size - len(self.held), np.float32)) if not self.count else np.empty((0, self.size), np.float32)


class LevelHistogram:
    """How often each of N quantities had which level."""

    def __init__(self, num_rows: int) -> None:
        self.counts = np.zeros((num_rows, NUM_STEPS), np.int64)

    def add(self, levels_db: np.ndarray) -> None:
        """Count levels_db [F, N]."""
        steps = np.clip((levels_db - LOWEST_DB) / STEP_DB, 0, NUM_STEPS - 1).astype(np.int64)
        cells = np.arange(len(self.counts)) * NUM_STEPS + steps
        self.counts += np.bincount(cells.ravel(), minlength=self.counts.size).reshape(self.counts.shape)

    def percentile(self, percent: float) -> np.ndarray:
        """Return the level [N] in dB that `percent` of the counts lie at or below, to one step."""
        reached = np.cumsum(self.counts, axis=1) >= percent / 100 * self.counts.sum(axis=1, keepdims=True) - 1e-9
        return LOWEST_DB + STEP_DB * np.argmax(reached & (np.cumsum(self.counts, axis=1) > 0), axis=1)

    def share_below(self, level_db: float) -> float:
        """Return the share of all counts that lie below `level_db`, a multiple of the step."""
        return float(self.counts[:, : round((level_db - LOWEST_DB) / STEP_DB)].sum() / self.counts.sum())
