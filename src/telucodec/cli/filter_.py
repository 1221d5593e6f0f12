"""`telucodec filter`: the rows of manifests that are worth learning from."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from telucodec.cli.ending import spare
from telucodec.cli.progress import progress_bar
from telucodec.config import read_toml
from telucodec.counting import counted
from telucodec.data.filter import FilterConfig, Sifted, filter_config, hours_of, sift, write_rejected
from telucodec.data.gather import gather
from telucodec.data.manifest import MANIFEST, moved, read_manifests, write_manifest
from telucodec.errors import DataError
from telucodec.files import printable


def _default(name: str) -> str:
    value = FilterConfig.model_fields[name].default
    return f"{value:g} if not given."


def filter_(
    manifests: Annotated[list[Path], typer.Argument(help="Manifests, .csv or .jsonl.")],
    out: Annotated[Path, typer.Option(help="Folder for kept.csv and bad.csv.")],
    config: Annotated[Path | None, typer.Option(help="TOML file of thresholds, by the names that --json prints; options win.")] = None,
    min_duration: Annotated[float | None, typer.Option(help=f"Seconds; {_default('min_duration_s')}")] = None,
    min_rms: Annotated[float | None, typer.Option(help=f"RMS must be above this (full scale is 1); {_default('min_rms')}")] = None,
    min_peak: Annotated[float | None, typer.Option(help=f"Peak must be above this (full scale is 1); {_default('min_peak')}")] = None,
    max_clipped_share: Annotated[float | None, typer.Option(help=f"0 to 1; {_default('max_clipped_share')}")] = None,
    max_clipped_runs: Annotated[
        float | None, typer.Option(help=f"Clipped places per minute; {_default('max_clipped_runs_per_min')}")
    ] = None,
    max_silent_share: Annotated[float | None, typer.Option(help=f"0 to 1; {_default('max_silent_share')}")] = None,
    min_speech_share: Annotated[float | None, typer.Option(help=f"Of what is not silent, 0 to 1; {_default('min_speech_share')}")] = None,
    min_snr: Annotated[float | None, typer.Option(help=f"dB; {_default('min_snr_db')}")] = None,
    max_sustained_share: Annotated[float | None, typer.Option(help=f"Held notes, 0 to 1; {_default('max_sustained_share')}")] = None,
    min_bandwidth: Annotated[float | None, typer.Option(help=f"Hz; {_default('min_bandwidth_hz')}")] = None,
    max_hum: Annotated[float | None, typer.Option(help=f"dBFS; {_default('max_hum_dbfs')}")] = None,
    max_offset: Annotated[float | None, typer.Option(help=f"Full scale is 1; {_default('max_offset')}")] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Keep rows with this finding, such as noisy; may be repeated. Those with {' or '.join(FilterConfig().keep)} are kept anyway."
        ),
    ] = None,
    copy: Annotated[Path | None, typer.Option(help="Folder to copy the kept sounds to, with their manifest.")] = None,
    link: Annotated[Path | None, typer.Option(help="The same with links where a row is a whole file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print counts, hours and thresholds as JSON.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes to share the work; one per core if not given.")] = None,
) -> None:
    """Keep the rows of MANIFESTS that are worth learning from: kept.csv; list the others with reasons and remedies: bad.csv.

    The doctor's findings and the thresholds decide. Hum, a DC offset and a dead channel are told, but keep their place.

    Example: telucodec filter data/raw/videos/segments.csv --out data/filtered --min-snr 12
    """
    if copy and link:
        raise typer.BadParameter("--copy and --link exclude each other")
    flags = {
        "min_duration_s": min_duration,
        "min_rms": min_rms,
        "min_peak": min_peak,
        "max_clipped_share": max_clipped_share,
        "max_clipped_runs_per_min": max_clipped_runs,
        "max_silent_share": max_silent_share,
        "min_speech_share": min_speech_share,
        "min_snr_db": min_snr,
        "max_sustained_share": max_sustained_share,
        "min_bandwidth_hz": min_bandwidth,
        "max_hum_dbfs": max_hum,
        "max_offset": max_offset,
    }
    chosen = filter_config(read_toml(config), str(config)) if config else FilterConfig()
    settings = chosen.model_dump() | {name: value for name, value in flags.items() if value is not None}
    chosen = filter_config(settings | {"keep": (*chosen.keep, *(keep or ()))}, "options")
    spare(manifests, out / "kept.csv", out / "bad.csv", *(folder / MANIFEST for folder in (copy, link) if folder))
    root = manifests[0].parent
    rows = read_manifests(manifests, root)
    if not rows:
        raise DataError(f"{manifests[0]}: holds no rows; segment or import recordings first")
    with progress_bar("filter") as progress:
        sifted = sift(rows, root, chosen, jobs or os.cpu_count() or 1, progress)
    bad = zip(sifted.rejected, moved([verdict.row for verdict in sifted.rejected], root, out), strict=True)
    write_rejected(out / "bad.csv", [replace(verdict, row=row) for verdict, row in bad])
    write_manifest(out / "kept.csv", moved(sifted.kept, root, out))
    if folder := copy or link:
        with progress_bar("gather") as progress:
            gather(sifted.kept, root, folder, bool(link), progress)
    if as_json:
        typer.echo(json.dumps(_as_json(sifted, chosen), indent=1))
    else:
        if sifted.amounts() or sifted.amounts(spared=True):
            Console().print(_table(sifted))
        hours, all_hours = hours_of(sifted.kept), hours_of(rows)
        gathered = f"; their sound with a manifest: {printable(folder / MANIFEST)}" if folder else ""
        typer.echo(
            f"{printable(out / 'kept.csv')}: {len(sifted.kept)} of {counted(len(rows), 'row')}, {hours:.2f} of {all_hours:.2f} h ({_percent(hours, all_hours)}); "
            f"{len(sifted.rejected)} in bad.csv with reasons{gathered}"
        )
    if not sifted.kept:
        raise DataError(f"{out / 'bad.csv'}: no row is worth learning from; read the reasons there, then record anew or move a threshold")


def _percent(part: float, total: float) -> str:
    return f"{100 * part / total:.1f} %" if total else "no share"


def _table(sifted: Sifted) -> Table:
    rows = [verdict.row for verdict in sifted.verdicts]
    table = Table("found", "rows", "hours", "share of hours", "", title="What was found; a row may have several", title_justify="left")
    for spared, told in ((False, "in bad.csv"), (True, "told only")):
        for case, (count, hours) in sifted.amounts(spared).items():
            table.add_row(case, str(count), f"{hours:.3f}", _percent(hours, hours_of(rows)), told)
    return table


def _as_json(sifted: Sifted, config: FilterConfig) -> dict:
    def amount(rows: list) -> dict:
        return {"rows": len(rows), "hours": hours_of(rows)}

    return {
        "thresholds": config.model_dump(),
        "kept": amount(sifted.kept),
        "bad": amount([verdict.row for verdict in sifted.rejected]),
        "cases": {case: {"rows": rows, "hours": hours} for case, (rows, hours) in sifted.amounts().items()},
        "told_only": {case: {"rows": rows, "hours": hours} for case, (rows, hours) in sifted.amounts(spared=True).items()},
    }
