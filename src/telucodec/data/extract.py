"""Recordings out of media: every audio or video file below a folder becomes a 16 kHz mono FLAC file, named after it.

The first folder below the media folder names the speaker: `kerstin/a.mp4` is Kerstin's. Files beside it have no known speaker. A first
folder called `test` is for testing only, never for training; the folder below it names the speaker: `test/lakshmi/b.mp4`.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from telucodec.audio.media import SAMPLE_RATE, printable, stated_duration, stream_media, write_audio
from telucodec.errors import DataError, MediaError
from telucodec.files import write_whole

VIDEO_SUFFIXES = {".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}
AUDIO_SUFFIXES = {".aac", ".aif", ".aiff", ".amr", ".caf", ".flac", ".m4a", ".mka", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wma"}
MEDIA_SUFFIXES = VIDEO_SUFFIXES | AUDIO_SUFFIXES
"""What a media file's name ends in, in small letters."""

TEST_FOLDER = "test"
AUDIO_FOLDER = "audio"

ENDS_BYTES = 1 << 20
"""How much of a file's beginning and end tells whether it has changed; all of a two-hour film would take minutes."""

NAME_BYTES = 200
"""Longest name kept. File systems take 255 bytes, Telugu letters are three each, and suffixes are yet to come."""

Progress = Callable[[float, float, str], None]
"""progress(done_s, total_s, name): seconds of sound extracted, seconds expected in all, file at hand."""


@dataclass(frozen=True)
class Recording:
    """The extracted sound of one media file."""

    name: str
    """Where its media file lies below the media folder, with / between folders."""
    duration_s: float

    @property
    def path(self) -> str:
        """Its FLAC file, below the root folder of the data."""
        return f"{AUDIO_FOLDER}/{self.name}.flac"

    @property
    def record(self) -> str:
        """JSON file beside it that says what it was made from."""
        return f"{AUDIO_FOLDER}/{self.name}.json"

    @property
    def speaker(self) -> str:
        """Name of the speaker, empty where unknown."""
        folders = self.name.split("/")[:-1]
        return "".join(folders[1:2] if for_test(self.name) else folders[:1])


@dataclass(frozen=True)
class ExtractReport:
    """What became of the media files of a folder."""

    recordings: tuple[Recording, ...]
    num_reused: int
    """Recordings among them that had been extracted before."""
    unreadable: tuple[str, ...]
    """A line for each file without usable sound: which, why, and what to do."""


def for_test(recording: str) -> bool:
    """Return whether the recording of that name lies in the folder kept for testing."""
    first, _, below = recording.partition("/")
    return bool(below) and first.lower() == TEST_FOLDER


def extract(folder: Path, out_dir: Path, progress: Progress = lambda done_s, total_s, name: None) -> ExtractReport:
    """Extract the sound of every media file below `folder` into `out_dir`/audio, but for those done before and unchanged since.

    Hidden files are passed over. A file that cannot be read, or holds only digital silence, is reported and the next one taken.
    Raises DataError where there is no media at all, TelucodecError where nothing can be written.
    """
    folder, out_dir = Path(folder), Path(out_dir)
    sources = {_name(path, folder): path for path in _media_files(folder, out_dir)}
    recordings: dict[str, Recording] = {}
    unreadable: dict[str, str] = {}
    to_do_s: dict[str, float] = {}
    for name, source in sources.items():
        try:
            if done := _done_before(source, name, out_dir):
                recordings[name] = done
            else:
                to_do_s[name] = stated_duration(source)
        except MediaError as error:
            unreadable[name] = str(error)
    num_reused = len(recordings)

    done_s, total_s = 0.0, float(np.nansum(list(to_do_s.values())))
    for name, stated_s in to_do_s.items():
        stated_s = float(np.nan_to_num(stated_s))
        heard = partial(_tell, progress, name, total_s, done_s, stated_s)
        try:
            recordings[name] = _extract_one(sources[name], name, out_dir, heard)
        except MediaError as error:
            unreadable[name] = str(error)
        done_s += stated_s
        progress(done_s, total_s, name)
    return ExtractReport(
        recordings=tuple(recordings[name] for name in sources if name in recordings),
        num_reused=num_reused,
        unreadable=tuple(unreadable[name] for name in sources if name in unreadable),
    )


def _tell(progress: Progress, name: str, total_s: float, before_s: float, stated_s: float, heard_s: float) -> None:
    """Report `heard_s` seconds of a file that states `stated_s` and comes after `before_s` seconds of others."""
    progress(before_s + min(heard_s, stated_s), total_s, name)


def _media_files(folder: Path, out_dir: Path) -> list[Path]:
    """Return the media files below `folder` in order, without hidden ones and without what was extracted before."""
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder; give the folder that your recordings lie in")
    if folder.resolve() == out_dir.resolve():
        raise DataError(f"{folder}: cannot take the extracted sound as well; give another folder to write to")
    own = (out_dir / AUDIO_FOLDER).resolve()
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in MEDIA_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.parent.resolve().is_relative_to(own)
        and path.is_file()
    ]
    if not found:
        raise DataError(f"{folder}: holds no audio or video file; put your recordings there (mp4, mkv, mp3, m4a, wav, flac ...)")
    return found


def _name(path: Path, folder: Path) -> str:
    """Return where `path` lies below `folder`; a part that is too long or not UTF-8 is cut or mended, and told apart by a digest."""
    parts = []
    for part in path.relative_to(folder).parts:
        raw = os.fsencode(part)
        valid = raw.decode("utf-8", "replace").encode()
        if valid != raw or len(raw) > NAME_BYTES:
            part = f"{valid[: NAME_BYTES - 9].decode('utf-8', 'ignore')}-{hashlib.sha256(raw).hexdigest()[:8]}"
        parts.append(part)
    return "/".join(parts)


def _extract_one(source: Path, name: str, out_dir: Path, heard: Callable[[float], None]) -> Recording:
    """Write the FLAC file of `source` and then its record, so that an interruption between them only means doing it again."""
    before = _fingerprint(source)
    num_samples = write_audio(out_dir / Recording(name, 0.0).path, _sounding(source, heard), SAMPLE_RATE)
    write_whole(_record_path(name, out_dir), json.dumps({"source": before, "num_samples": num_samples}).encode())
    return Recording(name, num_samples / SAMPLE_RATE)


def _sounding(source: Path, heard: Callable[[float], None]) -> Iterator[np.ndarray]:
    """Yield the windows [1, T] of `source`, telling `heard` the seconds so far. Raises MediaError if all would be zero in 16 bits."""
    peak = heard_s = 0.0
    for window in stream_media(source, SAMPLE_RATE):
        peak = max(peak, float(np.abs(window).max()))
        heard_s += window.shape[-1] / SAMPLE_RATE
        yield window
        heard(heard_s)
    if peak < 0.5 / 32768:
        raise MediaError(f"{printable(source)}: holds only digital silence; check the recording")


def _done_before(source: Path, name: str, out_dir: Path) -> Recording | None:
    """Return the recording that an earlier run made of `source`, if both are still what they were."""
    try:
        record = json.loads(_record_path(name, out_dir).read_bytes())
        recording = Recording(name, record["num_samples"] / SAMPLE_RATE)
        num_samples = soundfile.info(os.fsencode(out_dir / recording.path)).frames
    except (OSError, ValueError, KeyError, TypeError, soundfile.SoundFileError):
        return None
    same = num_samples == record["num_samples"] and record["source"] == _fingerprint(source)
    return recording if same else None


def _record_path(name: str, out_dir: Path) -> Path:
    return out_dir / Recording(name, 0.0).record


def _fingerprint(source: Path) -> dict[str, int | str]:
    """Return what changes when `source` does. Raises MediaError where it cannot be read."""
    try:
        with open(source, "rb") as file:
            state = os.fstat(file.fileno())
            digest = hashlib.sha256(file.read(ENDS_BYTES))
            file.seek(max(0, state.st_size - ENDS_BYTES))
            digest.update(file.read(ENDS_BYTES))
    except OSError as error:
        raise MediaError(f"{printable(source)}: cannot be read ({error.strerror}); check who may read it") from error
    return {"bytes": state.st_size, "mtime_ns": state.st_mtime_ns, "sha256_of_ends": digest.hexdigest()}
