"""The fixed split of the speech collection behind the shipped weights and every benchmark.

A collection is a folder with `index.csv` (columns path, source, speaker, duration_s ...) and 16 kHz mono FLAC files. Never trained on:
Telugu, LJSpeech, LibriSpeech and Lyra clips, a thirteenth of the Malayalam speakers, an eighth of the Kerstin clips.
"""

import csv
import hashlib
from pathlib import Path

import numpy as np

from telucodec.audio.media import SAMPLE_RATE, read_media

TEST_ONLY = {"commonvoice-te": "telugu", "ljspeech-sample": "ljspeech", "librispeech-sample": "librispeech"}
SHORTEST_S = 1.5


def deal(name: str, parts: int) -> int:
    """The part, 0 to parts - 1, that `name` falls to, on every machine the same."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % parts


def _set_of(row: dict[str, str]) -> str:
    """Name of the set a clip belongs to: "train", a test set, or "unused"."""
    source = row["source"]
    if float(row["duration_s"]) < SHORTEST_S or source == "lyra-testdata":
        return "unused"
    if source in TEST_ONLY:
        return TEST_ONLY[source]
    if source == "rhasspy-kerstin" and deal(row["path"], 8) == 0:
        return "kerstin"
    if source == "smc-msc" and deal(row["speaker"], 13) == 0:
        return "malayalam"
    return "train"


def paths(collection: Path) -> dict[str, list[Path]]:
    """Paths of the clips of every set, in the order of their hashes, so that the first n are a fair sample."""
    sets: dict[str, list[Path]] = {}
    with open(collection / "index.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sets.setdefault(_set_of(row), []).append(collection / row["path"])
    return {name: sorted(found, key=lambda path: deal(path.name, 1 << 64)) for name, found in sets.items()}


def waves(found: list[Path], longest_s: float | None = None) -> list[np.ndarray]:
    """Sounds float32 [1, T] at 16 kHz, cut to `longest_s`."""
    size = None if longest_s is None else round(SAMPLE_RATE * longest_s)
    return [read_media(path)[:, :size] for path in found]
