"""The fixed splits behind the recogniser's numbers: python benchmarks/recognizer_manifests.py COLLECTION OUT.

OUT/sentences: train.csv (Malayalam and Kannada with text), val.csv, and for tests
  closed.csv  speakers never heard, sentences that others read in training (the closed prompt set),
  open.csv    speakers never heard, sentences never heard,
  kannada.csv Kannada sentences never heard, of the one speaker there is,
  telugu.csv  the Telugu clips, never trained on.
OUT/commands: train.csv, val.csv, test.csv of the English wake words; whose speakers are not known, so recordings are kept apart, not speakers.
A tenth of the sentences and an eighth of the Malayalam speakers are kept out of training; rows of a speaker in it who reads such a sentence
are in no part.
"""

import argparse
import csv
from pathlib import Path

from manifests import row_of
from speech import deal

from telucodec.data.manifest import Segment, moved, write_manifest
from telucodec.data.transcript import normalised

SPEAKER_PARTS, SENTENCE_PARTS = 8, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    with open(options.collection / "index.csv", encoding="utf-8", newline="") as file:
        described = [row for row in csv.DictReader(file) if row["text"].strip()]
    parts: dict[tuple[str, str], list[Segment]] = {}
    for cells in described:
        if place := part_of(cells):
            parts.setdefault(place, []).append(row_of(options.collection / cells["path"], cells, options.collection))
    for (folder, part), rows in sorted(parts.items()):
        out = options.out / folder
        write_manifest(out / f"{part}.csv", moved(rows, options.collection, out))
        minutes = sum(row.duration_s for row in rows) / 60
        print(
            f"{out / part}.csv: {len(rows)} rows, {minutes:.1f} min, {len({row.speaker for row in rows})} speakers, {len({row.text for row in rows})} texts"
        )


def part_of(cells: dict[str, str]) -> tuple[str, str] | None:
    """Folder and part of a clip, None where it is in none."""
    unheard = deal(normalised(cells["text"]), SENTENCE_PARTS) == 0
    if cells["source"] == "smc-msc":
        dealt = deal(cells["speaker"], SPEAKER_PARTS)
        if dealt == 0:
            return "sentences", "open" if unheard else "closed"
        if dealt == 1 and deal(cells["path"], 3) == 0 and not unheard:
            return "sentences", "val"  # half of one more eighth of the speakers
        return None if unheard or dealt == 1 else ("sentences", "train")
    if cells["source"] == "kannada-ajhalthor":
        return "sentences", "kannada" if unheard else "train"
    if cells["source"] == "commonvoice-te":
        return "sentences", "telugu"
    if cells["source"] == "picovoice-wakeword":
        return "commands", {0: "test", 1: "test", 2: "val"}.get(deal(cells["path"], 10), "train")
    return None


if __name__ == "__main__":
    main()
