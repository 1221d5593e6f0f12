"""What became of one media file: its FLAC file and, beside it, a record of what it was made from, or of why there is none.

The record is written last, so that a process may be killed between the two, and the file is only done again.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile

from telucodec.audio.media import SAMPLE_RATE, stream_media
from telucodec.audio.sound_file import to_int16, write_audio
from telucodec.data.loudness import SILENT_PEAK, Measures, Meter
from telucodec.data.source import SourceMeter
from telucodec.errors import MediaError
from telucodec.files import printable, write_whole

ENDS_BYTES = 1 << 20
"""How much of a file's beginning and end tells whether it has changed; all of a two-hour film would take minutes."""


@dataclass(frozen=True)
class Outcome:
    """Measures of the FLAC file, or the reason why there is none."""

    measures: Measures | None
    reason: str = ""


def record_path(flac: Path) -> Path:
    """Return where the record of the file `flac` lies."""
    return flac.with_suffix(".json")


def bring(source: Path, flac: Path, heard: Callable[[float], None] = lambda heard_s: None) -> Outcome:
    """Write the sound of `source` to `flac`, 16 kHz mono, then the record; tell `heard` the seconds on the way.

    A `source` that cannot be read, or holds only digital silence, is an outcome like any other. Raises TelucodecError where
    nothing can be written.
    """
    before, meter, channels = _state(source), Meter(), SourceMeter()
    try:
        write_audio(flac, _metered(source, meter, channels, heard), SAMPLE_RATE)
        channels.keep(flac)
        outcome = Outcome(meter.measures)
        made = {"flac_bytes": flac.stat().st_size, **asdict(meter.measures)}
    except MediaError as error:
        outcome = Outcome(None, str(error).removeprefix(f"{printable(source)}: "))
        made = {"reason": outcome.reason}
        flac.unlink(missing_ok=True)  # of what the source was before
    write_whole(record_path(flac), json.dumps({"source": before, **made}, ensure_ascii=False).encode("utf-8", "replace"))
    return outcome


def _metered(source: Path, meter: Meter, channels: SourceMeter, heard: Callable[[float], None]) -> Iterator[np.ndarray]:
    """Yield the windows [1, T] of `source` as 16 bits hold them, past `meter`. Raises MediaError if all are zero."""
    for window in stream_media(source, SAMPLE_RATE, heard=channels):
        rounded = to_int16(window) / np.float32(32768)
        meter.hear(rounded[0])
        yield rounded
        heard(meter.num_samples / SAMPLE_RATE)
    if meter.peak < SILENT_PEAK:
        raise MediaError(f"{printable(source)}: {channels.why_silent()}")


def known_outcome(source: Path, flac: Path, content: bool = True) -> Outcome | None:
    """Return what an earlier run made of `source`, if it and what was made of it are still what they were.

    Without `content` that is told by size and date alone.
    """
    try:
        record = json.loads(record_path(flac).read_bytes())
        made_from = record.pop("source")
        if "reason" in record:
            outcome = Outcome(None, str(record["reason"]))
        else:
            flac_bytes = record.pop("flac_bytes")
            outcome = Outcome(Measures(**record))
            if not is_whole(flac, outcome.measures, flac_bytes):
                return None
        now = _state(source, content)
        same = made_from == now if content or not now else now.items() <= made_from.items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, soundfile.SoundFileError):
        return None
    return outcome if same else None


def is_whole(flac: Path, measures: Measures, flac_bytes: int) -> bool:
    """Return whether the file `flac` has the length of `measures` and `flac_bytes` bytes.

    A header states the length of a file that was cut as well, its size does not. Raises OSError or SoundFileError where it cannot be read.
    """
    return flac_bytes == flac.stat().st_size and soundfile.info(os.fsencode(flac)).frames == measures.num_samples


def _state(source: Path, content: bool = True) -> dict[str, int | str] | None:
    """Return what changes when `source` does, None where it cannot be read."""
    try:
        with open(source, "rb") as file:
            state = os.fstat(file.fileno())
            found: dict[str, int | str] = {"bytes": state.st_size, "mtime_ns": state.st_mtime_ns}
            if content:
                digest = hashlib.sha256(file.read(ENDS_BYTES))
                file.seek(max(0, state.st_size - ENDS_BYTES))
                digest.update(file.read(ENDS_BYTES))
                found["sha256_of_ends"] = digest.hexdigest()
    except OSError:
        return None
    return found
