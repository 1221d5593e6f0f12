"""Trains the shipped learned synthesis: python benchmarks/train_synthesis.py SPEECH_COLLECTION --run runs/synthesis --minutes 55

With `--recipe refinement --run runs/refinement` the refinement of fidelity mode, with `--live --run runs/live` the synthesis of live
packets. Matrices are stored in 8 bits, with scales fixed by what sounds kept out are like. `--from src/telucodec/weights/synthesis.onnx` learns on from what is shipped.

Run again with more minutes, it goes on where it was, on this machine or on another that RUN was copied to, on a CPU or a GPU. Preparing takes
about a quarter of an hour more, calls an hour and a half, and up to 6.5 GB in RUN.
"""

import argparse
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import speech
import torch
from lightning_fabric import Fabric
from torch import Tensor

from telucodec.audio.resample import resampled
from telucodec.config import parse, read_toml
from telucodec.export.eight_bits import in_eight_bits
from telucodec.export.graphs import synthesis_graph
from telucodec.export.parameters import parameters_of
from telucodec.export.sixteen_bits import in_sixteen_bits
from telucodec.files import write_whole
from telucodec.runtime.model import HOP, SAMPLE_RATE, WEIGHTS, load_model
from telucodec.runtime.synthesis import USES
from telucodec.stream import load_live_codec
from telucodec.training.launch import precision_of
from telucodec.training.recipe import CONFIGS
from telucodec.training.synthesis import Crops, Prepared, SynthesisRecipe, ended_with, prepared, train_synthesis

HELD_OUT = {"malayalam": 12, "kerstin": 12}
"""Clips of each set to validate with."""
LONGEST_S = 10.0
COPIES = {"natural": 5, "fidelity": 3, "live": 1}
"""Of all that is trained on, each coded anew at other steps, and heard otherwise: at another speed and in another colour."""
SPEED_OCTAVES = (-0.04, 0.22)
"""Up to a sixth faster: what is slower has nothing in its highest band."""
COLOUR_POINTS, COLOUR_DB = 6, 2.0
"""Evenly spread frequencies whose levels are moved, and the standard deviation of that; straight lines between."""
CALIBRATION_BATCHES = 12
"""Of crops, by which the scales of 8 bits are chosen."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path, help="folder with index.csv")
    parser.add_argument("--run", type=Path, default=Path("runs/synthesis"))
    parser.add_argument("--minutes", type=float, default=55)
    parser.add_argument("--from", dest="start", type=Path, help="folder of a run, or an ONNX file, whose network a new run begins with")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--recipe", choices=["synthesis", "refinement"], default="synthesis")
    which.add_argument("--live", action="store_true", help="the synthesis, for live packets")
    parser.add_argument("--out", type=Path, help="default: where the shipped one is")
    options = parser.parse_args()
    path = CONFIGS / f"{options.recipe}.toml"
    recipe = parse(read_toml(path) | ({"mode": "live"} if options.live else {}), SynthesisRecipe, path)
    out = options.out or WEIGHTS / USES[recipe.mode].file_name
    found, model = speech.paths(options.collection), load_live_codec().model if options.live else load_model()
    held_out = [path for name, count in HELD_OUT.items() for path in found[name][:count]]
    train = []
    for number in range(1 + COPIES[recipe.mode]):
        folder = options.run / (f"train-{number}" if number else "train")
        waves = partial(_heard, found["train"], number)
        train.append(prepared(waves, model, recipe.mode, folder, recipe.seed + 10 * number, _progress))
    validation = prepared(lambda: speech.waves(held_out), model, recipe.mode, options.run / "val", recipe.seed + 1, _progress)
    fabric = Fabric(accelerator="auto", devices=1, precision=precision_of("auto"))
    net = train_synthesis(
        recipe, train, validation, options.minutes, options.run, fabric, _say, start=options.start and _parameters(options.start)
    )
    graph = synthesis_graph(net.cpu().eval().requires_grad_(False))
    graph = in_sixteen_bits(in_eight_bits(graph, told(recipe, validation)))
    write_whole(out, graph)
    print(f"{out}: {len(graph):,} bytes")


def _parameters(start: Path) -> Mapping[str, Tensor]:
    """Those of the run in the folder, or of the network in the ONNX file `start`."""
    return ended_with(start) if start.is_dir() else parameters_of(start.read_bytes())


def _heard(found: list[Path], copy: int) -> list[np.ndarray]:
    """Sounds [1, T] of `found`; of a `copy` but the first, 0, as others might have spoken them."""
    rng, waves = np.random.default_rng(10 * copy), speech.waves(found, LONGEST_S)
    return [_otherwise(wave, rng) for wave in waves] if copy else waves


def _otherwise(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`wave` [1, T] from a sample of its first frame on, at another speed and in another colour, within full scale."""
    wave = wave[:, rng.integers(HOP) :]
    wave = resampled(wave, SAMPLE_RATE, round(SAMPLE_RATE * 2 ** -rng.uniform(*SPEED_OCTAVES)))
    spectrum = np.fft.rfft(wave)
    decibels = np.interp(np.linspace(0, 1, spectrum.shape[-1]), np.linspace(0, 1, COLOUR_POINTS), rng.normal(0, COLOUR_DB, COLOUR_POINTS))
    coloured = np.fft.irfft(spectrum * 10 ** (decibels / 20), wave.shape[-1]).astype(np.float32)
    return coloured * min(1.0, 0.95 / max(np.abs(coloured).max(initial=0), 1e-9))


def told(recipe: SynthesisRecipe, validation: Prepared) -> Iterator[dict[str, np.ndarray]]:
    """What a network of `recipe` hears of crops of `validation`, each from silence."""
    crops, repair = Crops([validation], recipe), recipe.build(validation.weighting)
    silence = {f"state_{number}": state.numpy() for number, state in enumerate(repair.net.silence(1))}
    for number in range(CALIBRATION_BATCHES):
        parts = {name: torch.from_numpy(part) for name, part in crops.batch(number).items()}
        yield from ({"signal": crop[None]} | silence for crop in repair.heard(parts).numpy())


def _say(line: str) -> None:
    print(line, flush=True)


def _progress(done: float, total: float, name: str) -> None:
    if done % 500 == 0 or done == total:
        _say(f"{name}: {done:,} of {total:,}")


if __name__ == "__main__":
    main()
