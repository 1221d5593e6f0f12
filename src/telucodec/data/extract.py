"""Recordings out of media: every audio or video file below a folder becomes a 16 kHz mono FLAC file, named after it.

The first folder below the media folder names the speaker: `kerstin/a.mp4` is Kerstin's. Files beside it have no known speaker. A first
folder called `test` is for testing only, never for training; the folder below it names the speaker: `test/lakshmi/b.mp4`.
"""

import hashlib
import os
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

import numpy as np

from telucodec.audio.media import SAMPLE_RATE, stated_duration
from telucodec.data.executors import cluster, processes, submit_all
from telucodec.data.manifest import Segment, one_form, write_manifests
from telucodec.data.media_folder import media_below
from telucodec.data.outcome import Outcome, bring, known_outcome
from telucodec.data.workplace import AUDIO_FOLDER, NAME_BYTES, flac_path, half_written, workplace
from telucodec.errors import DataError, MediaError
from telucodec.files import HALF_WRITTEN, write_table
from telucodec.progress import Progress, untold

TEST_FOLDER = "test"

LOOK_S = 0.5
"""How often the files on their way are looked at, to move the bar within a film."""

BYTES_PER_S = 14_000
"""What a second of speech takes as FLAC (4.3 hours of it, 13.8 kB), to guess how far a file on its way has come. A wrong guess only makes the bar less even."""


@dataclass(frozen=True)
class Origin:
    """What the user says of all recordings of a folder; empty where unknown."""

    source: str = ""
    language: str = ""
    licence: str = ""


@dataclass(frozen=True)
class ExtractReport:
    """What became of the media files of a folder."""

    rows: tuple[Segment, ...]
    """A row for each recording as a whole, which is named by where its media file lies below the media folder, with / between folders."""
    num_reused: int
    """Recordings among them that had been extracted before."""
    failed: tuple[tuple[str, str], ...]
    """Which and why, for each file without usable sound; also in failed.csv."""
    num_not_tried: int
    """Files among the failed that had failed before and are what they were."""

    @property
    def unreadable(self) -> tuple[str, ...]:
        """A line for each file without usable sound: which, why, and what to do."""
        return tuple(f"{name}: {reason}" for name, reason in self.failed)


def for_test(recording: str) -> bool:
    """Return whether the recording of that name lies in the folder kept for testing."""
    first, _, below = recording.partition("/")
    return bool(below) and first.lower() == TEST_FOLDER


def speaker_of(recording: str) -> str:
    """Return who speaks in the recording of that name, empty where unknown."""
    folders = recording.split("/")[:-1]
    return one_form("".join(folders[1:2] if for_test(recording) else folders[:1]))


def extract(
    folder: Path,
    out_dir: Path,
    progress: Progress = untold,
    jobs: int = 1,
    scheduler: str = "",
    retry: bool = False,
    origin: Origin = Origin(),
) -> ExtractReport:
    """Extract the sound of every media file below `folder` into `out_dir`: audio/*.flac, manifest.csv, manifest.jsonl, failed.csv.

    `jobs` processes of this machine share the work, or the Dask cluster behind the address `scheduler`. What was done before is kept,
    and what failed before is not tried again unless `retry`, as long as its media file is unchanged. Hidden files are passed over.
    A file that cannot be read, or holds only digital silence, is reported and the next one taken.
    Raises DataError where there is no media at all or another run writes to `out_dir`, TelucodecError where nothing can be written.
    """
    folder, out_dir = Path(folder), Path(out_dir)
    sources = media_files(folder, out_dir)
    with workplace(out_dir):
        outcomes: dict[str, Outcome] = {}
        for name, source in sources.items():
            outcome = known_outcome(source, out_dir / flac_path(name))
            if outcome and not (retry and outcome.reason):
                outcomes[name] = outcome
        before = list(outcomes.values())
        to_do = {name: stated_s(source) for name, source in sources.items() if name not in outcomes}
        to_do = dict(sorted(to_do.items(), key=lambda item: -item[1]))  # the longest first, so that all processes end together
        if scheduler and to_do:
            with cluster(scheduler, [folder.absolute(), (out_dir / AUDIO_FOLDER).absolute()]) as executor:
                outcomes |= _side_by_side(executor, sources, to_do, out_dir, progress)
        elif min(jobs, len(to_do)) > 1:
            with processes(min(jobs, len(to_do))) as executor:
                outcomes |= _side_by_side(executor, sources, to_do, out_dir, progress)
        else:
            outcomes |= _in_turn(sources, to_do, out_dir, progress)
        report = _report({name: outcomes[name] for name in sources}, before, origin)
        write_manifests(out_dir, report.rows)
        write_table(out_dir / "failed.csv", ["file", "reason"], report.failed)
    return report


def _in_turn(sources: Mapping[str, Path], to_do: Mapping[str, float], out_dir: Path, progress: Progress) -> Iterator[tuple[str, Outcome]]:
    """Yield what becomes of each file of `to_do`, names and seconds, here and now."""
    done_s, total_s = 0.0, sum(to_do.values())
    for name, file_s in to_do.items():

        def tell(heard_s: float, name: str = name, before_s: float = done_s, most_s: float = file_s) -> None:
            progress(before_s + min(heard_s, most_s), total_s, name)

        yield name, bring(sources[name], out_dir / flac_path(name), tell)
        done_s += file_s
        progress(done_s, total_s, name)


def _side_by_side(
    executor: Executor, sources: Mapping[str, Path], to_do: Mapping[str, float], out_dir: Path, progress: Progress
) -> Iterator[tuple[str, Outcome]]:
    """Yield what becomes of each file of `to_do`, names and seconds, as they are finished."""
    flacs = {out_dir / flac_path(name): name for name in to_do}
    futures = submit_all(executor, bring, [(sources[name].absolute(), flac.absolute()) for flac, name in flacs.items()])
    names = dict(zip(futures, to_do, strict=True))
    finished: SimpleQueue[Future] = SimpleQueue()
    for future in futures:
        future.add_done_callback(finished.put)
    left_s, total_s = dict(to_do), sum(to_do.values())
    sizes: dict[str, int] = {}
    looked = time.monotonic()
    while left_s:
        name = next((which for which in sizes if which in left_s), "")
        with suppress(Empty):
            future = finished.get(timeout=LOOK_S)
            name = names[future]
            yield name, future.result()
            del left_s[name]
        if time.monotonic() > looked + LOOK_S:
            # Sizes are kept, since a file may be in its place a moment before its process says so.
            sizes |= {flacs[flac]: size for flac, size in on_their_way(out_dir).items() if flac in flacs}
            looked = time.monotonic()
        under_way_s = sum(min(left_s.get(which, 0.0), size / BYTES_PER_S) for which, size in sizes.items())
        progress(total_s - sum(left_s.values()) + under_way_s, total_s, name)


def on_their_way(out_dir: Path) -> dict[Path, int]:
    """Return the FLAC files that are being written and how many bytes of each are there."""
    sizes = {}
    for path in half_written(out_dir):
        target = path.with_name(HALF_WRITTEN.fullmatch(path.name)["target"])
        with suppress(OSError):
            if target.suffix == ".flac":
                sizes[target] = path.stat().st_size
    return sizes


def _report(outcomes: Mapping[str, Outcome], before: Collection[Outcome], origin: Origin) -> ExtractReport:
    rows = [
        Segment(
            path=flac_path(name),
            start_s=0.0,
            duration_s=each.measures.num_samples / SAMPLE_RATE,
            recording=name,
            speaker=speaker_of(name),
            rms=each.measures.rms,
            peak=each.measures.peak,
            clipped_share=each.measures.clipped_share,
            language=origin.language,
            source=origin.source,
            licence=origin.licence,
        )
        for name, each in outcomes.items()
        if each.measures
    ]
    return ExtractReport(
        rows=tuple(rows),
        num_reused=sum(each.measures is not None for each in before),
        failed=tuple((name, each.reason) for name, each in outcomes.items() if each.reason),
        num_not_tried=sum(each.measures is None for each in before),
    )


def stated_s(source: Path) -> float:
    """Return the seconds that `source` states, 0 where it states none or cannot be read."""
    try:
        return float(np.nan_to_num(stated_duration(source)))
    except MediaError:
        return 0.0


def media_files(folder: Path, out_dir: Path) -> dict[str, Path]:
    """Return the media files below `folder` by their names, in order, without hidden ones and without what was extracted or built before."""
    own = Path(os.path.realpath(out_dir / AUDIO_FOLDER))
    real = Path(os.path.realpath(folder))
    if real == Path(os.path.realpath(out_dir)) or real.is_relative_to(own):
        raise DataError(f"{folder}: is where the extracted sound would go; give another folder to write to")
    found = sorted(media_below(folder, lambda below: os.path.realpath(below) == str(own)))
    if not found:
        raise DataError(f"{folder}: holds no audio or video file; put your recordings there (mp4, mkv, mp3, m4a, wav, flac ...)")
    return {_name(path, folder): path for path in found}


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
