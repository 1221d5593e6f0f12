"""How fast each preset learns on this machine: python benchmarks/training_speed.py DATA.

DATA holds train.csv (benchmarks/manifests.py). Prints hours of sound per hour of training for each preset with the perceptual recipe, in
bfloat16 where the machine has it and in float32, and the share of the time that goes into drawing crops.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
from lightning_fabric import Fabric

from telucodec.data.batches import pack
from telucodec.data.manifest import read_manifest
from telucodec.models.complexity import complexity
from telucodec.training.launch import PRECISIONS, crops_of
from telucodec.training.recipe import RunConfig, preset_of, recipe_of, shipped
from telucodec.training.trainer import Trainer

WARM_UP, TIMED = 5, 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--presets", nargs="*", default=[name for name in shipped("presets") if name != "as-noted"])
    options = parser.parse_args()
    samples, ends = pack(read_manifest(options.data / "train.csv"), options.data, options.data)
    recipe = recipe_of("perceptual")
    print(f"{torch.get_num_threads()} threads, batches of {recipe.batches.batch_size} crops of {recipe.batches.crop_s:g} s\n")
    print("| preset | parameters | MACs a second | bf16, times real time | float32 | drawing crops, % |\n|---|---:|---:|---:|---:|---:|")
    for name in options.presets:
        model = preset_of(name)
        speeds, loading = [], 0.0
        for precision in ("bf16", "32"):
            crops = crops_of(RunConfig(recipe=recipe, model=model), samples, ends)
            torch.manual_seed(0)
            trainer = Trainer(model.build(), recipe, Fabric(accelerator="auto", devices=1, precision=PRECISIONS[precision]))
            trainer.start(crops.batch(number) for number in range(10_000))
            times, drawing = [], []
            for update in range(WARM_UP + TIMED):
                began = time.perf_counter()
                batch = crops.batch(update)
                drawn = time.perf_counter()
                trainer.update(batch, 0.5)
                times.append(time.perf_counter() - began)
                drawing.append(drawn - began)
            middle = statistics.median(times[WARM_UP:])
            speeds.append(crops.batch_s / middle)
            loading = max(loading, statistics.median(drawing[WARM_UP:]) / middle)
        cost = complexity(model)
        print(
            f"| {name} | {cost.parameters / 1e6:.2f} M | {cost.macs / 1e9:.2f} G | {speeds[0]:.0f} | {speeds[1]:.0f} | {100 * loading:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
