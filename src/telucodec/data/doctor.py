"""What is wrong with recordings, in words: each finding names the case, the measured value, the threshold and a remedy.

No rule tells a wrong rate in the header: speech at twice its rate looks like a child's.
"""

import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from telucodec.audio.media import SAMPLE_RATE, stream_media
from telucodec.counting import counted
from telucodec.data.executors import in_turn
from telucodec.data.fingerprint import duplicates
from telucodec.data.manifest import MANIFEST_SUFFIXES, Segment, read_manifest
from telucodec.data.measures import Measures, measure
from telucodec.data.media_folder import media_below
from telucodec.data.spans import stream_span
from telucodec.errors import DataError, MediaError
from telucodec.files import printable
from telucodec.progress import Progress, untold


class DoctorConfig(BaseModel):
    """Thresholds, each with its reason. Those on speech leave room beyond clean recordings (docs/decisions.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    segment_s: float = Field(1.0, ge=1 / SAMPLE_RATE)
    """Segments the files will be cut into; the last one is filled up with zeros."""
    max_padding_share: float = 0.3
    """More zeros than that, and a batch holds a third less sound than it seems. Training packs rows by itself, so of these only where one asks."""
    min_duration_s: float = 1.0
    """Of a row. Shorter ones would be mostly padding in a batch."""
    min_peak: float = 0.01
    """To be exceeded. -40 dBFS: 16 bits leave less than 10 to such a sound."""
    min_rms: float = 0.001
    """To be exceeded. -60 dBFS: below lies digital silence and the hiss of an open input."""
    max_silent_share: float = 0.9
    """Spoken commands between pauses reach 0.88."""
    max_clipped_runs_per_min: float = 6.0
    """Runs of 3 samples and more at full scale, or at the file's peak. A clean recording has none, a hot one a few."""
    min_clipped_runs: int = 3
    """Fewer in the whole file cannot be heard."""
    max_offset: float = 0.005
    """Magnitude of the mean. Clean recordings stay below 0.0001; from 0.005 on joins click."""
    max_hum_dbfs: float = -50.0
    """Level of steady lines at the mains frequency. In quiet rooms they stay below -55."""
    min_snr_db: float = 15.0
    """Clean recordings reach 18 and more; a codec spends its bits on noise below that."""
    max_sustained_share: float = 0.5
    """Speech stays below 0.12, with a humming room at 0.38; notes of half a second reach 0.62 and more."""
    min_speech_share: float = 0.1
    """Of the time that is not silent. Speech stays above 0.3, noise below 0.02."""
    min_bandwidth_hz: float = 6500.0
    """With a steep edge below it a filter has cut the sound: telephones 3.4 kHz, an 8 kHz source 4, low MP3 rates 5 to 6."""
    min_edge_db: float = 25.0
    """Steeper than speech fades out by itself."""
    min_channel_db: float = -40.0
    """The weaker channel over the stronger one. Below, one carries nothing of use, and mixing costs 6 dB."""
    min_mixing_db: float = -10.0
    """Where the mean of the channels lies so far below them, they cancel."""

    @property
    def asks_for_padding(self) -> bool:
        """Whether the length of segments or their padding was set."""
        return bool({"segment_s", "max_padding_share"} & self.model_fields_set)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a sound."""

    case: str
    """In a word or two, the same in every sound: too short, clipped ..."""
    measured: str
    threshold: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.case}: {', '.join(filter(None, (self.measured, self.threshold)))}: {self.remedy}"


@dataclass(frozen=True)
class Sound:
    """What is looked at: a whole media file, or the stretch of a FLAC file that a row of a manifest stands for."""

    path: Path
    row: Segment | None = None

    @property
    def span(self) -> tuple[int, int] | None:
        """First sample and number of samples of a row; None for a whole file."""
        return self.row.span if self.row else None

    def windows(self) -> Iterator[np.ndarray]:
        """Yield its sound, mono at 16 kHz, in windows [1, T]. Raises MediaError or DataError."""
        return (wave[None] for wave in stream_span(self.path, *self.span)) if self.span else stream_media(self.path)

    @property
    def name(self) -> str:
        """For people; the row's place in the file is part of it."""
        if self.row is None:
            return printable(self.path)
        return f"{printable(self.path)} at {self.row.start_s:.2f} to {self.row.start_s + self.row.duration_s:.2f} s"


@dataclass(frozen=True)
class Diagnosis:
    """One sound, what was measured of it, and what is wrong with it, the worst first."""

    sound: Sound
    measures: Measures | None
    """None where it cannot be read."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Checkup:
    """All sounds of a data set, in their order."""

    diagnoses: tuple[Diagnosis, ...]
    config: DoctorConfig

    @property
    def measured(self) -> list[Measures]:
        return [found.measures for found in self.diagnoses if found.measures]

    @property
    def hours(self) -> float:
        return sum(measures.duration_s for measures in self.measured) / 3600

    @property
    def case_hours(self) -> dict[str, float]:
        """How many hours each case was found in, in the order of `cases`."""
        hours = dict.fromkeys(self.cases, 0.0)
        for found in self.diagnoses:
            for finding in found.findings:
                hours[finding.case] += found.measures.duration_s / 3600 if found.measures else 0.0
        return hours

    @property
    def padding_share(self) -> float:
        """Share of zeros after padding, over all sounds; NaN without any."""
        padding = sum(measures.padding_samples for measures in self.measured)
        total = padding + self.hours * 3600 * SAMPLE_RATE
        return padding / total if total else math.nan

    @property
    def cases(self) -> dict[str, int]:
        """How many sounds each case was found in, the most frequent first."""
        return dict(Counter(finding.case for found in self.diagnoses for finding in found.findings).most_common())

    @property
    def worst_first(self) -> list[Diagnosis]:
        """Sounds with findings, by the worst of them, then by their number."""
        ill = [found for found in self.diagnoses if found.findings]
        return sorted(ill, key=lambda found: (CASES.index(found.findings[0].case), -len(found.findings), found.sound.name))

    def summary(self) -> str:
        """Sentences on the data set as a whole."""
        ill = len(self.worst_first)
        thing = "row" if any(found.sound.row for found in self.diagnoses) else "file"
        cases = ", ".join(f"{case} {count}" for case, count in self.cases.items())
        segments = f"Segments of {self.config.segment_s:g} s"
        zeros = f"{segments} add {100 * self.padding_share:.1f} % of zeros." if self.measured else f"{segments}: zeros not measured."
        return (
            f"{counted(len(self.diagnoses), thing)}, {self.hours:.2f} h: {len(self.diagnoses) - ill} healthy, {ill} with findings"
            + (f" ({cases})" if cases else "")
            + f". {zeros} "
            "Zeros leave a pooled SNR as it is; averaging the dB of single files, near-silent ones among them, is the trap."
        )


def unreadable(reason: str) -> Finding:
    return Finding("unreadable", reason, "", "copy or export it again, or leave it out")


def duplicate(of: Sound) -> Finding:
    return Finding("duplicate", f"the same sound as {of.name}", "", "keep one, so that training and test share nothing")


def examine(
    paths: Sequence[Path],
    config: DoctorConfig = DoctorConfig(),
    jobs: int = 1,
    progress: Progress = untold,
) -> Checkup:
    """Look at `paths`, media files, folders of such, and the rows of manifests, with `jobs` processes.

    Raises DataError where there is nothing to look at.
    """
    return examine_sounds(list(_sounds(paths)), config, jobs, progress)


def examine_sounds(
    sounds: Sequence[Sound],
    config: DoctorConfig = DoctorConfig(),
    jobs: int = 1,
    progress: Progress = untold,
    spared: frozenset[str] = frozenset(),
) -> Checkup:
    """Look at `sounds` with `jobs` processes.

    Of two copies the better is kept: the one whose worst finding, `spared` cases aside, is least, and of equals the one that holds more,
    since a part is a copy of the whole.
    """
    diagnoses, fingerprints = [], []
    for diagnosis, fingerprint in in_turn(partial(_look_at, config=config), sounds, jobs):
        diagnoses.append(diagnosis)
        fingerprints.append(fingerprint)
        progress(len(diagnoses), len(sounds), printable(diagnosis.sound.path.name))

    def illness(index: int) -> tuple[int, int]:
        findings = diagnoses[index].findings
        return max((len(CASES) - CASES.index(finding.case) for finding in findings if finding.case not in spared), default=0), len(findings)

    healthy_first = sorted(range(len(diagnoses)), key=lambda index: (illness(index), -np.count_nonzero(fingerprints[index] >= 0)))
    for place, kept in duplicates(fingerprints[index] for index in healthy_first):
        found = diagnoses[healthy_first[place]]
        others = [*found.findings, duplicate(sounds[healthy_first[kept]])]
        diagnoses[healthy_first[place]] = replace(found, findings=in_order(others))
    return Checkup(tuple(diagnoses), config)


def rows_as_sounds(rows: Sequence[Segment], root: Path) -> list[Sound]:
    """Return `rows`, whose files lie below `root`, as what the doctor looks at."""
    return [Sound(Path(root) / row.path, row) for row in rows]


def _sounds(paths: Sequence[Path]) -> Iterator[Sound]:
    """Yield every file once: those named, and the media below the folders named, without hidden ones; and every row of manifests."""
    seen = set()
    for path in map(Path, paths):
        if not os.path.exists(path):
            raise DataError(f"{printable(path)}: no such file or folder, or it may not be read; check its name")
        if path.suffix.lower() in MANIFEST_SUFFIXES and path.is_file():
            rows = read_manifest(path)
            if not rows:
                raise DataError(f"{printable(path)}: holds no rows; name a manifest that does")
            yield from rows_as_sounds(rows, path.parent)
            continue
        found = [path]
        if path.is_dir():
            found = sorted(media_below(path))
            if not found:
                raise DataError(f"{printable(path)}: holds no audio or video file; name a folder that does")
        for file in found:
            if (at := os.path.realpath(file)) not in seen:
                seen.add(at)
                yield Sound(file)


def _look_at(sound: Sound, config: DoctorConfig) -> tuple[Diagnosis, np.ndarray]:
    nothing = np.empty(0, np.int64)
    if sound.row and not (sound.row.start_s >= 0 and sound.row.duration_s >= 1 / SAMPLE_RATE):
        reason = f"its row starts at {sound.row.start_s} s and lasts {sound.row.duration_s} s"
        return Diagnosis(sound, None, (unreadable(reason),)), nothing
    try:
        measures, fingerprint = measure(sound.path, config.segment_s, sound.span)
    except (MediaError, DataError) as error:
        reason = str(error).removeprefix(f"{printable(sound.path)}: ").partition(";")[0]
        return Diagnosis(sound, None, (unreadable(reason),)), nothing
    return Diagnosis(sound, measures, findings_on(measures, config, sound.row is not None)), fingerprint


def findings_on(measures: Measures, config: DoctorConfig = DoctorConfig(), of_row: bool = False) -> tuple[Finding, ...]:
    """Return what is wrong with a sound of these measures, the worst first, nothing if it is healthy.

    What is too quiet is not judged by its spectrum: there is too little to judge. Channels that cancel are why a sound is silent, and told alone.
    """
    judged = measures.std > config.min_rms and measures.peak > config.min_peak
    found = [*_on_length(measures, config, of_row), *_on_level(measures, config), *(_on_sound(measures, config) if judged else ())]
    if any(finding.case == "channels cancel" for finding in found):
        found = [finding for finding in found if finding.case not in ("mostly silent", "too quiet")]
    return in_order(found)


def _on_length(m: Measures, config: DoctorConfig, of_row: bool) -> Iterator[Finding]:
    if m.padding_share > config.max_padding_share and (config.asks_for_padding or not of_row):
        yield Finding(
            "too short",
            f"{m.duration_s:.2f} s, {100 * m.padding_share:.1f} % padding with zeros in its segments",
            f"at most {100 * config.max_padding_share:g} %",
            "choose a shorter segment or leave it out",
        )
    elif of_row and m.duration_s < config.min_duration_s:
        yield Finding("too short", f"{m.duration_s:.2f} s", f"needs {config.min_duration_s:g} s", "record longer or leave it out")


def _on_level(m: Measures, config: DoctorConfig) -> Iterator[Finding]:
    if not m.std > config.min_rms:
        yield Finding("mostly silent", f"RMS {m.std:.2g}", f"needs more than {config.min_rms:g}", "leave it out, and check the microphone")
    elif m.silent_share > config.max_silent_share:
        yield Finding(
            "mostly silent",
            f"{100 * m.silent_share:.1f} % of it below -60 dBFS",
            f"at most {100 * config.max_silent_share:g} %",
            "cut the silence away or leave it out",
        )
    if not m.peak > config.min_peak:
        yield Finding("too quiet", f"peak {m.peak:.2g}", f"needs more than {config.min_peak:g}", "raise the gain or leave it out")
    runs, minutes = max(m.clipped_runs, m.flat_runs), m.duration_s / 60
    if runs >= max(config.min_clipped_runs, config.max_clipped_runs_per_min * minutes):
        yield Finding(
            "clipped",
            f"{runs} times flat at the top, {100 * m.clipped_share:.2g} % of samples at full scale",
            f"at most {config.max_clipped_runs_per_min:g} times a minute",
            "record again with less gain, or leave it out",
        )
    if abs(m.mean) > config.max_offset:
        yield Finding("DC offset", f"mean {m.mean:.2g}", f"at most {config.max_offset:g}", "subtract the mean, and check the sound card")
    if m.quietest_channel_db < config.min_channel_db:
        yield Finding(
            "dead channel",
            f"one channel {-m.quietest_channel_db:.1f} dB below the other",
            f"at most {-config.min_channel_db:g} dB",
            "keep the living channel only; their mean loses 6 dB",
        )
    if m.mixing_db < config.min_mixing_db:
        yield Finding(
            "channels cancel",
            f"their mean is {-m.mixing_db:.1f} dB weaker than they are",
            f"at most {-config.min_mixing_db:g} dB",
            "turn one channel's sign, or keep one only",
        )


def _on_sound(m: Measures, config: DoctorConfig) -> Iterator[Finding]:
    if m.hum_dbfs > config.max_hum_dbfs:
        yield Finding(
            "hum",
            f"{m.hum_hz:g} Hz and harmonics at {m.hum_dbfs:.1f} dBFS",
            f"at most {config.max_hum_dbfs:g}",
            "filter the lines out, and check the cables",
        )
    if m.snr_db < config.min_snr_db:
        yield Finding(
            "noisy", f"SNR {m.snr_db:.1f} dB", f"needs {config.min_snr_db:g} dB", "record nearer or in a quieter room, or leave it out"
        )
    if m.sustained_share > config.max_sustained_share:
        yield Finding(
            "music-like",
            f"{100 * m.sustained_share:.1f} % of it holds notes",
            f"at most {100 * config.max_sustained_share:g} %",
            "leave it out, or cut the speech out",
        )
    elif m.speech_share < config.min_speech_share * (1 - m.silent_share):
        yield Finding(
            "no speech",
            f"{100 * m.speech_share / (1 - m.silent_share):.1f} % of the sounding time is voiced",
            f"needs {100 * config.min_speech_share:g} %",
            "listen to it, or leave it out",
        )
    if m.bandwidth_hz < config.min_bandwidth_hz and m.edge_db > config.min_edge_db:
        yield Finding(
            "band-limited",
            f"nothing above {m.bandwidth_hz / 1000:.2f} kHz, in {m.codec} at {m.sample_rate} Hz",
            f"needs {config.min_bandwidth_hz / 1000:g} kHz",
            "find the original: this was upsampled, sent by telephone, or MP3",
        )


CASES = (
    "unreadable",
    "mostly silent",
    "too quiet",
    "clipped",
    "channels cancel",
    "no speech",
    "music-like",
    "noisy",
    "band-limited",
    "hum",
    "dead channel",
    "DC offset",
    "duplicate",
    "too short",
)
"""The worst first: from what is lost to what can be mended."""


def in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return `findings`, the worst first."""
    return tuple(sorted(findings, key=lambda finding: CASES.index(finding.case)))
