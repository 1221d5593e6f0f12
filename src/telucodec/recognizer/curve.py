"""How errors fall with more speech: the same recogniser from nothing on growing parts of the training rows, tested on the same rows.

Parts are nested and grow row by row in the order of a hash, so that rows of one recording may lie in and out of a part; every run has the
same length in minutes, and as many updates as the machine makes in them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from telucodec.data.manifest import Segment, moved, read_manifest, write_manifest
from telucodec.data.mix import shuffled
from telucodec.progress import Progress
from telucodec.recognizer.train import Request, Say, run


@dataclass(frozen=True)
class Point:
    """One run."""

    name: str
    clips: int
    """That were learned from."""
    hours: float
    cer: float
    """On the rows of val.csv."""
    wer: float
    updates: int
    run: str


def parts(rows: Sequence[Segment], shares: Sequence[float], seed: int) -> dict[str, list[Segment]]:
    """The first `shares` of `rows` in the order of a hash, by name."""
    order = shuffled(rows, seed)
    return {f"{100 * share:g} %": order[: max(1, round(share * len(order)))] for share in shares}


def learning_curve(request: Request, manifests: dict[str, list[Segment]], say: Say, progress: Progress) -> Iterator[Point]:
    """Train once on each of `manifests`, whose paths lie below request.data, and validate all on its val.csv; each when it is done.

    Each is written to a folder of its own in the folder of runs, so that it can be trained on again: other rows have another folder.
    """
    held_out = read_manifest(request.data / "val.csv")
    for name, rows in manifests.items():
        run_name = f"curve-{name.replace(' %', '')}"
        digest = hashlib.sha256(repr((rows, held_out)).encode()).hexdigest()[:8]
        folder = request.runs / f"{run_name}-data-{digest}"
        write_manifest(folder / "train.csv", moved(rows, request.data, folder))
        write_manifest(folder / "val.csv", moved(held_out, request.data, folder))
        path, outcome = run(replace(request, data=folder, name=run_name), say, progress)
        errors = outcome.entry["cer"], outcome.entry["wer"]
        yield Point(name, outcome.clips, outcome.hours, *errors, outcome.updates, str(path))
