"""What packets cost: contexts start afresh in each. python benchmarks/packets.py SPEECH_COLLECTION"""

import argparse
from pathlib import Path
from unittest import mock

import numpy as np
import speech

from telucodec.runtime import transform
from telucodec.runtime.codec import load_codec

PACKET_FRAMES = (4000, 250, 50)
"""80 s, which is nearly no restart, the 5 s of files, and 1 s."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path, help="folder with index.csv")
    options = parser.parse_args()
    codec, found = load_codec(), speech.paths(options.collection)
    print("speech     mode      5 s, % more than 80 s  1 s, % more than 80 s")
    for name in ("telugu", "ljspeech", "kerstin"):
        wave = np.concatenate(speech.waves(found[name][:16]), axis=-1)
        for mode in ("natural", "fidelity"):
            sizes = []
            for frames in PACKET_FRAMES:
                with mock.patch.object(transform, "PACKET_FRAMES", frames):
                    sizes.append(len(codec.encode(wave, quality=38, mode=mode)))
            more = [100 * (size / sizes[0] - 1) for size in sizes[1:]]
            print(f"{name:10} {mode:9} {more[0]:21.2f} {more[1]:22.2f}", flush=True)


if __name__ == "__main__":
    main()
