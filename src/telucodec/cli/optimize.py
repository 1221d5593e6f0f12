"""telucodec optimize: a trained run into a bundle for production."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from telucodec.cli.needing import needing
from telucodec.cli.progress import progress_bar
from telucodec.data.manifest import read_manifest
from telucodec.errors import ModelError
from telucodec.files import without_nan
from telucodec.runtime.unpacked import packable, trained_in, way_out


def optimize(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or its model folder.")],
    out: Annotated[Path | None, typer.Option(file_okay=False, help="Folder for the bundle; bundle/ in the run's if not given.")] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data_dir",
            "--data",
            help="Folder with train.csv and with val.csv: the sounds that the bundle is compared on; the run's own if not given, "
            "data/manifests for a model folder that is in no run.",
        ),
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Matrices in 8 bits, if that costs no more than half a dB.")] = False,
    entropy_minutes: Annotated[
        float, typer.Option(min=0, max=1000, help="Learn from train.csv for so long how likely codes are: shorter files; 0 leaves it out.")
    ] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Freeze the codec of RUN, fold its weight norms, and write it as ONNX graphs that need no PyTorch.

    Unless matrices are in 8 bits, the bundle must choose at least 99 % of the codes as RUN does, and decode codes to the same samples.
    Speed before and after is printed.

    Example: telucodec optimize runs/perceptual-small-spectral
    """
    if (trained := trained_in(run)) and not packable(trained):
        raise ModelError(way_out(run))  # before codes are learned for nothing
    with needing("train"):  # torch, from here on
        from telucodec.export.optimize import optimize as make
        from telucodec.models.store import load_codec_module
        from telucodec.training.codes import codes_of, fit_codes
        from telucodec.training.launch import validation_sounds
        from telucodec.training.run_folder import RunFolder

    model = run / "model" if (run / "model").is_dir() else run
    out, begun = out or run / "bundle", RunFolder(model.absolute().parent)
    data_dir = data_dir or (begun.data() if begun.log.exists() else Path("data/manifests"))
    sounds, codes_model = validation_sounds(read_manifest(data_dir / "val.csv"), data_dir), None
    if entropy_minutes:
        codec, rows = load_codec_module(model), read_manifest(data_dir / "train.csv")
        with progress_bar("encode train.csv") as progress:
            codes = codes_of(codec, rows, data_dir, progress)
        with progress_bar("learn codes") as progress:
            codes_model = fit_codes(codec, codes, entropy_minutes, progress)
    found = make(model, out, sounds, int8, codes_model)
    if as_json:
        typer.echo(json.dumps(without_nan({"path": str(out), **asdict(found)})))
        return
    silent = math.isnan(found.snr_before_db) or math.isnan(found.snr_after_db)
    snr = "SNR not measured" if silent else f"SNR {found.snr_before_db:.2f} -> {found.snr_after_db:.2f} dB"
    typer.echo(
        f"{out}: {found.bytes_before / 1e6:.1f} -> {found.bytes_after / 1e6:.1f} MB; {100 * found.same_codes:.2f} % of the codes are the same, "
        f"samples differ by up to {found.largest_difference:.1e}; {snr}; "
        f"codes take {found.kbps_even:.2f} -> {found.kbps_coded:.2f} kbps; "
        f"encode and decode {1 / found.seconds_before:.0f} -> {1 / found.seconds_after:.0f} times real time on one core"
    )
