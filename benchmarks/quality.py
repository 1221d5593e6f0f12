"""Measures the shipped codec beside its peers, for the README's table and picture: python benchmarks/quality.py SPEECH_COLLECTION

As many clips as asked of every test set, twice as many of Telugu; none was trained on (see speech.py). Peers that are not installed are left out of the
table and named. With 12 clips about an hour on two cores.
"""

import argparse
import os
import shlex
import shutil
import sys
from pathlib import Path

import speech

from telucodec.apps.plots import Panel, Point, rate_plot_svg
from telucodec.apps.table import rows, summaries
from telucodec.evaluation.baselines.choose import choose
from telucodec.evaluation.evaluate import evaluate
from telucodec.evaluation.ours import ours
from telucodec.evaluation.results import Results, read_results
from telucodec.files import write_whole

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
COLUMNS = {
    "snr_db": "SNR dB",
    "amplitude_percent": "amplitude %",
    "correlation": "correlation",
    "pesq": "PESQ-WB",
    "stoi": "STOI",
    "visqol": "ViSQOL",
}


def tabulated(results: Results) -> str:
    """The means of every codec on every set, as Markdown."""
    lines = [
        "| speech | codec | measured kbps | times smaller | " + " | ".join(COLUMNS.values()) + " |",
        "|---|---|" + "---:|" * (len(COLUMNS) + 2),
    ]
    places = [[metric.name for metric in results.metrics].index(name) + 3 for name in COLUMNS]
    for group, title in SETS.items():
        count = next(iter(summaries(results, group).values())).num_clips
        for number, row in enumerate(rows(results, group)):
            cells = [row[0], row[1], row[2], *(row[place] for place in places)]
            lines.append("| " + " | ".join([f"{title}, {count} clips" if number == 0 else "", *(cell.text for cell in cells)]) + " |")
    return "\n".join(lines)


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
    contenders = [ours(None, 3.2, "natural"), ours(None, 6.3, "natural"), ours(None, 6.3, "fidelity")]
    contenders += choose(baselines, [3.2, 6.3])

    def progress(done: int, total: int, name: str) -> None:
        print(f"{done} of {total} {name}", file=sys.stderr, flush=True)

    return evaluate(chosen, contenders, out / "results.json", command, jobs=os.cpu_count() or 1, progress=progress)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path, help="folder with index.csv")
    parser.add_argument("--clips", type=int, default=12, help="of every set, twice as many of Telugu")
    parser.add_argument("--baselines", default=PEERS, help="as telucodec evaluate --baselines has them")
    parser.add_argument("--out", type=Path, default=Path("quality"), help="folder for results.json and sounds")
    parser.add_argument("--drawn-again", action="store_true", help="only make table and picture of the results.json that is there")
    options = parser.parse_args()
    command = shlex.join(
        ["python", "benchmarks/quality.py", options.collection.name, "--clips", str(options.clips), "--baselines", options.baselines]
    )
    if options.drawn_again:
        results = read_results(options.out / "results.json")
    else:
        results = measure(options.collection, options.clips, options.baselines.split(","), options.out, command)
    table = tabulated(results)
    model = next(row.model for row in results.contenders if row.model)[:8]
    made = results.made
    note = f"Means over clips, measured on {made.date[:10]} on {made.machine['cpu']} by `{made.command}`; model {model}."
    readme = ROOT / "README.md"
    before, rest = readme.read_text("utf-8").split(BEGIN)
    _, after = rest.split(END)
    write_whole(readme, f"{before}{BEGIN}\n{table}\n\n{note}\n{END}{after}".encode())
    write_whole(ROOT / "docs" / "quality.svg", drawn(results).encode())
    print(table, note, sep="\n\n")


if __name__ == "__main__":
    main()
