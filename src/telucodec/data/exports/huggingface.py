"""Hugging Face AudioFolder: metadata.jsonl beside audio/, a FLAC file for each row, as `load_dataset("audiofolder", data_dir=...)` reads it.

JSON lines and not CSV, since its reader takes CSV cells such as NA, null or 007 for numbers and holes. (Of JSON it takes a column for
dates where every value in it is one, such as 2024-05-01; pass `features=` to load such a column as text.) Sound files are numbered,
since folders called train or test mean parts to it; the column `path` holds what the manifest says.
"""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.data.manifest import Segment
from telucodec.data.spans import span_of
from telucodec.files import without_nan
from telucodec.progress import Progress

AUDIO_FOLDER = "audio"


def write_huggingface(rows: list[Segment], root: Path, out: Path, progress: Progress) -> None:
    """Write `rows`, whose files lie below `root`, to the folder `out`: whole files linked or copied, parts of files cut out.

    Columns are those of the manifest. Raises DataError where the sound of a row is not there.
    """
    (out / AUDIO_FOLDER).mkdir()
    digits = len(str(len(rows) - 1))
    with open(out / "metadata.jsonl", "w", encoding="utf-8", newline="\n") as metadata:
        for number, row in enumerate(rows):
            progress(number, len(rows), row.recording)
            span = span_of(row, root)
            name = f"{AUDIO_FOLDER}/{number:0{digits}}.flac"
            if span.is_whole_file and span.path.suffix.lower() == ".flac":
                _link(span.path, out / name)
            else:
                write_audio(out / name, span.windows(), SAMPLE_RATE)
            metadata.write(json.dumps(without_nan({"file_name": name, **asdict(row)}), ensure_ascii=False) + "\n")
    progress(len(rows), len(rows), "")


def _link(path: Path, target: Path) -> None:
    """Give `path` a second name, or copy it where the file system has no such thing or is another."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)
