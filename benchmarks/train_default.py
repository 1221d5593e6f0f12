"""Trains the shipped transform model: python benchmarks/train_default.py SPEECH_COLLECTION --minutes 20

On two cores the networks take the minutes asked for; reading, preparing and counting about five more. With `--keep MODEL --learn fidelity` those that are
not named stay as they are in MODEL, with the tables of a mode that none is named of, and those that are go on from there; in 0 minutes tables are counted alone.
With `--live` as well they learn from live packets, and are those of calls.
"""

import argparse
import time
from pathlib import Path

import speech

from telucodec.runtime.model import PLANS, SAMPLE_RATE, SHIPPED, load_model
from telucodec.stream.codec import FILE_NAME
from telucodec.training.fit import FitConfig, fit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path, help="folder with index.csv")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--out", type=Path, help="default: where the shipped one is")
    parser.add_argument("--keep", type=Path, help="a model to begin with, whose other networks stay")
    parser.add_argument("--learn", nargs="+", choices=PLANS, metavar="NETWORKS", help=f"of {', '.join(PLANS)}; all, where not said")
    parser.add_argument("--live", action="store_true", help="learn from live packets, of one to three frames")
    options = parser.parse_args()
    if (options.learn or options.live) and not options.keep:
        parser.error("--learn and --live go on from networks there are: name their model with --keep")
    out = options.out or (SHIPPED.with_name(FILE_NAME) if options.live else SHIPPED)
    start, last = time.monotonic(), ""
    waves = speech.waves(speech.paths(options.collection)["train"], longest_s=10)
    print(f"{sum(wave.shape[-1] for wave in waves) / SAMPLE_RATE / 3600:.2f} hours in {len(waves)} clips", flush=True)

    def progress(done: float, total: float, name: str) -> None:
        nonlocal last
        if name != last:
            print(f"{time.monotonic() - start:6.0f} s  {name}", flush=True)
            last = name

    config = FitConfig(minutes=options.minutes, symbols=4_000_000)
    model = fit(waves, config, load_model(options.keep) if options.keep else None, progress, options.learn, options.live)
    model.save(out)
    print(f"{out}: model {model.identity.hex()}, {len(model.to_bytes()):,} bytes, after {time.monotonic() - start:.0f} s; {config}")


if __name__ == "__main__":
    main()
