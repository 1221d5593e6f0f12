"""All numbers of docs/recognizer.md in one run: python benchmarks/recognizer.py COLLECTION OUT [--minutes 30] [--only commands].

Trains on the splits of benchmarks/recognizer_manifests.py, one thread, and writes OUT/results.json:
  commands  English wake words, from nothing
  sentences Malayalam and Kannada in Telugu's script, from nothing; tested on the closed and the open set, Kannada and Telugu
  with-tts  the same with synthetic Telugu of PROMPTS beside it (--prompts), tested on the same sets
each with the float and the 8-bit bundle, the best path and, for sentences, beam search with a language model of the training texts.
Training of `sentences` and `with-tts` lasts --minutes each, `commands` a third of it. What an earlier call found of the others stays in results.json.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from telucodec.data.manifest import moved, read_manifest, write_manifest

HERE = Path(__file__).parent


def telucodec(*arguments: object) -> str:
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 2):  # 2: trained, but with a sign that is told
        sys.exit(f"{' '.join(map(str, arguments))}: exit code {done.returncode}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--only", choices=("commands", "sentences", "with-tts"))
    parser.add_argument("--prompts", type=Path, help="Telugu sentences to synthesise, one a line; with-tts needs them.")
    parser.add_argument("--synthetic", type=int, default=600, help="How many of them.")
    options = parser.parse_args()
    out = options.out
    subprocess.run([sys.executable, HERE / "recognizer_manifests.py", options.collection, out], check=True)
    runs = {"commands": (out / "commands", "commands", options.minutes / 3), "sentences": (out / "sentences", "telugu", options.minutes)}
    if options.prompts:
        runs["with-tts"] = (with_tts(out, options.prompts, options.synthetic), "telugu", options.minutes)
    kept = out / "results.json"
    results = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    for name, (data, config, minutes) in runs.items():
        if options.only in (None, name):
            results[name] = one(data, config, minutes, out / "runs", name)
            kept.write_text(json.dumps(results, ensure_ascii=False, indent=1), "utf-8")
            print(json.dumps(results[name], indent=1))


def with_tts(out: Path, prompts: Path, count: int) -> Path:
    """The sentences' manifests with synthetic Telugu in training."""
    telucodec("tts", prompts, "--out", out / "tts", "--voice", "te", "--limit", count)
    folder = out / "with-tts"
    for path in (out / "sentences").glob("*.csv"):
        rows = moved(read_manifest(path), path.parent, folder)
        if path.stem == "train":
            rows += moved(read_manifest(out / "tts" / "manifest.csv"), out / "tts", folder)
        write_manifest(folder / path.name, rows)
    return folder


def one(data: Path, config: str, minutes: float, runs: Path, name: str) -> dict:
    """Train, pack and test."""
    shutil.rmtree(runs / name, ignore_errors=True)
    telucodec("recognizer", "train", "--data", data, "--config", config, "--minutes", minutes, "--runs", runs, "--name", name)
    tests = sorted(path for path in data.glob("*.csv") if path.stem not in ("train", "val"))
    packed = ["recognizer", "optimize", runs / name, "--json"]
    found = {
        "curve": [entry for line in (runs / name / "log.jsonl").read_text("utf-8").splitlines() if "cer" in (entry := json.loads(line))],
        "bundle": json.loads(telucodec(*packed, "--out", runs / name / "bundle", "--prompts", data / "train.csv")),
        "int8": json.loads(telucodec(*packed, "--out", runs / name / "int8", "--int8") or "null"),
    }
    for search in ("--no-lm", "--lm"):
        found[search] = json.loads(telucodec("recognizer", "evaluate", runs / name / "bundle", *tests, search, "--json"))
    prompts = [*tests, data / "train.csv"]  # of all that is said anywhere in these tests and in training, one
    closed = [option for path in prompts for option in ("--closed", path)]
    found["--closed"] = json.loads(telucodec("recognizer", "evaluate", runs / name / "bundle", *tests, *closed, "--json"))
    if (runs / name / "int8").is_dir():
        found["int8 --no-lm"] = json.loads(telucodec("recognizer", "evaluate", runs / name / "int8", *tests, "--json"))
    return found


if __name__ == "__main__":
    main()
