"""What each fault does to a codec in as many updates from the same seed: python benchmarks/ablation.py DATA --updates 300 --runs RUNS.

DATA holds train.csv and val.csv (benchmarks/manifests.py). The sound codec is the preset `small-spectral` with a tanh at its output. Prints a row for the sound codec and for each fault: SNR, correlation and
perplexity at the end, the gate that names it before it begins and the signs that name it afterwards.
"""

import argparse
import copy
from pathlib import Path

import torch
from lightning_fabric import Fabric

from telucodec.data.batches import Crops, pack
from telucodec.data.manifest import read_manifest
from telucodec.errors import TrainingError
from telucodec.training.faults import FAULTS
from telucodec.training.gates import Plan, check
from telucodec.training.launch import crops_of, precision_of, validation_sounds
from telucodec.training.recipe import RunConfig, preset_of, recipe_of
from telucodec.training.run_folder import RunFolder
from telucodec.training.train import Budget, train
from telucodec.training.trainer import Trainer

ENOUGH = Plan(10_000, 10.0)
PRESET = "small-spectral"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--updates", type=int, default=300)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    options = parser.parse_args()
    samples, ends = pack(read_manifest(options.data / "train.csv"), options.data, options.data)
    validation = validation_sounds(read_manifest(options.data / "val.csv"), options.data)
    print(
        "| fault | SNR dB | correlation | amplitude % | perplexity, first and last codebook | gate | signs |\n|---|---:|---:|---:|---:|---|---|"
    )
    preset = preset_of(PRESET)
    sound = preset.model_copy(update={"body": preset.body.model_copy(update={"tanh": True})})
    for fault in ("nothing", *FAULTS):
        config = RunConfig(recipe=recipe_of("perceptual"), model=sound)
        torch.manual_seed(config.recipe.seed)
        codec = config.model.build()
        if fault in FAULTS:
            codec, config = FAULTS[fault](codec, config)
        crops = crops_of(config, samples, ends)
        fabric = Fabric(accelerator="auto", devices=1, precision=precision_of("auto"))
        gates = _gates(codec, config, crops)
        folder = RunFolder.new(options.runs, fault.replace(" ", "-"), config)
        budget = Budget(updates=options.updates)
        try:
            told = train(codec, config, folder, crops, validation, budget, fabric, lambda line: None, gates=False)
        except TrainingError as error:
            print(f"| {fault} | not measured | | | | {gates} | {error} |", flush=True)
            continue
        entry, signs = told.entry, ", ".join(sorted({sign.partition(":")[0] for sign in told.signs})) or "none"
        used = f"{entry['perplexity'][0]:.0f}, {entry['perplexity'][-1]:.0f}"
        measured = f"{entry['snr_db']:.1f} | {entry['correlation']:.2f} | {entry['amplitude_percent']:.0f} | {used}"
        print(f"| {fault} | {measured} | {gates} | {signs} |", flush=True)


def _gates(codec: torch.nn.Module, config: RunConfig, crops: Crops) -> str:
    """Names of the gates that the codec does not pass."""
    trainer = Trainer(copy.deepcopy(codec), config.recipe, Fabric(accelerator="cpu", devices=1, precision="32-true"))
    trainer.start(crops.batch(number) for number in range(10_000))
    found = check(trainer.average, config.recipe, crops.batch(0)[:4], ENOUGH)
    return (
        ", ".join(f"{verdict.gate} (noted)" if verdict.noted else verdict.gate for verdict in found if verdict.noted or not verdict.passed)
        or "none"
    )


if __name__ == "__main__":
    main()
