"""Fits the spectra that short packets start from, on the training part of the speech: python benchmarks/fit_starts.py SPEECH_COLLECTION

k-means over envelope levels at the steps of about 3 to 24 kbps, and the mean magnitude code at every level of the envelope over the step.
"""

import argparse
from pathlib import Path

import numpy as np
import speech
from safetensors.numpy import save

from telucodec.audio.mdct import whole_mdct
from telucodec.files import write_whole
from telucodec.runtime.context import MAGNITUDE_CODES
from telucodec.runtime.frames import Side
from telucodec.runtime.model import HOP, Shaping
from telucodec.runtime.quantise import STEP_UNITS, quantise, step_size
from telucodec.runtime.start import LARGEST_RELATIVE, NUM_STARTS, SHIPPED
from telucodec.runtime.transform import POWER_OF_MODE

FINER_OCTAVES = (-1.5, -0.75, 0.0, 0.75, 1.5, 2.5)
"""Octaves by which steps are finer than a clip's RMS."""
CLIPS, LONGEST_S, ROUNDS = 300, 4.0, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path, help="folder with index.csv")
    options = parser.parse_args()
    rng, levels = np.random.default_rng(0), []
    sums, counts = np.zeros(2 * LARGEST_RELATIVE + 1), np.zeros(2 * LARGEST_RELATIVE + 1)
    for wave in speech.waves(speech.paths(options.collection)["train"][:CLIPS], LONGEST_S):
        coefficients = whole_mdct(wave[0], HOP)
        octaves = rng.choice(FINER_OCTAVES) - np.log2(np.sqrt((wave**2).mean()) + 1e-6)
        step, power = step_size(round(STEP_UNITS * octaves)), POWER_OF_MODE["natural"]
        frames = quantise(coefficients, step, power, Shaping())
        levels.append(frames.levels)
        codes = MAGNITUDE_CODES[np.minimum(np.abs(frames.halves), len(MAGNITUDE_CODES) - 1)]
        classes = Side.of(frames.levels, power, Shaping()).relative.astype(np.int32) + LARGEST_RELATIVE
        sums += np.bincount(classes[1:].ravel(), codes[:-1].ravel(), len(sums))
        counts += np.bincount(classes[1:].ravel(), minlength=len(sums))
    levels = np.concatenate(levels)
    seen = counts > 0
    usual = np.round(np.interp(np.arange(len(sums)), np.flatnonzero(seen), sums[seen] / counts[seen])).astype(np.int8)
    means = clusters(levels.astype(np.float32), rng)
    write_whole(SHIPPED, save({"levels": np.round(means).astype(np.int8), "usual": usual}))
    print(f"{SHIPPED}: {NUM_STARTS} starts of {len(levels):,} frames")


def clusters(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Means [NUM_STARTS, D] of `points` [n, D] by k-means; one that lost all its points gets a new place."""
    means = points[rng.choice(len(points), NUM_STARTS, replace=False)]
    for _ in range(ROUNDS):
        nearest = ((means**2).sum(axis=1) - 2 * points @ means.T).argmin(axis=1)
        counts = np.bincount(nearest, minlength=NUM_STARTS)
        order = nearest.argsort(kind="stable")
        used = counts > 0
        sums = np.add.reduceat(points[order], (counts.cumsum() - counts)[used])
        means[used] = sums / counts[used, None]
        means[~used] = points[rng.choice(len(points), np.count_nonzero(~used))]
    return means


if __name__ == "__main__":
    main()
