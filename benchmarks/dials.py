"""Tries the dials of natural mode on speech never trained on: python benchmarks/dials.py SPEECH_COLLECTION --kbps 6.2 --dials 13:0.5 16:0.5

A dial is envelope power in 32nds, and the share of the replaced level at which noise fills zeros; the learned synthesis knows the shipped power alone. Prints means over clips.
"""

import argparse
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import speech

from telucodec.metrics import METRICS
from telucodec.runtime import quantise, transform
from telucodec.runtime.codec import load_codec

SETS = ("telugu", "ljspeech", "kerstin")
SHOWN = ("snr_db", "pesq", "stoi", "visqol")


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path, help="folder with index.csv")
    parser.add_argument("--kbps", type=float, default=6.2)
    parser.add_argument("--clips", type=int, default=12, help="of every set")
    parser.add_argument("--dials", nargs="+", default=["10:0.5", "13:0.5", "16:0.5", "19:0.5", "13:0.3", "13:1"])
    options = parser.parse_args()
    found = speech.paths(options.collection)
    codec = load_codec()
    print("power  noise  speech     kbps  " + "  ".join(f"{METRICS[name].label:>6}" for name in SHOWN))
    for dial in options.dials:
        power, noise = int(dial.split(":")[0]), float(dial.split(":")[1])
        with mock.patch.dict(transform.POWER_OF_MODE, natural=power), mock.patch.object(quantise, "NOISE_SHARE", noise):
            for name in SETS:
                rows = []
                for wave in speech.waves(found[name][: options.clips]):
                    data = codec.encode(wave, kbps=options.kbps)
                    decoded = codec.decode(data)
                    kbps = 8 * len(data) / wave.shape[-1] * 16
                    rows.append([kbps, *(METRICS[metric].measure(wave[0], decoded[0]).value for metric in SHOWN)])
                means = "  ".join(f"{mean:6.2f}" for mean in np.mean(rows, axis=0))
                print(f"{power:5d}  {noise:5.2f}  {name:9} {means}", flush=True)


if __name__ == "__main__":
    main()
