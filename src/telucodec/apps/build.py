"""The whole way in one call: a folder of media -> data -> model -> measurements -> report, each step kept and skipped where nothing changed.

A step leaves its files and, in `steps/NAME.json`, what it found out and a digest of all it was made from.
"""

import hashlib
import json
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from telucodec import __version__
from telucodec.apps.build_record import NO_TERMS, SHIPPED, BuildRecord, Terms
from telucodec.apps.report import Further, report
from telucodec.counting import counted
from telucodec.data.extract import TEST_FOLDER, ExtractReport, extract, media_files
from telucodec.data.filter import FilterConfig, Sifted, sift
from telucodec.data.manifest import read_manifest, read_segment, write_manifest
from telucodec.data.media_folder import BUILD_MARK
from telucodec.data.outcome import record_path
from telucodec.data.segment import SegmentConfig, segment
from telucodec.data.split import PARTS, SplitConfig, split
from telucodec.data.workplace import held
from telucodec.errors import DataError
from telucodec.evaluation.baselines.choose import choose
from telucodec.evaluation.evaluate import evaluate
from telucodec.evaluation.ours import ours
from telucodec.files import printable, write_whole
from telucodec.progress import Progress
from telucodec.runtime.codec import load_codec
from telucodec.runtime.model import FILE_NAME, WEIGHTS, TransformModel, load_model
from telucodec.runtime.synthesis import load_syntheses
from telucodec.stream.codec import FILE_NAME as LIVE_FILE_NAME

Bar = Callable[[str], AbstractContextManager[Progress]]
"""Opens a progress bar of that title."""
Say = Callable[[str], None]

KBPS = 6.3
"""What the codec is asked for: safely below 6.4 kbps, where a file is 40 times smaller than 16-bit PCM."""
BASELINES = ("opus@6", "opus@8", "opus@12", "opus-audio@12")
MAX_TRAINING_S = 4 * 3600
"""Networks this small learn nothing more from more; evenly spread segments of a larger training set are used."""
MAX_VALIDATION_S = 600
MAX_TEST_CLIPS = 40
SEGMENTS = SegmentConfig(min_s=1.0, max_s=10.0)
"""Long enough to judge a clip by ear and by PESQ, short enough that 40 of them are measured in minutes."""
LINES_SHOWN = 5
"""Rejected segments told on the way; the report lists them all."""


@dataclass(frozen=True)
class Built:
    """What a build left behind."""

    results: Path
    report: Path
    unreadable: tuple[str, ...]
    """A line for each media file that could not be used."""


def build(media: Path, out: Path, minutes: float, bar: Bar, say: Say, command: str, terms: Terms = NO_TERMS) -> Built:
    """Make `out` from the recordings below `media`: audio/, manifests/, model/, results.json with samples/, build.json and report.html.

    `minutes` is the time to train for; the report judges by `terms` what all of it took. What a build wrote below `media` is no recording. Raises DataError where nothing is left to
    train on or to test with, or another build writes to `out`.
    """
    media, out = Path(media), Path(out)
    if (media / BUILD_MARK).exists():
        raise DataError(f"{media}: is what a build wrote; give the folder that your recordings lie in")
    media_files(media, out)  # without any, nothing is to be written
    with held((out / BUILD_MARK).parent, out):
        return _build(media, out, minutes, bar, say, command, terms)


def _build(media: Path, out: Path, minutes: float, bar: Bar, say: Say, command: str, terms: Terms) -> Built:
    results, page = out / "results.json", out / "report.html"
    extracted, extract_s = _extract(media, out, bar, say)
    data, prepare_s = _prepare(media, extracted, out, bar, say)
    audio = _digest(extracted, out)
    training, train_s = _train(out, audio, minutes, bar, say)
    called = printable(f"{os.path.basename(os.path.realpath(media))} (test part)")
    measure_s = _evaluate(out, audio, results, training["model"], called, bar, say, command)
    record = BuildRecord(
        data={
            "recordings": len(extracted.rows),
            "recorded minutes": round(sum(row.duration_s for row in extracted.rows) / 60, 2),
            "speakers known": data["speakers"],
            **{f"{part} seconds": round(part_s, 1) for part, part_s in data["seconds"].items()},
            "segments rejected": len(data["rejected"]),
            "files unreadable": len(extracted.unreadable),
            "model": training["chosen"],
            **{
                f"validation kbps at equal distortion (lower is better), {name}": f"{kbps:.3f}"
                for name, kbps in training["validation_kbps"].items()
            },
        },
        seconds={"audio": extract_s, "manifests": prepare_s, "model": train_s, "measurements": measure_s},
        leaks=tuple(data["leaks"]),
        remarks=tuple(data["remarks"]),
        unreadable=extracted.unreadable,
        rejected=tuple(data["rejected"]),
        defects=data["defects"],
        terms=terms,
        command=command,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_whole(out / "build.json", record.model_dump_json(indent=1).encode())
    manifests = out / "manifests"
    report(results, page, Further(out / "build.json", manifests=manifests, test_set=manifests / "measured.csv", model=out / "model"))
    return Built(results, page, record.unreadable)


def _one_line(words: str) -> str:
    """`words` on one line, as names of files may not be."""
    return " ".join(words.splitlines())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(extracted: ExtractReport, out: Path) -> str:
    """Changes when the content of any recording does, since their records tell what each was made from."""
    return hashlib.sha256("".join(_sha256(record_path(out / row.path)) for row in extracted.rows).encode()).hexdigest()


def _step(
    out: Path, name: str, made_from: dict, products: Sequence[Path], work: Callable[[], dict], title: str, say: Say
) -> tuple[dict, float]:
    """What step `name` found out and the seconds it took, now or when the same was made from the same things before."""
    made_from = made_from | {"version": __version__}
    record = out / "steps" / f"{name}.json"
    with suppress(OSError, ValueError, KeyError):
        kept = json.loads(record.read_bytes())
        if kept["made_from"] == made_from and all(kept["products"][path.name] == _sha256(path) for path in products):
            say(f"{title} unchanged since the last run, kept")
            return kept["found"], kept["seconds"]
    start = time.monotonic()
    found = work()
    kept = {"made_from": made_from, "products": {path.name: _sha256(path) for path in products}, "found": found}
    kept["seconds"] = time.monotonic() - start
    write_whole(record, json.dumps(kept, ensure_ascii=False, indent=1).encode())
    return found, kept["seconds"]


def _extract(media: Path, out: Path, bar: Bar, say: Say) -> tuple[ExtractReport, float]:
    """The audio of `media`, and the seconds that took, earlier runs counted in."""
    record, before_s = out / BUILD_MARK, 0.0
    with suppress(OSError, ValueError, KeyError):
        before_s = json.loads(record.read_bytes())["seconds"]
    write_whole(record, json.dumps({"seconds": before_s}).encode())  # before any sound, which is then known for what it is
    start = time.monotonic()
    with bar("extract") as progress:
        extracted = extract(media, out, progress, jobs=os.cpu_count() or 1)
    spent_s = before_s + time.monotonic() - start
    write_whole(record, json.dumps({"seconds": spent_s}).encode())
    num_recordings, num_unreadable = len(extracted.rows), len(extracted.unreadable)
    say(f"audio: {counted(num_recordings, 'recording')}, {extracted.num_reused} from before, {num_unreadable} unreadable")
    for line in extracted.unreadable:
        say(f"  left out: {_one_line(line)}")
    if not extracted.rows:
        raise DataError(f"{media}: no recording in it can be read; see the lines above")
    return extracted, spent_s


def _prepare(media: Path, extracted: ExtractReport, out: Path, bar: Bar, say: Say) -> tuple[dict, float]:
    """The manifests of `out`; what was found on the way, and the seconds that took."""
    manifests = {part: out / "manifests" / f"{part}.csv" for part in PARTS}

    def work() -> dict:
        jobs = os.cpu_count() or 1
        with bar("segment") as progress:
            cut = segment(extracted.rows, out, SEGMENTS, jobs, progress)
        if cut.unreadable:
            raise DataError(cut.unreadable[0])
        with bar("filter") as progress:
            sifted = sift(cut.rows, out, FilterConfig(), jobs, progress)
        kept, rejected = sifted.kept, [*cut.speechless, *map(str, sifted.rejected)]
        if not kept:
            raise DataError(f"{media}: nothing in it is worth learning from; {rejected[0]}")
        parts = split(kept)
        for part, path in manifests.items():
            write_manifest(path, [replace(row, path=f"../{row.path}") for row in getattr(parts, part)])
        durations = {part: sum(row.duration_s for row in getattr(parts, part)) for part in manifests}
        return {
            "seconds": durations,
            "rejected": rejected,
            "leaks": parts.leaks,
            "remarks": parts.remarks,
            "speakers": len({row.speaker for row in kept} - {""}),
            "defects": _found(sifted),
        }

    made_from = {
        "recordings": [[row.recording, row.duration_s] for row in extracted.rows],
        "audio": _digest(extracted, out),
        "segments": repr(SEGMENTS),
        "filter": repr(FilterConfig()),
        "split": repr(SplitConfig()),
    }
    found, seconds = _step(out, "manifests", made_from, list(manifests.values()), work, "manifests:", say)
    durations = ", ".join(f"{part} {part_s:.0f} s" for part, part_s in found["seconds"].items())
    say(f"manifests: {durations}; {counted(len(found['rejected']), 'segment')} rejected")
    for line in [*found["rejected"][:LINES_SHOWN], *found["leaks"], *found["remarks"]]:
        say(f"  {_one_line(line)}")
    if not found["seconds"]["test"]:
        raise DataError(f"{media}: nothing in it is left to test with; add recordings, or put some in {media / TEST_FOLDER}")
    return found, seconds


def _found(sifted: Sifted) -> dict[str, int]:
    """Segments with each defect, turned away for it or not."""
    counts = Counter({case: rows for case, (rows, _) in sifted.amounts().items()})
    counts.update({case: rows for case, (rows, _) in sifted.amounts(spared=True).items()})
    return dict(counts.most_common())


def _waves(manifest: Path, longest_s: float) -> list[np.ndarray]:
    """Sounds [1, T] of a manifest's rows; of more than `longest_s` in all, rows evenly spread."""
    rows = read_manifest(manifest)
    every = max(1, round(sum(row.duration_s for row in rows) / longest_s))
    return [read_segment(row, manifest.parent) for row in rows[::every]]


def _train(out: Path, audio: str, minutes: float, bar: Bar, say: Say) -> tuple[dict, float]:
    """The model of `out`: the shipped one refitted in two ways to the training part, whichever codes the validation part shortest."""
    shipped, syntheses = load_model(), load_syntheses()
    train_csv, val_csv = (out / "manifests" / f"{part}.csv" for part in ("train", "val"))
    model_path = out / "model" / FILE_NAME
    parts = {"train": _sha256(train_csv), "val": _sha256(val_csv)}
    live_path, live = model_path.with_name(LIVE_FILE_NAME), (WEIGHTS / LIVE_FILE_NAME).read_bytes()
    start = load_codec().digest + hashlib.sha256(live).hexdigest()
    made_from = parts | {"audio": audio, "minutes": minutes, "start": start}
    products = [model_path, live_path, *(model_path.with_name(synthesis.use.file_name) for synthesis in syntheses.values())]

    def work() -> dict:
        from telucodec.training.fit import FitConfig, fit, ideal_kbps  # torch is needed from here on, and only here

        train_waves, val_waves = _waves(train_csv, MAX_TRAINING_S), _waves(val_csv, MAX_VALIDATION_S)
        candidates: dict[str, TransformModel] = {SHIPPED: shipped}
        if math.isfinite(ideal_kbps(shipped, val_waves)):  # without speech to judge a refit by there is no use in one
            with bar("train") as progress:
                candidates["tables refitted"] = fit(train_waves, FitConfig(minutes=0), shipped, progress)
                candidates["networks and tables refitted"] = fit(train_waves, FitConfig(minutes=minutes), shipped, progress)
        kbps = {name: ideal_kbps(model, val_waves) for name, model in candidates.items()} if len(candidates) > 1 else {}
        chosen = min(kbps, key=kbps.get, default=SHIPPED)
        candidates[chosen].save(model_path)
        # A synthesis knows steps and levels alone. The refinement knows rows of the tables too, and gives as much behind refitted ones (experiments.md, 58).
        for synthesis in syntheses.values():
            write_whole(model_path.with_name(synthesis.use.file_name), synthesis.read())
        write_whole(live_path, live)  # learned from short packets, of which a refit saw none
        return {"chosen": chosen, "validation_kbps": kbps, "model": candidates[chosen].identity.hex()}

    found, seconds = _step(out, "model", made_from, products, work, "model:", say)
    told = "validation speech at the same distortion takes" if found["validation_kbps"] else "no validation speech to judge a refit by"
    say(f"model: {found['chosen']}; {told}")
    for name, kbps in found["validation_kbps"].items():
        say(f"  {kbps:.3f} kbps  {name}")
    return found, seconds


def _evaluate(out: Path, audio: str, results: Path, model: str, called: str, bar: Bar, say: Say, command: str) -> float:
    """results.json of `out`: its model, the shipped one and Opus on the test part, which is `called` so; the seconds that took."""
    test_csv, measured_csv = (out / "manifests" / f"{part}.csv" for part in ("test", "measured"))

    shipped = load_model().identity.hex()

    def work() -> dict:
        rows = read_manifest(test_csv)
        rows = rows[:: -(-len(rows) // MAX_TEST_CLIPS)]
        write_manifest(measured_csv, rows)
        models = {SHIPPED: out / "model"} if model == shipped else {"built": out / "model", SHIPPED: None}
        contenders = [ours(folder, KBPS, mode, name) for name, folder in models.items() for mode in ("natural", "fidelity")]
        contenders += choose(BASELINES, [KBPS])
        with bar("measure") as progress:
            evaluate(measured_csv, contenders, results, command, jobs=os.cpu_count() or 1, progress=progress, called=called)
        return {"clips": len(rows)}

    measured_with = [name for name in ("pesq", "pystoi", "visqol", "ai_edge_litert", "speechmos", "swift_f0") if find_spec(name)]
    settings = {"kbps": KBPS, "baselines": list(BASELINES), "measured_with": measured_with}
    made_from = settings | {"test": _sha256(test_csv), "audio": audio, "model": model, "shipped": shipped, "called": called}
    found, seconds = _step(out, "results", made_from, [results], work, "results:", say)
    say(f"results: {counted(found['clips'], 'test clip')}")
    return seconds
