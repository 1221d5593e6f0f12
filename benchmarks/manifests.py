"""The fixed split of a speech collection as manifests to train with: python benchmarks/manifests.py COLLECTION OUT.

OUT/train.csv is what may be trained on; OUT/val.csv holds what is kept out of it (three Malayalam speakers, an eighth of Kerstin's clips);
OUT/test.csv the sets that are for tests alone. Paths in them lead to the collection's own files.
With --without kn, training hears no Kannada; with --only kn, there is only that, an eighth of it in OUT/val.csv.
"""

import argparse
import csv
from pathlib import Path

import speech

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.loudness import measure
from telucodec.data.manifest import Segment, moved, write_manifest

PARTS = {"train": "train", "kerstin": "val", "malayalam": "val", "telugu": "test", "ljspeech": "test", "librispeech": "test"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path)
    parser.add_argument("out", type=Path)
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--without", metavar="LANGUAGE")
    chosen.add_argument("--only", metavar="LANGUAGE")
    options = parser.parse_args()
    with open(options.collection / "index.csv", encoding="utf-8", newline="") as file:
        described = {options.collection / row["path"]: row for row in csv.DictReader(file)}
    parts: dict[str, list[Segment]] = {}
    for name, paths in speech.paths(options.collection).items():
        for path in sorted(paths) if name in PARTS else ():
            part, language = PARTS[name], described[path]["language"]
            if options.only:
                part = None if part != "train" or language != options.only else "train" if speech.deal(path.name, 8) else "val"
            if part and not (part == "train" and language == options.without):
                parts.setdefault(part, []).append(row_of(path, described[path], options.collection))
    for part, rows in parts.items():
        write_manifest(options.out / f"{part}.csv", moved(rows, options.collection, options.out))
        print(f"{options.out / part}.csv: {len(rows)} rows, {sum(row.duration_s for row in rows) / 3600:.2f} h")


def row_of(path: Path, cells: dict[str, str], collection: Path) -> Segment:
    measures = measure(path)
    return Segment(
        path=cells["path"],
        start_s=0.0,
        duration_s=measures.num_samples / SAMPLE_RATE,
        recording=str(path.relative_to(collection)),
        speaker=cells["speaker"] and f"{cells['source']} {cells['speaker']}",
        rms=measures.rms,
        peak=measures.peak,
        clipped_share=measures.clipped_share,
        text=cells["text"],
        language=cells["language"],
        source=cells["source"],
        licence=cells["licence"],
    )


if __name__ == "__main__":
    main()
