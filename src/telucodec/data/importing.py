"""A source of data into a folder: a 16 kHz FLAC file for each sound, and a manifest of them, CSV and JSON lines.

Each FLAC file appears whole and is then entered in a journal, so that an import that was stopped, in whatever way, goes on where it was:
what the journal holds is not decoded again, the rest is. Text and names of speakers are brought to Unicode NFC here, with single
spaces; that is all that is ever done to them.
"""

import json
import shutil
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import soundfile

from telucodec.audio.media import SAMPLE_RATE, stream_media
from telucodec.audio.sound_file import write_audio
from telucodec.data.loudness import SILENT_PEAK, Measures, measure
from telucodec.data.manifest import Segment, one_form, write_manifests
from telucodec.data.outcome import is_whole
from telucodec.data.source import SourceMeter
from telucodec.data.sources.source import JOURNAL, Source, Utterance
from telucodec.data.workplace import flac_path, workplace
from telucodec.errors import DataError, MediaError
from telucodec.files import append_line, write_table, write_whole
from telucodec.progress import Progress, untold

SCRATCH = ".incoming"
"""Folder for a sound on its way; emptied at the beginning and at the end, however that comes."""


@dataclass(frozen=True)
class Imported:
    """What became of a source."""

    rows: tuple[Segment, ...]
    manifest: Path
    num_reused: int
    """Rows among them whose sound had been imported before."""
    rejected: tuple[tuple[str, str], ...]
    """Which and why, for each row that could not be used; also in rejected.csv."""


@dataclass(frozen=True)
class _Entry:
    """A line of the journal: a FLAC file that is finished."""

    state: str
    """What `Source.state` said when it was made."""
    measures: Measures
    flac_bytes: int
    """Its size."""


def import_source(source: Source, out: Path, name: str, progress: Progress = untold) -> Imported:
    """Write audio/*.flac, manifest.csv, manifest.jsonl, details.csv and rejected.csv to `out` from `source`; rows say they are from `name`.

    A row that is no use is rejected with its reason, and the next one taken. Raises DataError where none is left, TelucodecError
    where nothing can be written.
    """
    out = Path(out)
    rejected: dict[str, str] = {}  # the first reason for each counts
    utterances = _listed(source, rejected.setdefault)
    with workplace(out):
        try:
            return _import(source, utterances, rejected, out, name, progress)
        finally:
            shutil.rmtree(out / SCRATCH, ignore_errors=True)


def _import(
    source: Source, utterances: dict[str, Utterance], rejected: dict[str, str], out: Path, name: str, progress: Progress
) -> Imported:
    scratch = out / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    entries = _read_journal(out / JOURNAL)
    known = {which: entry for which, entry in entries.items() if which in utterances}
    done = {which: entry for which, entry in known.items() if _finished(out, which, entry, source.state(which))}
    num_reused = len(done)
    write_whole(out / JOURNAL, "".join(_journal_line(*item) + "\n" for item in entries.items()).encode())  # without a line cut short
    wanted = [which for which in utterances if which not in done]
    if wanted:
        for number, (which, media) in enumerate(source.sounds(set(wanted), scratch, rejected.setdefault)):
            progress(number, len(wanted), which)
            state = source.state(which)
            try:
                measures = _import_one(media, which, out)
            except (MediaError, DataError) as error:
                reason = str(error).replace(str(media), which).removeprefix(f"{which}: ")
                said = utterances[which].text
                rejected.setdefault(which, f"{reason} (text: {said[:40]})" if said else reason)
                continue
            done[which] = _Entry(state, measures, (out / flac_path(which)).stat().st_size)
            append_line(out / JOURNAL, _journal_line(which, done[which]))
        progress(len(wanted), len(wanted), "")
    for which in wanted:
        if which not in done:
            rejected.setdefault(which, "its sound is not in the source; get the whole of it, or leave the row out")
    rows = tuple(row_of(utterances[which], done[which].measures, name) for which in utterances if which in done)
    write_table(out / "rejected.csv", ["row", "reason"], rejected.items())
    if not rows:
        first = next(iter(rejected.items()), ("the source", "it is empty"))
        raise DataError(f"{out}: no sound could be imported; {first[0]}: {first[1]}")
    _write_details(out / "details.csv", [utterances[which] for which in utterances if which in done])
    manifest = write_manifests(out, rows)
    return Imported(rows, manifest, num_reused, tuple(rejected.items()))


def _listed(source: Source, reject: Callable[[str, str], object]) -> dict[str, Utterance]:
    """Return the utterances of `source` by their names, each once, with clean text and speaker."""
    utterances: dict[str, Utterance] = {}
    for utterance in source.utterances(reject):
        fields = (utterance.text, utterance.speaker, utterance.language, utterance.licence, *utterance.details.values())
        if any(unicodedata.category(char) == "Cs" for field in fields for char in field):
            reject(utterance.name, "its text holds half a character (a lone surrogate); write it again")
            continue
        utterance = replace(utterance, text=one_form(utterance.text), speaker=one_form(utterance.speaker))
        known = utterances.setdefault(utterance.name, utterance)
        if (known.text, known.speaker) != (utterance.text, utterance.speaker):
            reject(f"{utterance.name}, again", "is listed twice with different text or speaker, the first is taken; leave one of them out")
    return utterances


def _import_one(media: Path, name: str, out: Path) -> Measures:
    """Write the FLAC file of one sound and measure what was written. Raises MediaError where there is no sound to use."""
    target = out / flac_path(name)
    channels = SourceMeter()
    write_audio(target, stream_media(media, heard=channels), SAMPLE_RATE)
    measures = measure(target)
    if measures.peak < SILENT_PEAK:
        target.unlink()
        raise MediaError(f"{name}: {channels.why_silent()}")
    channels.keep(target)
    return measures


def _finished(out: Path, name: str, entry: _Entry, state: str) -> bool:
    """Return whether the FLAC file of `name` is still what the journal says, and made of what the source holds now."""
    try:
        return entry.state == state and is_whole(out / flac_path(name), entry.measures, entry.flac_bytes)
    except (OSError, soundfile.SoundFileError):
        return False


def _journal_line(name: str, entry: _Entry) -> str:
    cells = {"name": name, "state": entry.state, "flac_bytes": entry.flac_bytes, **asdict(entry.measures)}
    return json.dumps(cells, ensure_ascii=False)


def _read_journal(path: Path) -> dict[str, _Entry]:
    """Return the entries of the journal at `path`, but for a last line that was cut short."""
    entries = {}
    with suppress(FileNotFoundError):
        for line in path.read_bytes().split(b"\n"):
            with suppress(ValueError, KeyError, TypeError):
                cells = json.loads(line)
                name, state, flac_bytes = cells.pop("name"), cells.pop("state"), cells.pop("flac_bytes")
                entries[name] = _Entry(state, Measures(**cells), flac_bytes)
    return entries


def row_of(utterance: Utterance, measures: Measures, source: str) -> Segment:
    """Return the row of the manifest for all of the FLAC file of `utterance`, of the collection `source`."""
    return Segment(
        path=flac_path(utterance.name),
        start_s=0.0,
        duration_s=measures.num_samples / SAMPLE_RATE,
        recording=utterance.name,
        speaker=utterance.speaker,
        rms=measures.rms,
        peak=measures.peak,
        clipped_share=measures.clipped_share,
        text=utterance.text,
        language=utterance.language,
        source=source,
        licence=utterance.licence,
        synthetic=utterance.synthetic,
    )


def _write_details(path: Path, utterances: list[Utterance]) -> None:
    """Write the further columns of `utterances`, beside the paths of the manifest, where there are any."""
    columns = list(dict.fromkeys(column for utterance in utterances for column in utterance.details))
    if columns:
        cells = ([flac_path(utterance.name), *(utterance.details.get(column, "") for column in columns)] for utterance in utterances)
        write_table(path, ["path", *columns], cells)
