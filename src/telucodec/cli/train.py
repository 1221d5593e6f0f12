"""telucodec train: a codec of discrete codes from manifests, checked before it spends and watched while it does."""

import math
import shlex
from pathlib import Path
from typing import Annotated

import typer

from telucodec.cli.finite import finite
from telucodec.cli.needing import needing
from telucodec.cli.progress import progress_bar
from telucodec.cli.typed import typed
from telucodec.errors import TelucodecError
from telucodec.runtime.unpacked import TRAINED, packable


def train(
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data_dir",
            "--data",
            help="Folder with train.csv and val.csv, as `telucodec manifest split` makes it; "
            "data/manifests if not given, with --resume that of the run.",
        ),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Recipe that ships (--list shows them) or a .toml file; perceptual if not given.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Codec to train, a preset that ships or a .toml file; the recipe's own if not given.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.01, callback=finite, help="Train for so long; 30 if no length is given.")] = None,
    updates: Annotated[int | None, typer.Option(min=1, help="Train for so many updates.")] = None,
    num_epochs: Annotated[
        int | None, typer.Option("--num_epochs", "--epochs", min=1, help="Train for so many passes over the data.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch_size", "--batch-size", min=1, help="Crops of an update, instead of the recipe's.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning_rate", "--learning-rate", min=1e-8, help="Peak learning rate, instead of the recipe's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of all random numbers, instead of the recipe's.")] = None,
    checkpoint_dir: Annotated[Path, typer.Option("--checkpoint_dir", "--runs", help="Folder for runs.")] = Path("runs"),
    experiment_name: Annotated[
        str | None, typer.Option("--experiment_name", "--name", help="Name of the run's folder; recipe and preset if not given.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Go on with the run in this folder, from its checkpoint, on its data; as long as it was to last if no length is given."
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Start from a run, or with encodec:PATH from EnCodec's weights, a folder; what began as EnCodec is measured by `telucodec evaluate`, "
            "and not packed for `encode`.",
        ),
    ] = None,
    gates: Annotated[
        bool, typer.Option("--gates/--no-gates", help="Check gradients, causality, levels and codebooks before spending.")
    ] = True,
    processes: Annotated[int, typer.Option(min=1, help="Processes that train together: GPUs, or parts of this CPU.")] = 1,
    precision: Annotated[str, typer.Option(help="auto, 32 or bf16.")] = "auto",
    wandb: Annotated[bool, typer.Option("--use_wandb", help="Report to Weights & Biases too.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List recipes and presets, with parameters and operations, and stop.")] = False,
) -> None:
    """Train a codec of discrete codes on the manifests in --data.

    Before it begins, gates look for the faults that waste weeks; while it runs, each validation names the signs of those that show later.

    Example: telucodec train --data data/manifests --minutes 30
    """
    with needing("train"):  # torch, from here on
        from telucodec.training import launch

    if listed:
        for line in launch.catalogue():
            typer.echo(line)
        return
    asked = [option for option in (minutes, updates, num_epochs) if option is not None]
    if len(asked) > 1:
        raise typer.BadParameter("ask for --minutes, --updates or --num_epochs, for one of them")
    of_new_runs = {"--recipe": recipe, "--preset": preset, "--batch_size": batch_size, "--learning_rate": learning_rate}
    of_new_runs |= {"--seed": seed, "--experiment_name": experiment_name, "--from": start}
    for option, value in of_new_runs.items():
        if resume and value is not None:
            raise typer.BadParameter(f"--resume goes on with the settings of {resume}; leave {option} out")
    changes = {"batch_size": batch_size, "learning_rate": learning_rate, "seed": seed}
    request = launch.Request(
        data=data_dir or (None if resume else Path("data/manifests")),
        recipe=recipe or "perceptual",
        preset=preset,
        minutes=minutes if asked or resume else 30.0,
        updates=updates,
        epochs=num_epochs,
        changes={name: value for name, value in changes.items() if value is not None},
        runs=checkpoint_dir,
        name=experiment_name,
        resume=resume,
        start=start,
        gates=gates,
        processes=processes,
        precision=precision,
        wandb=wandb,
        command=typed(),
    )
    with progress_bar("train") as progress:
        folder, outcome = launch.run(request, lambda line: typer.echo(line, err=True), progress)
    if not outcome.updates:
        raise TelucodecError(f"{folder}: not trained, no update fitted into the time; --resume {folder} with more --minutes goes on")
    entry = outcome.entry
    typer.echo(
        f"{folder / 'model'}: {outcome.updates:,} updates heard {outcome.heard_hours:.1f} h of sound in {outcome.spent_s / 60:.1f} min; "
        f"SNR {_told(entry['snr_db'], 'z.1f', ' dB')}, correlation {_told(entry['correlation'], 'z.2f')}, "
        f"amplitude {_told(entry['amplitude_percent'], '.0f', ' %')} on validation sounds; {_next(folder)}"
    )
    if outcome.signs:
        raise TelucodecError(f"{folder}: trained, but not well: {outcome.signs[0]}, see above")


def _next(run: Path) -> str:
    """What to do with the codec that was trained in `run`."""
    named = shlex.quote(str(run))
    return (
        f"telucodec optimize {named} packs it" if packable(run / "model" / TRAINED) else f"telucodec evaluate --model {named} measures it"
    )


def _told(value: float, form: str, unit: str = "") -> str:
    return "not measured" if math.isnan(value) else f"{value:{form}}{unit}"
