"""telucodec plan: what a training run would take and could reach, before it is paid for."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from telucodec.cli.finite import finite
from telucodec.cli.needing import needing
from telucodec.cli.progress import progress_bar
from telucodec.cli.typed import typed

if TYPE_CHECKING:
    from telucodec.training.plan import Plan


def plan(
    data_dir: Annotated[
        Path, typer.Option("--data_dir", "--data", help="Folder with train.csv and val.csv, as `telucodec manifest split` makes it.")
    ] = Path("data/manifests"),
    recipe: Annotated[str, typer.Option(help="Recipe that ships (`telucodec train --list`) or a .toml file.")] = "perceptual",
    preset: Annotated[
        str | None, typer.Option(help="Codec to train, a preset that ships or a .toml file; the recipe's own if not given.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Plan to go on from a run, or with encodec:PATH from EnCodec's weights, a folder.")
    ] = None,
    minutes: Annotated[
        list[float] | None,
        typer.Option(
            min=0.01,
            callback=finite,
            help="Plan this length instead of the default three (half an hour, a night, three days); may be repeated.",
        ),
    ] = None,
    updates: Annotated[list[int] | None, typer.Option(min=1, help="The same, in updates.")] = None,
    num_epochs: Annotated[
        list[int] | None, typer.Option("--num_epochs", "--epochs", min=1, help="The same, in passes over the data.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option("--batch_size", "--batch-size", min=1, help="Instead of the recipe's.")] = None,
    price: Annotated[float | None, typer.Option(min=0, callback=finite, help="Money for an hour of this machine.")] = None,
    minutes_probe: Annotated[
        float, typer.Option("--minutes-probe", min=0.01, callback=finite, help="Time updates for at most so long.")
    ] = 1.0,
    kbps: Annotated[
        float | None, typer.Option(min=0.01, callback=finite, help="With --snr: can your audio give that SNR at this rate?")
    ] = None,
    snr: Annotated[float | None, typer.Option(callback=finite, help="SNR in dB to be had at --kbps.")] = None,
    precision: Annotated[str, typer.Option(help="auto, 32 or bf16.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Time some dozen real updates on this machine and say what a run would take: updates, sound heard, time, cost.

    Beside it stands what known codecs were given. Nothing is written or kept; the cost is time at the price, no more.

    Example: telucodec plan --data data/manifests --price 0.5 --kbps 4 --snr 35
    """
    if (kbps is None) != (snr is None):
        raise typer.BadParameter("give --kbps and --snr together")
    with needing("train"):  # torch, from here on
        from telucodec.models.trained import trained_codec
        from telucodec.training import launch
        from telucodec.training import plan as planning
        from telucodec.training.train import Budget

    begun = None if start is None else trained_codec(start)
    config = launch.settings(recipe, preset, {"batch_size": batch_size} if batch_size else {}, begun)
    asked = [planning.Option(_time(60 * length), Budget(minutes=length)) for length in minutes or []]
    asked += [planning.Option(f"{count:,} updates", Budget(updates=count)) for count in updates or []]
    asked += [planning.Option(f"{count:,} epochs", Budget(epochs=count)) for count in num_epochs or []]
    with progress_bar("probe") as progress:
        target = None if kbps is None else (kbps, snr)
        found = planning.plan(
            config, data_dir, planning.machine(precision), asked or planning.OPTIONS, price, 60 * minutes_probe, target, progress
        )
    if as_json:
        asked_for = {"command": typed(), "date": datetime.now(UTC).isoformat(timespec="seconds")}
        asked_for |= {"recipe": recipe, "preset": preset or start or config.recipe.model, "price_per_hour": price}
        typer.echo(json.dumps(asked_for | asdict(found)))
        return
    for line in lines(found):
        typer.echo(line)


def lines(found: "Plan") -> list[str]:
    """What was found, for people; the last line is the summary."""
    columns = found.columns + found.known
    rows = [
        ("", *(column.name for column in columns)),
        ("updates", *(f"{column.updates:,.0f}" for column in columns)),
        ("hours of sound heard", *(_number(column.heard_h) for column in columns)),
        ("passes over your data", *(_number(column.passes) for column in found.columns), *("-" for _ in found.known)),
        ("time here", *(_time(column.wall_s) for column in columns)),
    ]
    if columns[0].cost is not None:
        rows.append(("cost", *(f"{column.cost:,.2f}" for column in columns)))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    told = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]) for row in rows
    ]
    told.append("")
    told += [
        f"{column.name}: {'; '.join(filter(None, (column.about, column.verdict)))}"
        for column in found.columns
        if column.about or column.verdict
    ]
    told += [f"{column.name}: {column.about}; the time is for this codec to hear as much" for column in found.known]
    if found.target:
        told.append(_told_of_target(found))
    probe = found.probe
    pace = f"{probe.timed_updates} updates timed, {probe.update_s:.3g} s each"
    if probe.lead_from < probe.judged_from:
        pace += f", {probe.lead_update_s:.3g} s once discriminators learn after {probe.lead_from:,}"
    if probe.judged_update_s != probe.update_s:
        pace += f", {probe.judged_update_s:.3g} s once discriminators join after {probe.judged_from:,}"
    objections = {
        what: [column.name for column in found.columns if column.verdict.startswith(what)] for what in ("too small", "too little data")
    }
    objected = "; ".join(f"{what}: {', '.join(names)}" for what, names in objections.items() if names)
    told.append(
        f"{pace}; {found.batch_s / probe.judged_update_s:.0f} s of sound a second; {_time(3600 * found.data_h)} of data; "
        + (objected or "none of these lengths is too small to learn")
    )
    return told


def _told_of_target(found: "Plan") -> str:
    target = found.target
    return (
        f"{target.snr_db:g} dB at {target.kbps:g} kbps: {target.verdict}. Estimated from your audio, with an envelope that costs nothing: "
        f"{target.kbps:g} kbps give {target.reachable_db[0]:.0f} to {target.reachable_db[1]:.0f} dB, "
        f"{target.snr_db:g} dB take {target.needed_kbps[0]:.0f} to {target.needed_kbps[1]:.0f} kbps"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _time(seconds: float) -> str:
    units = (("days", 2 * 86_400, 86_400), ("h", 2 * 3600, 3600), ("min", 60, 60), ("s", 0, 1))
    name, length = next((name, length) for name, least, length in units if seconds >= least)
    return f"{_number(seconds / length)} {name}"
