"""What a media file's own samples tell and its mono sound at 16 kHz does not: where they are clipped, and what its channels are to each other.

Mixing and resampling round flat tops off, so what is told of them is kept beside the FLAC file that is made, for whoever judges stretches of it.
"""

import json
import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from telucodec.data.levels import runs
from telucodec.data.loudness import FULL_SCALE, SILENT_PEAK
from telucodec.files import write_whole

CLIP_RUN = 3
"""So many samples in a row at one height are a clip; music and speech touch their peak with one or two."""

MIN_FLAT_TOP = 32 / 32768
"""A peak below this is not looked at for clips: silence, and noise of a few steps of 16 bits, stay near it all the time."""

SAME_HEIGHT = 2 / 32768


@dataclass(frozen=True)
class SourceMeasures:
    """Of a whole file, or of a stretch."""

    clipped_share: float
    """Share of its samples at full scale, 0 to 1."""
    clipped_runs: int
    """Times that 3 or more samples in a row lie at full scale."""
    flat_runs: int
    """Times that 3 or more samples in a row lie at the file's own peak: clipped first, turned down later."""
    quietest_channel_db: float
    """Level of the weakest channel over the strongest; NaN with one channel."""
    mixing_db: float
    """Level of the mean of the channels over that of their mean power: 0 where all are equal, far below where they cancel."""


class SourceMeter:
    """Hears a file in its own samples, as a `heard` of `stream_media`, and looks at a second at a time; a run across a seam may go uncounted."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._held: list[np.ndarray] = []
        self._num_held, self._seconds = 0, 0.0
        self._powers, self._mixed_power = np.zeros(1), 0.0
        self._count = self._num_full = 0
        self._full_runs: Counter[int] = Counter()
        self._flat_runs: Counter[int] = Counter()

    def __call__(self, channels: np.ndarray, rate: int) -> None:
        """Take the next piece [C, T] of sound at `rate` Hz."""
        if self._held and (len(self._held[0]) != len(channels) or self._rate != rate):
            self._add()
        self._rate = rate
        self._held.append(channels)
        self._num_held += channels.shape[-1]
        if self._num_held >= rate:
            self._add()

    def _add(self) -> None:
        channels = np.concatenate(self._held, axis=-1) if len(self._held) > 1 else self._held[0]  # [C, T]
        self._held, self._num_held = [], 0
        size = max(len(self._powers), len(channels))
        self._powers = np.pad(self._powers, (0, size - len(self._powers)))
        *powers, mixed_power = (np.dot(wave, wave) for wave in (*channels, channels.mean(axis=0)))  # in float32 is enough for a level
        self._powers[: len(channels)] += powers
        self._mixed_power += float(mixed_power)
        top = max(float(channels.max(initial=0.0)), -float(channels.min(initial=0.0)))
        if top > self.peak + SAME_HEIGHT:
            self._flat_runs.clear()
        self.peak = max(self.peak, top)
        if top >= FULL_SCALE:
            full = np.abs(channels) >= FULL_SCALE
            self._num_full += int(np.count_nonzero(full))
            self._full_runs += self._seconds_of_runs(full)
        if top > max(self.peak - SAME_HEIGHT, MIN_FLAT_TOP):
            self._flat_runs += self._seconds_of_runs(np.abs(channels) > self.peak - SAME_HEIGHT)
        self._count += channels.shape[-1]
        self._seconds += channels.shape[-1] / self._rate

    def _seconds_of_runs(self, marked: np.ndarray) -> Counter[int]:
        """In which seconds of the file, and how often in each, CLIP_RUN or more in a row of marked [C, T] begin."""
        found = [runs(channel) for channel in marked]
        begins = [int(begin) for spans in found for begin in spans[spans[:, 1] - spans[:, 0] >= CLIP_RUN, 0]]
        return Counter(int(self._seconds + begin / self._rate) for begin in begins)

    def measures(self) -> SourceMeasures:
        """Of all that was heard."""
        if self._held:
            self._add()
        num_channels, strongest = len(self._powers), self._powers.max()
        return SourceMeasures(
            clipped_share=self._num_full / (self._count * num_channels),
            clipped_runs=self._full_runs.total(),
            flat_runs=self._flat_runs.total(),
            quietest_channel_db=ratio_db(self._powers.min(), strongest) if num_channels > 1 else math.nan,
            mixing_db=ratio_db(self._mixed_power, self._powers.mean()),
        )

    def keep(self, flac: Path) -> None:
        """Write down beside the file `flac`, which was made of what was heard, what it does not tell itself; nothing where there is no such."""
        measures = self.measures()
        if not (measures.clipped_runs or measures.flat_runs) and len(self._powers) == 1:
            source_path(flac).unlink(missing_ok=True)  # of what it was before
            return
        told = {
            "flac_bytes": flac.stat().st_size,
            "quietest_channel_db": measures.quietest_channel_db,
            "mixing_db": measures.mixing_db,
            "clips": sorted(max(self._full_runs, self._flat_runs, key=Counter.total).items()),
        }
        write_whole(source_path(flac), json.dumps(told).encode())

    def why_silent(self) -> str:
        """Return why the mix of the channels holds nothing, and what to do."""
        if self.peak < SILENT_PEAK:
            return "holds only digital silence; check the recording"
        return "its channels cancel, so that their mix is silent; turn one channel's sign, or keep one only"


def ratio_db(power: float, reference: float) -> float:
    """Return 10 log10 of the ratio, at least -160 dB, NaN where there is no reference."""
    return 10 * math.log10(max(power / reference, 1e-16)) if reference > 0 else math.nan


def source_path(flac: Path) -> Path:
    """Return where it is written down what the source of the file `flac` told."""
    return flac.with_suffix(".source.json")


def with_source(found: SourceMeasures, flac: Path, start_s: float, end_s: float) -> SourceMeasures:
    """Return what was `found` in a stretch of the file `flac`, and what the media file it was made of told: of its clips there, of its channels in all.

    A second counts where its middle lies in the stretch.
    """
    told = _told(flac)
    if told is None:
        return found
    clips = sum(runs for second, runs in told["clips"] if start_s <= second + 0.5 < end_s)
    channels = {name: float(told[name]) for name in ("quietest_channel_db", "mixing_db")}
    return replace(found, clipped_runs=max(found.clipped_runs, clips), **channels)


def _told(flac: Path) -> dict | None:
    """Return what `SourceMeter.keep` wrote down for `flac`; None where there is nothing, or it is of another file."""
    try:
        told = _read(source_path(flac), source_path(flac).stat().st_mtime_ns)
        return told if told["flac_bytes"] == flac.stat().st_size else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@lru_cache(maxsize=16)
def _read(path: Path, mtime_ns: int) -> dict:
    """Return what `path`, last changed at `mtime_ns`, holds: a recording has hundreds of stretches, one after the other."""
    return json.loads(path.read_bytes())
