"""How many bits fidelity mode saves over the first codec at equal SNR: python benchmarks/saving.py SPEECH_COLLECTION

The first codec is the model of the golden files, with integers rounded plainly, signs of a bit each, and nothing refined. What came since is added
one after the other. SNR is the mean over clips; rates are those of whole files, interpolated where SNR is the first codec's at --kbps.
"""

import argparse
from pathlib import Path

import numpy as np
import speech

from telucodec.metrics import METRICS
from telucodec.runtime.codec import load_codec
from telucodec.runtime.model import load_model
from telucodec.runtime.quantise import quantise
from telucodec.runtime.transform import TransformCodec

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
RATES = (0.82, 0.91, 1.0)
"""Of the first codec's rate."""


class FirstCodec(TransformCodec):
    """With integers that are rounded, whatever bits they take."""

    def _quantise(self, coefficients, step, power):
        return quantise(coefficients, step, power, self.model.shaping)


def kbps_and_snr(codec: TransformCodec, waves: list[np.ndarray], kbps: float) -> tuple[float, float]:
    """Mean rate and mean SNR in dB of `waves` [1, T] at about `kbps`."""
    rates, snrs = [], []
    for wave in waves:
        data = codec.encode(wave, kbps=kbps, mode="fidelity")
        rates.append(8 * len(data) * codec.sample_rate / wave.shape[-1] / 1000)
        snrs.append(METRICS["snr_db"].measure(wave[0], codec.decode(data)[0]).value)
    return float(np.mean(rates)), float(np.mean(snrs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path, help="folder with index.csv")
    parser.add_argument("--kbps", type=float, default=6.3)
    parser.add_argument("--clips", type=int, default=12, help="of each set")
    options = parser.parse_args()
    shipped, golden = load_codec(), load_model(GOLDEN)
    since = {
        "integers chosen by bits": TransformCodec(golden),
        "and signs foreseen": TransformCodec(load_model(GOLDEN / "signs")),
        "and two quantisers": TransformCodec(shipped.model),
        "and refined": shipped,
    }
    print(f"fidelity mode, first codec at {options.kbps} kbps: SNR, then bits saved at equal SNR, %")
    print("speech      SNR dB", *(f"{name:>25}" for name in since))
    found = speech.paths(options.collection)
    for name in ("telugu", "ljspeech", "librispeech", "kerstin", "malayalam"):
        waves = speech.waves(found[name][: options.clips])
        first_kbps, first_snr = kbps_and_snr(FirstCodec(golden), waves, options.kbps)
        print(f"{name:11} {first_snr:6.2f}", end="", flush=True)
        for codec in since.values():
            kbps, snr = np.transpose([kbps_and_snr(codec, waves, rate * options.kbps) for rate in RATES])
            print(f" {100 * (1 - np.exp(_interpolated(first_snr, snr, np.log(kbps))) / first_kbps):25.1f}", end="", flush=True)
        print()


def _interpolated(at: float, x: np.ndarray, y: np.ndarray) -> float:
    """y at `at`, on the straight line through the two nearest of x, and beyond them where it lies outside."""
    low = 0 if at < x[1] else 1
    return y[low] + (at - x[low]) * (y[low + 1] - y[low]) / (x[low + 1] - x[low])


if __name__ == "__main__":
    main()
