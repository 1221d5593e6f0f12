"""telucodec manifest: share out, mix, count, check, convert and export tables of segments."""

import json
import re
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from telucodec.cli.ending import spare
from telucodec.cli.progress import progress_bar
from telucodec.counting import counted
from telucodec.data.check import check as find_faults
from telucodec.data.exporting import export as hand_on
from telucodec.data.exports import EXPORTS
from telucodec.data.manifest import moved, read_manifest, read_manifests, write_manifest
from telucodec.data.mix import mix as mix_rows
from telucodec.data.split import PARTS, SplitConfig
from telucodec.data.split import split as share_out
from telucodec.data.stats import stats as count
from telucodec.errors import DataError
from telucodec.files import printable

GROUPS_SHOWN = 10
NAME_WIDTH = 24
"""Letters of a name in a table; Common Voice's speakers have 128."""

Form = StrEnum("Form", {name: name for name in EXPORTS})

Manifests = Annotated[list[Path], typer.Argument(help="Manifests, .csv or .jsonl.")]


def split(
    manifests: Manifests,
    out: Annotated[Path, typer.Option(help="Folder for train.csv, val.csv, test.csv; parts already there stand.")],
    val: Annotated[float, typer.Option(min=0, max=0.9, help="Share of the sound to validate on.")] = SplitConfig.val_share,
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share of the sound to test with.")] = SplitConfig.test_share,
    seed: Annotated[int, typer.Option(help="Another seed deals speakers out in another way.")] = SplitConfig.seed,
    anew: Annotated[bool, typer.Option(help="Deal everything anew, whatever is in OUT.")] = False,
    synthetic_everywhere: Annotated[bool, typer.Option(help="Let synthetic speech into val and test too.")] = False,
) -> None:
    """Share MANIFESTS out to training, validation and test, disjoint by speaker, recording and sentence; tell what could not be kept apart.

    Example: telucodec manifest split data/filtered/kept.csv data/raw/tts/manifest.csv --out data/manifests
    """
    targets = {part: out / f"{part}.csv" for part in PARTS}
    spare(manifests, *targets.values(), out / "left_out.csv")
    rows = read_manifests(manifests, out)
    before = {part: read_manifest(path) for part, path in targets.items() if path.exists()} if not anew else {}
    parts = share_out(rows, SplitConfig(val, test, seed, synthetic_everywhere), before)
    for part, path in targets.items():
        write_manifest(path, getattr(parts, part))
    write_manifest(out / "left_out.csv", parts.left_out)
    for told in [*parts.leaks, *parts.remarks]:
        typer.echo(f"{printable(out)}: {told}", err=True)
    if parts.num_not_given:
        what = f"{counted(parts.num_not_given, 'row')} of the earlier split left it, not given this time"
        typer.echo(f"{printable(out)}: {what}; name all manifests, the new ones and those from before", err=True)
    made = ", ".join(
        f"{part} {_amount(len(rows), sum(row.duration_s for row in rows))}" for part in PARTS if (rows := getattr(parts, part))
    )
    typer.echo(f"{printable(out)}: {made}; {counted(len(parts.left_out), 'row')} left out, leaks into test: {len(parts.leaks)}")


def mix(
    manifests: Manifests,
    out: Annotated[Path, typer.Option(help="Manifest to write, .csv or .jsonl.")],
    take: Annotated[list[str], typer.Option(help="SOURCE=ROWS for each source, such as own=400,commonvoice=500; may be repeated.")],
    seed: Annotated[int, typer.Option(help="Another seed takes other rows.")] = 0,
) -> None:
    """Take so many rows of each source, such as 400 own, 500 from Common Voice and 200 synthetic. Mix what is for training, after the split.

    Example: telucodec manifest mix data/manifests/train.csv --out mix.csv --take own=400,commonvoice=500,tts=200
    """
    spare(manifests, out)
    counts = _counts(take)
    rows = read_manifests(manifests, out.parent)
    mixed = mix_rows(rows, counts, seed)
    write_manifest(out, mixed)
    typer.echo(f"{printable(out)}: {_amount(len(mixed), sum(row.duration_s for row in mixed))} of {counted(len(rows), 'row')}, seed {seed}")


def stats(
    manifests: Manifests,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Count the rows and hours of each source, language, speaker and licence.

    Example: telucodec manifest stats data/manifests/train.csv
    """
    found = count(row for path in manifests for row in read_manifest(path))
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False, indent=1))
        return
    for column, amounts in found.groups.items():
        for name, amount in list(amounts.items())[:GROUPS_SHOWN]:
            short = name if len(name) <= NAME_WIDTH else f"{name[: NAME_WIDTH - 3]}..."
            typer.echo(f"{column:<8}  {short:<{NAME_WIDTH}}  {amount.rows:>8} rows  {amount.duration_s / 3600:>9.3f} h")
        if len(amounts) > GROUPS_SHOWN:
            typer.echo(f"{column:<8}  and {len(amounts) - GROUPS_SHOWN} more; --json lists all")
    total, synthetic = found.total, found.synthetic
    typer.echo(
        f"{_amount(total.rows, total.duration_s)} in all; with text: {found.with_text.rows}; synthetic: "
        + (_amount(synthetic.rows, synthetic.duration_s) if synthetic.rows else "0")
    )


def check(manifests: Manifests) -> None:
    """Check that each file of MANIFESTS is there, decodes, and is what its row says; exit code 1 with a line for each that is not.

    Example: telucodec manifest check data/manifests/train.csv
    """
    num_rows = num_findings = 0
    for path in manifests:
        rows = read_manifest(path)
        with progress_bar(f"check {path.name}") as progress:
            for finding in find_faults(rows, path.parent, progress):
                typer.echo(f"{printable(path)}: {finding}")
                num_findings += 1
        num_rows += len(rows)
    typer.echo(f"{counted(num_rows, 'row')} checked, {counted(num_findings, 'finding')}")
    if num_findings:
        raise typer.Exit(1)


def convert(
    source: Annotated[Path, typer.Argument(help="Manifest, .csv or .jsonl.")],
    target: Annotated[Path, typer.Argument(help="The same rows in the other form; relative paths are rewritten for its folder.")],
) -> None:
    """Turn a CSV manifest into JSON lines, {"key": path, "text": ...}, or back.

    Example: telucodec manifest convert data/manifests/train.csv data/manifests/train.jsonl
    """
    for path in (source, target):
        if path.suffix.lower() not in (".csv", ".jsonl"):
            raise DataError(f"{path}: is neither .csv nor .jsonl; name it so")
    rows = read_manifest(source)
    write_manifest(target, rows if source.resolve().parent == target.resolve().parent else moved(rows, source.parent, target.parent))
    typer.echo(f"{printable(target)}: {counted(len(rows), 'row')}")


def export(
    source: Annotated[Path, typer.Argument(metavar="MANIFEST", help="Manifest, .csv or .jsonl.")],
    to: Annotated[Form, typer.Option(help="Toolkit to write for.")],
    out: Annotated[Path, typer.Option(help="Folder to make.")],
) -> None:
    """Hand MANIFEST on to Lhotse (recordings and supervisions) or Hugging Face datasets (an AudioFolder: a sound file for each row).

    Example: telucodec manifest export data/manifests/train.csv --to huggingface --out exports/train
    """
    with progress_bar(f"export {source.name}") as progress:
        num_rows, duration_s = hand_on(source, to, out, progress)
    typer.echo(f"{printable(out)}: {_amount(num_rows, duration_s)} for {to}")


manifest = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Share out, mix, count, check, convert and export manifests.\n\nExample: telucodec manifest stats data/manifests/train.csv",
)
for verb in (split, mix, stats, check, convert, export):
    manifest.command()(verb)


def _amount(rows: int, duration_s: float) -> str:
    return f"{counted(rows, 'row')}, " + (f"{duration_s / 3600:.2f} h" if duration_s >= 360 else f"{duration_s:.0f} s")


def _counts(take: list[str]) -> dict[str, int]:
    counts = {}
    for order in take:
        found = re.findall(r"(.*?)=(\d+)(?:,|$)", order)  # a name may hold a comma
        if not found or ",".join(map("=".join, found)) != order:
            raise typer.BadParameter(f"{order!r} is not SOURCE=ROWS such as own=400,commonvoice=500")
        for source, number in found:
            if source in counts:
                raise typer.BadParameter(f"{order!r} names {source} again; take from each source once")
            counts[source] = int(number)
    return counts
