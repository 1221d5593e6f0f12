"""Times encoding and decoding beside Opus, in CPU seconds per second of sound, on one thread: python benchmarks/speed.py

A timing here decides nothing; the ratios are what travels from machine to machine. Speech: the bundled examples.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.evaluation.baselines.opus import decode_opus, encode_opus
from telucodec.runtime.codec import load_codec

SPEECH = Path(__file__).resolve().parent.parent / "examples" / "speech"
RUNS = 5


def cpu_s(work: Callable[[], object]) -> float:
    """Median CPU seconds of `work` over RUNS runs, after one that is not counted."""
    work()
    found = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found)


def both_ways(encode: Callable, decode: Callable, wave: np.ndarray) -> tuple[float, float]:
    """CPU seconds of encoding `wave`, and of decoding what came out."""
    data = encode(wave)
    return cpu_s(lambda: encode(wave)), cpu_s(lambda: decode(data))


def main() -> None:
    clips = [read_media(path) for path in sorted(SPEECH.rglob("*.flac"))]
    sounds = {"one clip": max(clips, key=lambda clip: clip.shape[-1]), "all clips": np.concatenate(clips, axis=-1)}
    codec = load_codec()
    for title, wave in sounds.items():
        duration_s = wave.shape[-1] / SAMPLE_RATE
        print(f"\n{title}, {duration_s:.1f} s of speech: CPU seconds per second of sound")
        print(f"{'codec':34} {'encode':>8} {'decode':>8} {'both':>8}  times real time  times Opus")
        opus = both_ways(lambda wave: encode_opus(wave, 6), decode_opus, wave)
        rows = {"Opus 6 kbps (libopus by PyAV)": opus}
        for mode in ("natural", "fidelity"):
            for option in ({"kbps": 6}, {"quality": 36}):
                title = f"telucodec {mode}, --" + " ".join(f"{name} {value}" for name, value in option.items())
                rows[title] = both_ways(partial(codec.encode, mode=mode, **option), codec.decode, wave)
        for name, (encoding, decoding) in rows.items():
            both = encoding + decoding
            shares = f"{encoding / duration_s:8.4f} {decoding / duration_s:8.4f} {both / duration_s:8.4f}"
            print(f"{name:34} {shares}  {duration_s / both:15.0f}  {both / sum(opus):10.1f}")


if __name__ == "__main__":
    main()
