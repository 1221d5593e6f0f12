"""Lhotse: recordings.jsonl.gz and supervisions.jsonl.gz, the sound left where it is.

The fields are those of `lhotse.Recording` and `lhotse.SupervisionSegment`. Their sources are absolute paths, since Lhotse takes
relative ones from wherever it was started: `CutSet.from_manifests(load_manifest(...), load_manifest(...))` then hears them on this machine.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.manifest import Segment, utf8
from telucodec.data.spans import Span, span_of
from telucodec.progress import Progress


def write_lhotse(rows: list[Segment], root: Path, out: Path, progress: Progress) -> None:
    """Write `rows`, whose files lie below `root`, to the folder `out`. Raises DataError where the sound of one is not there, or its
    place has a name that is not UTF-8.

    A file is one recording, called by its path in the manifest; its rows are supervisions called PATH-0, PATH-1 ... What Lhotse has no
    field for is in `custom`; text, speaker and language are left out where unknown.
    """
    files: dict[str, list[tuple[Segment, Span]]] = {}
    for number, row in enumerate(rows):
        progress(number, len(rows), row.recording)
        files.setdefault(row.path, []).append((row, span_of(row, root)))
    progress(len(rows), len(rows), "")
    _write_lines(out / "recordings.jsonl.gz", (_recording(path, held[0][1]) for path, held in files.items()))
    _write_lines(out / "supervisions.jsonl.gz", _supervisions(files))


def _recording(name: str, span: Span) -> dict:
    return {
        "id": name,
        "sources": [{"type": "file", "channels": [0], "source": utf8(str(span.path))}],
        "sampling_rate": SAMPLE_RATE,
        "num_samples": span.file_samples,
        "duration": span.file_samples / SAMPLE_RATE,
        "channel_ids": [0],
    }


def _supervisions(files: dict[str, list[tuple[Segment, Span]]]) -> Iterator[dict]:
    for path, held in files.items():
        for number, (row, span) in enumerate(held):
            said = {"text": row.text, "language": row.language, "speaker": row.speaker}
            yield {
                "id": f"{path}-{number}",
                "recording_id": path,
                "start": span.first / SAMPLE_RATE,
                "duration": span.num_samples / SAMPLE_RATE,
                "channel": 0,
                **{name: value for name, value in said.items() if value},
                "custom": {"recording": row.recording, "source": row.source, "licence": row.licence, "synthetic": row.synthetic},
            }


def _write_lines(path: Path, entries: Iterable[dict]) -> None:
    with open(path, "wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:  # without name and time: the same bytes again
        for entry in entries:
            packed.write((json.dumps(entry, ensure_ascii=False) + "\n").encode())
