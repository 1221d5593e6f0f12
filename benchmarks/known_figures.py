"""Peers as measured here beside figures that other code found on other Telugu clips: python benchmarks/known_figures.py SPEECH_COLLECTION

The other figures are means of six clips, one of them of another corpus, by PESQ-WB, pystoi, ViSQOL's speech mode and Resemblyzer. Two means agree where their
difference lies within what chance gives: the 95 % interval found here, widened as six clips would widen it; for PESQ at least 0.3. An asterisk says they do not.
With 12 clips about ten minutes on two cores. Lyra needs its folder in TELUCODEC_LYRA, NoLACE its package in NODE_PATH.
"""

import argparse
import math
import os
import shlex
import sys
from pathlib import Path

import speech

from telucodec.apps.table import summaries
from telucodec.evaluation.baselines.choose import choose
from telucodec.evaluation.evaluate import evaluate
from telucodec.evaluation.results import Results
from telucodec.metrics import METRICS

MEASURES = {"pesq": 0.3, "stoi": 0.0051, "visqol": 0.0051, "speaker_similarity": 0.0051, "si_sdr_db": 0.051}
"""Metrics, with a difference that proves nothing whatever the interval: how the figures were rounded, and more for PESQ."""
KNOWN_CLIPS = 6
KNOWN: dict[str, tuple[float, ...]] = {
    "codec2@3.2": (3.19, 1.39, 0.85, 2.40, 0.79, math.nan),
    "lyra@3.2": (3.20, 2.14, 0.88, 3.47, 0.96, 4.4),
    "lyra@6": (6.00, 2.62, 0.92, 3.76, 0.98, 6.7),
    "lyra@9.2": (9.20, 2.94, 0.93, 3.78, 0.98, 7.6),
    "opus@6": (5.36, 2.18, 0.90, 2.83, 0.93, 4.5),
    "amr-wb@6.6": (6.60, 2.33, 0.93, 3.72, 0.97, 6.7),
    "opus@8": (7.27, 2.09, 0.90, 3.15, 0.96, 4.7),
    "opus@12": (10.29, 3.22, 0.97, 3.98, 0.99, 7.8),
    "opus-nolace@12": (10.29, 3.42, 0.96, 4.00, 0.99, 10.7),
    "amr-wb@12.65": (12.65, 3.18, 0.97, 4.06, 0.99, 8.4),
    "opus@16": (13.19, 3.88, 0.98, 4.22, 1.0, 8.6),
    "lc3@16": (16.00, 2.77, 0.95, 4.25, 0.99, 12.0),
}
"""Codec -> kbps and MEASURES."""


def compared(results: Results) -> str:
    """A table in Markdown: known / measured here, an asterisk where the two disagree."""
    labels = [METRICS[name].label for name in MEASURES]
    lines = ["| codec | kbps | " + " | ".join(labels) + " |", "|---|---:|" + "---:|" * len(MEASURES)]
    found = summaries(results)
    for row in results.contenders:
        if row.missing:
            lines.append(f"| {row.label} | not available: {row.missing} |" + " |" * len(MEASURES))
            continue
        summary, known = found[row.name], KNOWN[row.name.replace("_", "@")]
        cells = [f"{known[0]:.2f} / {summary.kbps:.2f}"]
        for (name, least), value in zip(MEASURES.items(), known[1:], strict=True):
            digits, spread = METRICS[name].digits, summary.spreads[name]
            chance = (spread.high - spread.low) / 2 * math.sqrt(1 + spread.num_measured / KNOWN_CLIPS)
            told = f"{value:.{digits}f}" if math.isfinite(value) else "-"
            cells.append(f"{told} / {spread.mean:.{digits}f}" + (" *" if abs(spread.mean - value) > max(least, chance) else ""))
        lines.append(f"| {row.label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path, help="folder with index.csv")
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path("known"), help="folder for results.json")
    options = parser.parse_args()
    chosen = options.out / "clips"
    chosen.mkdir(parents=True, exist_ok=True)
    for path in speech.paths(options.collection)["telugu"][: options.clips]:
        (chosen / path.name).unlink(missing_ok=True)
        (chosen / path.name).symlink_to(path.resolve())
    command = shlex.join(["python", "benchmarks/known_figures.py", options.collection.name, "--clips", str(options.clips)])

    def progress(done: int, total: int, name: str) -> None:
        print(f"{done} of {total} {name}", file=sys.stderr, flush=True)

    metrics = [METRICS[name] for name in MEASURES]
    results = evaluate(chosen, choose(list(KNOWN), []), options.out / "results.json", command, metrics, 0, os.cpu_count() or 1, progress)
    print(compared(results))


if __name__ == "__main__":
    main()
