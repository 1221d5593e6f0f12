"""Times encoding and decoding beside peers, in CPU seconds per second of sound, on one thread: python benchmarks/speed.py

A timing here decides nothing; the ratios are what travels from machine to machine. Speech: the bundled examples. Lyra v2 needs TELUCODEC_LYRA and
`pip install "telucodec[peers]"`; EnCodec, whose speed does not depend on its weights, has random ones and needs `pip install "telucodec[encodec]"`.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import math
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.audio.resample import resampled
from telucodec.errors import TelucodecError
from telucodec.evaluation.baselines import lyra
from telucodec.evaluation.baselines.opus import decode_opus, encode_opus
from telucodec.evaluation.baselines.opus import payload_bytes as opus_bytes
from telucodec.runtime.codec import load_codec

SPEECH = Path(__file__).resolve().parent.parent / "examples" / "speech"
RUNS = 5
QUALITIES = {"natural": 26, "fidelity": 24}
"""With which this speech takes about 6 kbps."""
ENCODEC_RATE = 24_000

Ways = tuple[Callable, Callable, Callable]
"""To encode a wave [1, T], to decode what came out, and to tell how many bytes of payload that has; of ours, the whole file."""


def cpu_s(work: Callable[[], object]) -> float:
    """Median CPU seconds of `work` over RUNS runs, after one that is not counted."""
    work()
    found = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found)


def ours() -> dict[str, Ways]:
    codec = load_codec()
    options = [(mode, option) for mode, quality in QUALITIES.items() for option in ({"kbps": 6}, {"quality": quality})]
    return {
        f"telucodec {mode}, " + " ".join(f"--{name} {value}" for name, value in option.items()): (
            partial(codec.encode, mode=mode, **option),
            codec.decode,
            len,
        )
        for mode, option in options
    }


def lyra_v2() -> dict[str, Ways]:
    """Raises TelucodecError where it is not installed."""
    contender = lyra.lyra(6)
    return {contender.label: (contender.encode, contender.decode, contender.num_bytes)}


def encodec() -> dict[str, Ways]:
    """Raises ImportError where it is not installed."""
    import torch
    from transformers import EncodecConfig, EncodecModel

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = EncodecModel(EncodecConfig()).eval()

    @torch.inference_mode()
    def encode(wave):
        return model.encode(torch.from_numpy(resampled(wave, SAMPLE_RATE, ENCODEC_RATE))[None], bandwidth=6.0)

    @torch.inference_mode()
    def decode(coded):
        return resampled(model.decode(coded.audio_codes, coded.audio_scales).audio_values[0].numpy(), ENCODEC_RATE, SAMPLE_RATE)

    def num_bytes(coded):
        return coded.audio_codes.numel() * math.log2(model.config.codebook_size) / 8

    return {"EnCodec 6 kbps, 24 kHz (PyTorch)": (encode, decode, num_bytes)}


def main() -> None:
    codecs: dict[str, Ways] = {"Opus 6 kbps (libopus by PyAV)": (partial(encode_opus, kbps=6), decode_opus, opus_bytes)} | ours()
    for peer in (lyra_v2, encodec):
        try:
            codecs |= peer()
        except (TelucodecError, ImportError) as error:
            print(f"not measured: {error}")
    clips = [read_media(path) for path in sorted(SPEECH.rglob("*.flac"))]
    sounds = {"one clip": max(clips, key=lambda clip: clip.shape[-1]), "all clips": np.concatenate(clips, axis=-1)}
    for title, wave in sounds.items():
        duration_s = wave.shape[-1] / SAMPLE_RATE
        print(f"\n{title}, {duration_s:.1f} s of speech: CPU seconds per second of sound")
        print(f"{'codec':34} {'kbps':>5} {'encode':>8} {'decode':>8} {'both':>8}  times real time  times Opus")
        opus = None
        for name, (encode, decode, num_bytes) in codecs.items():
            data = encode(wave)
            encoding, decoding = cpu_s(lambda encode=encode, wave=wave: encode(wave)), cpu_s(lambda decode=decode, data=data: decode(data))
            both = encoding + decoding
            opus = opus or both
            kbps = 8 * num_bytes(data) / duration_s / 1000
            shares = f"{encoding / duration_s:8.4f} {decoding / duration_s:8.4f} {both / duration_s:8.4f}"
            print(f"{name:34} {kbps:5.2f} {shares}  {duration_s / both:15.0f}  {both / opus:10.1f}", flush=True)


if __name__ == "__main__":
    main()
