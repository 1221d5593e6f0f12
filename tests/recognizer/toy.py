"""A language of tones that a tiny recogniser learns in seconds: five letters, each a chord of its own, and words of them."""

from pathlib import Path

import numpy as np

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.data.manifest import Segment, write_manifest
from telucodec.recognizer.train import Request, run

LETTERS = {"k": 400, "a": 700, "t": 1200, "i": 2000, "s": 3300}
LETTER_S = 0.16
SETTINGS = """
[units]
least_count = 1

[model]
width = 32
num_blocks = 1
num_heads = 2
expansion = 2
kernel = 7
channels = 8
dropout = 0.0

[batches]
batch_s = 24.0

[augment]
speeds = [0.95, 1.0, 1.05]
band_masks = 0
time_masks = 0

[optimiser]
learning_rate = 5e-3
warmup_updates = 10
betas = [0.9, 0.98]
average_decay = 0.9
"""


def spoken(text: str, rng: np.random.Generator) -> np.ndarray:
    """Wave [1, T] of `text`."""
    pieces = [np.zeros(SAMPLE_RATE // 10)]
    for letter in text:
        size = round(LETTER_S * SAMPLE_RATE * rng.uniform(0.9, 1.1))
        place = np.arange(size) / SAMPLE_RATE
        pitch = LETTERS.get(letter, 0) * rng.uniform(0.97, 1.03)
        pieces.append(0.2 * np.hanning(size) * (np.sin(2 * np.pi * pitch * place) + 0.5 * np.sin(4 * np.pi * pitch * place)))
    wave = np.concatenate([*pieces, np.zeros(SAMPLE_RATE // 10)])
    return (wave + rng.normal(0, 1e-3, len(wave))).astype(np.float32)[None]


def texts(count: int, rng: np.random.Generator) -> list[str]:
    """Sentences of one to three words."""
    return [" ".join("".join(rng.choice(list(LETTERS), size=rng.integers(2, 6))) for _ in range(rng.integers(1, 4))) for _ in range(count)]


def make(folder: Path, train: int = 60, val: int = 12) -> Path:
    """train.csv, val.csv, their sounds, and toy.toml in `folder`."""
    rng = np.random.default_rng(0)
    for part, count in (("train", train), ("val", val)):
        rows = []
        for number, text in enumerate(texts(count, rng)):
            path = folder / "audio" / f"{part}-{number}.flac"
            size = write_audio(path, spoken(text, rng), SAMPLE_RATE)
            name = path.relative_to(folder).as_posix()
            rows.append(Segment(name, 0.0, size / SAMPLE_RATE, name, f"s{number % 12}", 0.1, 0.3, 0.0, text, "xx", "toy"))
        write_manifest(folder / f"{part}.csv", rows)
    (folder / "toy.toml").write_text(SETTINGS)
    return folder


def request_of(folder: Path, **changes: object) -> Request:
    """A short run on what `make` made."""
    asked = {
        "data": folder,
        "config": str(folder / "toy.toml"),
        "minutes": None,
        "epochs": 24,
        "runs": folder / "runs",
        "name": None,
        "resume": None,
        "start": None,
        "gates": False,
        "precision": "32",
        "wandb": False,
        "command": "a test",
    }
    return Request(**asked | changes)


def quietly(request: Request):
    """Run it, tell nobody; folder and outcome."""
    return run(request, lambda line: None, lambda done, total, name: None)
