"""Fingerprints that find the same sound again after a change of level, format or codec, or when its ends are cut.

After Haitsma and Kalker, "A highly robust audio fingerprinting system" (ISMIR 2002): a bit tells whether the difference of energy
between two neighbouring bands grows or falls from one frame to a later one. Long overlapping frames make up for any shift between
two copies; where whole hashes agree the copies are laid over each other, and the share of differing bits decides.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.levels import Frames, decibels

FRAME_SAMPLES, HOP_SAMPLES = 4096, 512
"""256 ms every 32 ms: a copy shifted by half a hop still gives nearly the same frames."""

NUM_BITS = 20
LAG = 2
"""Frames between the two that are compared."""

LONGEST_S = 60
"""Only the beginning is kept, so memory does not grow with the file: 128 bytes a second."""

LOUD_DB = 30
"""Frames further than this below the loudest are pauses, where bits are noise."""

MIN_FRAMES = 16
"""Fewer loud frames in common than this, half a second, prove nothing."""

MAX_DIFFERING = 0.17
"""Share of bits of two copies. A shift changes 0.12 of them, Opus at 12 kbps as many, at 6 kbps 0.21; unrelated speech is beyond 0.3."""

FEW_FRAMES, MAX_DIFFERING_OF_FEW = 64, 0.13
"""With less than 2 s of loud frames in common the same few words, spoken again, have come to 0.15."""

UNRELATED, MIN_RELATED = 0.27, 0.9
"""A stretch of 2 s with more bits that differ is other sound, and so share a copy less than a tenth: two films with one opening share the rest with none."""

STRIDE = 1 << 14
"""More than twice the frames of the longest fingerprint, so that an index and a shift fit into one number."""

_EDGES = np.round(np.geomspace(250, 3500, NUM_BITS + 2) * FRAME_SAMPLES / SAMPLE_RATE).astype(int)
_WINDOW = np.hanning(FRAME_SAMPLES).astype(np.float32)


class Fingerprinter:
    """Takes a stream piece by piece; `finish` returns its fingerprint."""

    def __init__(self) -> None:
        self.frames = Frames(FRAME_SAMPLES, HOP_SAMPLES)
        self.energies: list[np.ndarray] = []

    def push(self, wave: np.ndarray) -> None:
        """Take wave [T] at 16 kHz."""
        if self.frames.count * HOP_SAMPLES < LONGEST_S * SAMPLE_RATE:
            self._add(self.frames.push(wave))

    def finish(self) -> np.ndarray:
        """Return hashes [F] of NUM_BITS bits each, -1 in pauses."""
        self._add(self.frames.finish())
        energies = np.concatenate(self.energies)  # [F, bands]
        if len(energies) <= LAG:
            return np.empty(0, np.int64)
        slopes = np.diff(energies, axis=1)
        bits = slopes[LAG:] > slopes[:-LAG]
        hashes = bits @ (1 << np.arange(NUM_BITS))
        levels_db = decibels(energies.sum(axis=1))
        loud = levels_db > max(levels_db.max() - LOUD_DB, -70)
        return np.where(loud[LAG:] & loud[:-LAG], hashes, -1)

    def _add(self, frames: np.ndarray) -> None:
        power = np.square(np.abs(np.fft.rfft(frames * _WINDOW))) / FRAME_SAMPLES
        self.energies.append(np.add.reduceat(power, _EDGES, axis=1)[:, :-1])


def duplicates(fingerprints: Iterable[np.ndarray]) -> Iterator[tuple[int, int]]:
    """Yield (index, earlier index) for each fingerprint that is a copy, or a part, of an earlier one, or holds one.

    Give the longest first, so that wholes stay and their parts go.
    Memory takes 16 bytes for each hash and 100 for each different one: some 250 MB for 80 hours.
    """
    kept: dict[int, np.ndarray] = {}
    places: dict[int, array] = defaultdict(lambda: array("q"))  # hash -> index * STRIDE + frame of each place that has it
    for index, hashes in enumerate(fingerprints):
        for earlier, shift in _likely(hashes, places):
            if _are_copies(kept[earlier], hashes, shift):
                yield index, earlier
                break
        else:
            kept[index] = hashes
            for frame in np.flatnonzero(hashes >= 0).tolist():
                places[int(hashes[frame])].append(index * STRIDE + frame)


def _likely(hashes: np.ndarray, places: dict[int, array]) -> list[tuple[int, int]]:
    """Return (earlier index, shift) of the 8 ways to lay `hashes` over earlier ones in which most hashes agree."""
    met = [np.array(places[found]) - frame for frame, found in enumerate(hashes.tolist()) if found in places]
    if not met:
        return []
    ways, votes = np.unique(np.concatenate(met) + STRIDE // 2, return_counts=True)  # shifts may be negative
    best = ways[np.argsort(-votes, kind="stable")[:8]].tolist()
    return [(way // STRIDE, way % STRIDE - STRIDE // 2) for way in best]


def _are_copies(earlier: np.ndarray, later: np.ndarray, shift: int) -> bool:
    """Return whether the two agree where `later` begins `shift` frames into `earlier` and most of the shorter one lies on the other."""
    first = max(0, -shift)
    size = min(len(later) - first, len(earlier) - first - shift)
    ours, theirs = later[first:][:size], earlier[first + shift :][:size]
    both = (ours >= 0) & (theirs >= 0)
    num_both, fewer = both.sum(), min((earlier >= 0).sum(), (later >= 0).sum())
    if num_both < max(MIN_FRAMES, 0.7 * fewer):
        return False
    differing = np.bitwise_count(ours[both] ^ theirs[both]) / NUM_BITS
    if differing.mean() >= (MAX_DIFFERING if num_both >= FEW_FRAMES else MAX_DIFFERING_OF_FEW):
        return False
    stretches = np.array_split(differing, max(1, num_both // FEW_FRAMES))
    return bool(np.mean([stretch.mean() < UNRELATED for stretch in stretches]) >= MIN_RELATED)
