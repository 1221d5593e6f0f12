"""Does a codec ring? Steady tones that the original has not: python benchmarks/rings.py SPEECH_COLLECTION [--synthesis FILE ...]

PESQ and ViSQOL average over bands and hardly hear tones between them. The long-term spectrum of speech is smooth above 3 kHz; so its
deviation in dB from its own running median there (3 to 7.5 kHz, bins of 7.8 Hz, median over 480 Hz) tells: near the original's is well, a dB above it
stripes a spectrogram. Natural mode at --kbps, without and with the learned synthesis, and with those of other files.
"""

import argparse
from pathlib import Path

import numpy as np
import speech
from scipy.ndimage import median_filter

from telucodec.audio.media import SAMPLE_RATE
from telucodec.runtime.model import WEIGHTS, load_model
from telucodec.runtime.synthesis import USES, Synthesis
from telucodec.runtime.transform import TransformCodec

WINDOW, HOP = 2048, 512
LOWEST_HZ, HIGHEST_HZ = 3000, 7500
MEDIAN_BINS = 61
QUIET_PERCENT = 40
"""Of frames, the quietest there, that are left out."""


def unevenness_db(wave: np.ndarray) -> float:
    """RMS deviation of the long-term spectrum of wave [1, T] from its running median, frames counting alike."""
    padded = np.pad(wave[0].astype(np.float64), WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    low, high = (round(hertz * WINDOW / SAMPLE_RATE) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(WINDOW))))[:, low:high]
    level = power.sum(axis=1, keepdims=True)
    power = (power / np.maximum(level, 1e-12))[level[:, 0] > np.percentile(level, QUIET_PERCENT)]
    spectrum = 10 * np.log10(power.mean(axis=0) + 1e-12)
    return float(np.sqrt(np.mean((spectrum - median_filter(spectrum, MEDIAN_BINS)) ** 2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path)
    parser.add_argument("--synthesis", type=Path, nargs="*", default=[], help="other files than the shipped one")
    parser.add_argument("--kbps", type=float, default=6.3)
    parser.add_argument("--clips", type=int, default=4, help="of each set")
    options = parser.parse_args()
    found, model = speech.paths(options.collection), load_model()
    decoders = {"plain": TransformCodec(model)}
    for path in (WEIGHTS / USES["natural"].file_name, *options.synthesis):
        decoders[str(path)] = TransformCodec(model, syntheses={"natural": Synthesis(path.read_bytes, str(path))})
    print("unevenness of the long-term spectrum, dB")
    for name in ("telugu", "ljspeech", "kerstin", "malayalam"):
        waves = speech.waves(found[name][: options.clips])
        coded = [decoders["plain"].encode(wave, kbps=options.kbps) for wave in waves]
        print(f"{name:10} original {np.mean([unevenness_db(wave) for wave in waves]):.2f}", end="")
        for title, decoder in decoders.items():
            print(f"  {title} {np.mean([unevenness_db(decoder.decode(data)) for data in coded]):.2f}", end="", flush=True)
        print()


if __name__ == "__main__":
    main()
