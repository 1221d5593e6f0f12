"""Measures the shipped codec beside its peers, for README's table, docs/results.md and the picture: python benchmarks/quality.py SPEECH_COLLECTION

As many clips as asked of every test set, twice as many of Telugu; none was trained on (see speech.py). With --clips 1000 it is all of them. Peers that are not
installed stand in the table with the line that installs them. What was measured stays in OUT, our two modes and the peers apart, and is measured again only on
other clips, of another model, with other versions of packages or of what does a peer's work, or on another machine; after Ctrl-C the same command goes on where it was. With 12 clips about 50 minutes on two cores, with all of them about an hour and a half.
"""

import argparse
import math
import os
import shlex
import shutil
import sys
from pathlib import Path

import speech

from telucodec.apps.plots import Panel, Point, rate_plot_svg
from telucodec.apps.table import summaries
from telucodec.errors import DataError
from telucodec.evaluation.baselines.choose import choose
from telucodec.evaluation.clips import open_clips
from telucodec.evaluation.contender import Contender
from telucodec.evaluation.evaluate import evaluate, row_of
from telucodec.evaluation.made import made
from telucodec.evaluation.ours import ours
from telucodec.evaluation.results import Results, read_results, write_results
from telucodec.evaluation.summary import Spread, Summary
from telucodec.files import write_whole
from telucodec.metrics import SHELF

PEERS = "opus@8,opus@12,opus-nolace@12,amr-wb@6.6,amr-wb@12.65,lyra@3.2,lyra@6,codec2@3.2"
ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- table made by benchmarks/quality.py -->", "<!-- end of table -->"
SETS = {
    "telugu": "Telugu",
    "ljspeech": "English, LJSpeech",
    "librispeech": "English, LibriSpeech",
    "kerstin": "German",
    "malayalam": "Malayalam",
}
FACTS = {"name", "model", "library", "note", "missing"}
"""What a contender's numbers depend on: what does the work, and the delay that is taken out."""
BRIEF = ("snr_db", "pesq", "visqol")


def brief(results: Results) -> str:
    """Means of every codec on every set in one table, as Markdown."""
    found = {group: summaries(results, group) for group in SETS}
    counts = {group: next(iter(summary.values())).num_clips for group, summary in found.items()}
    titles = [f"{title}, {counts[group]} clips" for group, title in SETS.items()]
    lines = ["| codec | kbps | " + " | ".join(titles) + " |", "|---|---:|" + "---|" * len(SETS)]
    digits = {metric.name: metric.digits for metric in results.metrics}
    whole = summaries(results)
    for row in results.contenders:
        if row.missing:
            lines.append(f"| {row.label} | not available: {row.missing} |" + " |" * len(SETS))
            continue
        cells = [" · ".join(_mean(found[group][row.name].spreads[name], digits[name]) for name in BRIEF) for group in SETS]
        lines.append(f"| {row.label} | {whole[row.name].kbps:.2f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _mean(spread: Spread, digits: int) -> str:
    return f"{spread.mean:.{digits}f}" if math.isfinite(spread.mean) else "not measured"


def full(results: Results, note: str) -> str:
    """docs/results.md: every metric of every codec on every set, with its interval."""
    lines = ["# Results", "", note, ""]
    lines += [
        "Means over clips, with 95 % bootstrap intervals over clips; other speakers may differ by more. Rates are of the whole file and, in brackets, of its"
    ]
    lines += [
        "payload. CPU seconds are for one second of sound, encoding and decoding together, with all cores at work; README has quieter ones.",
        "",
    ]
    lines += [f"- **{metric.label}**: {metric.about}" for metric in results.metrics]
    for group, title in SETS.items():
        found = summaries(results, group)
        count = next(iter(found.values())).num_clips
        minutes = sum(trial.duration_s for trial in results.of(results.contenders[0].name) if trial.group == group) / 60
        names = [f"{metric.label}, {metric.unit}" if metric.unit else metric.label for metric in results.metrics]
        lines += ["", f"## {title}: {count} clips, {minutes:.1f} minutes", ""]
        lines += ["| codec | kbps | " + " | ".join(names) + " | CPU s | peak MiB |", "|---|---|" + "---|" * len(names) + "---:|---:|"]
        for row in results.contenders:
            if row.missing:
                lines.append(f"| {row.label} | not available: {row.missing} |" + " |" * (len(names) + 2))
                continue
            summary = found[row.name]
            cells = [_interval(summary.spreads[metric.name], metric.digits, summary) for metric in results.metrics]
            peak = f"{row.peak_mib:.0f}" if row.peak_mib else "not measured"
            rates = f"{summary.kbps:.2f} ({summary.payload_kbps:.2f})"
            lines.append(f"| {row.label} | {rates} | " + " | ".join(cells) + f" | {summary.cpu_s_per_s:.3f} | {peak} |")
    return "\n".join(lines) + "\n"


def _interval(spread: Spread, digits: int, summary: Summary) -> str:
    if not math.isfinite(spread.mean):
        return "not measured"
    if not math.isfinite(spread.low):
        return f"{spread.mean:.{digits}f}"
    on = "" if spread.num_measured == summary.num_clips else f", {spread.num_measured} clips"
    return f"{spread.mean:.{digits}f} ({spread.low:.{digits}f} to {spread.high:.{digits}f}{on})"


def drawn(results: Results) -> str:
    """PESQ, ViSQOL and SNR of the Telugu clips against measured rate, as SVG."""
    found = summaries(results, "telugu")
    panels: dict[str, dict[str, list[Point]]] = {"PESQ-WB": {}, "ViSQOL": {}, "SNR, dB": {}}
    for row in results.contenders:
        if row.missing:
            continue
        for title, metric in zip(panels, ("pesq", "visqol", "snr_db"), strict=True):
            spread = found[row.name].spreads[metric]
            if spread.num_measured:
                panels[title].setdefault(row.family, []).append(Point(found[row.name].kbps, spread.mean))
    return rate_plot_svg([Panel(title, lines) for title, lines in panels.items()], 6.4)


def measure(collection: Path, clips: int, baselines: list[str], out: Path, command: str) -> Results:
    """results.json in `out`, of `clips` clips of every set, and twice as many of Telugu."""
    found = speech.paths(collection)
    chosen = out / "clips"
    shutil.rmtree(chosen, ignore_errors=True)
    for name in SETS:
        (chosen / name).mkdir(parents=True)
        for path in found[name][: 2 * clips if name == "telugu" else clips]:
            (chosen / name / path.name).symlink_to(path.resolve())

    def run(contenders: list[Contender], name: str) -> Results:
        def progress(done: int, total: int, clip: str) -> None:
            print(f"{name}: {done} of {total} {clip}", file=sys.stderr, flush=True)

        results = out / name / "results.json"
        kept = _kept(results, chosen, contenders)
        return kept or evaluate(chosen, contenders, results, command, jobs=os.cpu_count() or 1, progress=progress)

    apart = {
        "natural": [ours(None, 3.2, "natural"), ours(None, 6.38, "natural")],
        "fidelity": [ours(None, 6.38, "fidelity")],
        "peers": choose(baselines, [3.2, 6.38]),
    }
    together = _together([run(contenders, name) for name, contenders in apart.items()])
    write_results(out / "results.json", together)
    return together


def _kept(path: Path, clips: Path, contenders: list[Contender]) -> Results | None:
    """What these contenders reached before, on the same clips, with the same versions and on a machine like this one."""
    try:
        found = read_results(path)
    except DataError:
        return None
    same = [row.model_dump(include=FACTS) for row in found.contenders] == [row_of(c).model_dump(include=FACTS) for c in contenders]
    same = same and [metric.name for metric in found.metrics] == [metric.name for metric in SHELF]
    now = made("")
    same = same and (found.made.machine, found.made.versions) == (now.machine, now.versions)
    return found if same and found.test_set.sha256 == open_clips(clips).sha256 else None


def _together(parts: list[Results]) -> Results:
    """As if all had been run at once; sounds are left where they are."""
    clips = list(dict.fromkeys(trial.clip for trial in parts[0].trials))
    trials = tuple(trial for clip in clips for part in parts for trial in part.trials if trial.clip == clip)
    contenders = tuple(row for part in parts for row in part.contenders)
    whole = tuple(row for part in parts for row in part.summaries)
    latest = max((part.made for part in parts), key=lambda how: how.date)
    return parts[0].model_copy(update={"made": latest, "contenders": contenders, "trials": trials, "summaries": whole, "samples": ()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path, help="folder with index.csv")
    parser.add_argument("--clips", type=int, default=12, help="of every set, twice as many of Telugu")
    parser.add_argument("--baselines", default=PEERS, help="as telucodec evaluate --baselines has them")
    parser.add_argument("--out", type=Path, default=Path("quality"), help="folder for results and sounds")
    options = parser.parse_args()
    command = shlex.join(
        ["python", "benchmarks/quality.py", options.collection.name, "--clips", str(options.clips), "--baselines", options.baselines]
    )
    results = measure(options.collection, options.clips, options.baselines.split(","), options.out, command)
    table = brief(results)
    models = ", ".join(dict.fromkeys(row.model[:8] for row in results.contenders if row.model))
    how = results.made
    note = f"Measured on {how.date[:10]} on {how.machine['cpu']} by `{how.command}`; models {models} (hashes of the model together with the network that repairs each mode)."
    readme = ROOT / "README.md"
    before, rest = readme.read_text("utf-8").split(BEGIN)
    _, after = rest.split(END)
    write_whole(readme, f"{before}{BEGIN}\n{table}\n\n{note}\n{END}{after}".encode())
    write_whole(ROOT / "docs" / "results.md", full(results, note).encode())
    write_whole(ROOT / "docs" / "quality.svg", drawn(results).encode())
    print(table, note, sep="\n\n")


if __name__ == "__main__":
    main()
