"""What can be measured of one media file or a stretch of a recording, in one pass and constant memory, however long it is.

Levels are dB below full scale (1.0) of the mono sound at 16 kHz, which is what a codec gets; clipping and channels are looked at in
the file's own samples, before they are mixed and resampled, of stretches too where `extract` or `import` made the FLAC file.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from telucodec.audio.media import SAMPLE_RATE, SourceFacts, source_facts, stream_media
from telucodec.data.fingerprint import Fingerprinter
from telucodec.data.levels import NO_POWER, Frames, LevelHistogram, decibels
from telucodec.data.source import SourceMeasures, SourceMeter, ratio_db, with_source
from telucodec.data.spans import stream_span

SILENT_DB = -60.0
"""A 20 ms frame below this is silent: a quiet room lies 10 dB above, speech 20 dB and more."""

FLOOR_PERCENTILE = 10
"""Speech pauses for a tenth of the time at least, in each band if not in all at once."""

NOISE_BIAS_DB = 9.8
"""The tenth percentile of the power of Gaussian noise in one bin lies -10 log10(-ln 0.9) below its mean."""

ALIVE_DB = 22.0
"""Between the quiet and the loud tenth of a bin that carries sound; steady noise alone spans 13.4."""

REACH_DB = 68.0
"""A bin further than this below the strongest one carries rounding errors, not sound."""

MAINS_HZ = (50, 60)
NUM_HARMONICS = 4


@dataclass(frozen=True)
class Measures:
    """Of one file or stretch. A measure that has no value is NaN."""

    sample_rate: int
    """Hz, of the file."""
    num_channels: int
    codec: str
    duration_s: float
    minimum: float
    maximum: float
    mean: float
    """DC offset."""
    std: float
    rms: float
    peak: float
    """Largest magnitude; full scale is 1."""
    crest_db: float
    """Peak over RMS."""
    clipped_share: float
    """Share of the file's samples at full scale, 0 to 1."""
    clipped_runs: int
    """Times that 3 or more samples in a row lie at full scale."""
    flat_runs: int
    """Times that 3 or more samples in a row lie at the file's own peak: clipped first, turned down later."""
    quietest_channel_db: float
    """Level of the weakest channel over the strongest; NaN with one channel."""
    mixing_db: float
    """Level of the mean of the channels over that of their mean power: 0 where all are equal, far below where they cancel."""
    silent_share: float
    """Share of 20 ms frames below -60 dBFS."""
    speech_share: float
    """Share of 20 ms steps that are voiced, or within 0.1 s of one that is."""
    noise_floor_dbfs: float
    """Level that a tenth of the 20 ms frames lie below."""
    snr_db: float
    """Estimate: mean power over the noise in it, which is what the quiet tenth of the time has in each bin."""
    bandwidth_hz: float
    """Highest frequency that rises above its own floor."""
    edge_db: float
    """How far the mean power falls from the 500 Hz below the bandwidth to the loudest 500 Hz beyond: speech fades out, a filter cuts off."""
    hum_hz: float
    """50 or 60, whichever is stronger with its harmonics."""
    hum_dbfs: float
    """Level of the steady lines at these frequencies that stand out of their surroundings."""
    hum_lines: int
    """How many do, of 4."""
    sustained_share: float
    """Share of sounding time with two or more partials that hold their pitch for 0.16 s, as notes do and voices rarely do."""
    padding_samples: int
    """Zeros that fill the last segment up."""
    padding_share: float
    """Their share of all samples after padding."""
    padded_silent_share: float
    """Silent share after padding."""


def measure(path: Path, segment_s: float = 1.0, span: tuple[int, int] | None = None) -> tuple[Measures, np.ndarray]:
    """Return the measures of `path`, cut into segments of `segment_s`, and its fingerprint [F]. Raises MediaError.

    With `span`, the first sample of a stretch and how many there are, those of that stretch; `path` is 16 kHz mono FLAC then, and
    DataError says that it is not, or ends before.
    """
    sound = _Sound()
    if span is None:
        facts = source_facts(path)
        for window in stream_media(path, heard=sound.source):
            sound.push(window[0])
        source = sound.source.measures()
    else:
        facts = SourceFacts(SAMPLE_RATE, 1, "flac")
        for wave in stream_span(path, *span):
            sound.source(wave[None], SAMPLE_RATE)
            sound.push(wave)
        start, size = span
        source = with_source(sound.source.measures(), path, start / SAMPLE_RATE, (start + size) / SAMPLE_RATE)
    return sound.measures(facts, source, segment_s), sound.fingerprint.finish()


class _Sound:
    """All that is measured of one stream."""

    def __init__(self) -> None:
        self.source, self.wave, self.spectrum, self.voice, self.hum = SourceMeter(), _Wave(), _Spectrum(), _Voice(), _Hum()
        self.fingerprint = Fingerprinter()

    def push(self, wave: np.ndarray) -> None:
        """Take wave [T] at 16 kHz."""
        for part in (self.wave, self.spectrum, self.voice, self.hum, self.fingerprint):
            part.push(wave)

    def measures(self, facts: SourceFacts, source: SourceMeasures, segment_s: float) -> Measures:
        count = self.wave.count
        padding = -count % round(segment_s * SAMPLE_RATE)
        silent_share = self.wave.silent_share()
        return Measures(
            sample_rate=facts.sample_rate,
            num_channels=facts.num_channels,
            codec=facts.codec,
            duration_s=count / SAMPLE_RATE,
            **asdict(source),
            **self.wave.measures(),
            silent_share=silent_share,
            speech_share=self.voice.speech_share(),
            **self.spectrum.measures(),
            **self.hum.measures(),
            padding_samples=padding,
            padding_share=padding / (count + padding),
            padded_silent_share=(silent_share * count + padding) / (count + padding),
        )


class _Wave:
    """Sums, extremes and the levels of 20 ms frames; these without their mean, so that an offset is not taken for sound."""

    def __init__(self) -> None:
        self.count, self.sum, self.sum_of_squares = 0, 0.0, 0.0
        self.minimum, self.maximum = math.inf, -math.inf
        self.frames = Frames(320, 320)
        self.levels = LevelHistogram(1)

    def push(self, wave: np.ndarray) -> None:
        self.count += len(wave)
        self.sum += float(wave.sum(dtype=np.float64))
        self.sum_of_squares += float(np.square(wave, dtype=np.float64).sum())
        self.minimum, self.maximum = min(self.minimum, float(wave.min())), max(self.maximum, float(wave.max()))
        self._add(self.frames.push(wave))

    def _add(self, frames: np.ndarray) -> None:
        self.levels.add(decibels(frames.var(axis=1, dtype=np.float64))[:, None])

    def silent_share(self) -> float:
        self._add(self.frames.finish())
        return self.levels.share_below(SILENT_DB)

    def measures(self) -> dict[str, float]:
        mean, power = self.sum / self.count, self.sum_of_squares / self.count
        peak, rms = max(abs(self.minimum), abs(self.maximum)), math.sqrt(power)
        return {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "mean": mean,
            "std": math.sqrt(max(0.0, power - mean * mean)),
            "rms": rms,
            "peak": peak,
            "crest_db": 20 * math.log10(peak / rms) if rms else math.nan,
            "noise_floor_dbfs": float(self.levels.percentile(FLOOR_PERCENTILE)[0]),
        }


class _Spectrum:
    """Levels of the bins of a spectrum over time: noise, bandwidth, and partials that are held."""

    SIZE, HOP = 1024, 256
    HELD_FRAMES = 10  # 0.16 s
    PROMINENT_DB = 15.0  # of a partial over the median around it

    def __init__(self) -> None:
        self.frames = Frames(self.SIZE, self.HOP)
        self.levels = LevelHistogram(self.SIZE // 2 + 1)
        self.power = np.zeros(self.SIZE // 2 + 1)
        self.window = np.hanning(self.SIZE).astype(np.float32)
        self.num_sounding = self.num_held = 0

    def push(self, wave: np.ndarray) -> None:
        self._add(self.frames.push(wave))

    def _add(self, frames: np.ndarray) -> None:
        if not len(frames):
            return
        frames = frames - frames.mean(axis=1, keepdims=True)
        spectra = np.fft.rfft(frames * self.window)
        power = 2 * np.square(np.abs(spectra)) / (self.SIZE * np.square(self.window).sum())  # sums to the mean square
        levels = decibels(power)
        self.levels.add(levels)
        self.power += power.sum(axis=0)
        self._count_held(levels)

    def _count_held(self, levels: np.ndarray) -> None:
        """Count the frames of levels [F, bins] where partials of 200 to 4000 Hz stay in their bin of 16 Hz for 0.16 s, two of them at least."""
        near = levels[:, 13:257]
        if len(near) <= self.HELD_FRAMES:
            return
        around = np.median(near.reshape(len(near), -1, 61), axis=2).repeat(61, axis=1)
        peaks = near > around + self.PROMINENT_DB
        peaks[:, 1:-1] &= (near[:, 1:-1] > near[:, :-2]) & (near[:, 1:-1] >= near[:, 2:])
        peaks &= near > near.max(axis=1, keepdims=True) - 30
        held = np.lib.stride_tricks.sliding_window_view(peaks, self.HELD_FRAMES, axis=0).all(axis=-1)  # [F', bins]
        sounding = decibels(np.power(10, near / 10).sum(axis=1)) > SILENT_DB
        self.num_sounding += int(sounding[: len(held)].sum())
        self.num_held += int(((held.sum(axis=1) > 1) & sounding[: len(held)]).sum())

    def measures(self) -> dict[str, float]:
        self._add(self.frames.finish())
        quiet, loud = self.levels.percentile(FLOOR_PERCENTILE), self.levels.percentile(97)
        power = self.power / max(1, self.frames.count)
        noise = np.minimum(np.power(10, (quiet + NOISE_BIAS_DB) / 10), power)
        voice = slice(5, None)  # from 80 Hz: below lie hum and rumble
        sounding = power[voice].sum()
        alive = (loud - quiet > ALIVE_DB) & (loud > loud.max() - REACH_DB)
        alive[1:-1] &= alive[:-2] | alive[2:]  # a single bin is chance
        edge = np.flatnonzero(alive).max(initial=0)
        below, beyond = power[max(0, edge - 32) : edge], power[edge + 10 :]  # 10 bins for the slope of the filter
        loudest_beyond = np.convolve(beyond, np.full(32, 1 / 32), "valid").max() if edge and len(beyond) >= 32 else math.nan
        return {
            "snr_db": ratio_db(max(0.0, sounding - noise[voice].sum()), noise[voice].sum()) if sounding > 1e-12 else math.nan,
            "bandwidth_hz": edge * SAMPLE_RATE / self.SIZE if edge else math.nan,
            "edge_db": ratio_db(below.mean(), max(loudest_beyond, NO_POWER)) if loudest_beyond >= 0 else math.nan,
            "sustained_share": self.num_held / self.num_sounding if self.num_sounding else math.nan,
        }


class _Voice:
    """Which 20 ms steps are voiced: their 40 ms correlate by 0.6 at a pitch of 70 to 400 Hz, above -50 dBFS, and are not clicks."""

    SIZE, HOP = 640, 320
    LAGS = slice(SAMPLE_RATE // 400, SAMPLE_RATE // 70)
    MIN_CORRELATION, MIN_DB, NEAR_STEPS = 0.6, -50.0, 5
    MAX_CREST_DB = 18.0  # two clicks correlate, but their crest is beyond 24

    def __init__(self) -> None:
        self.frames = Frames(self.SIZE, self.HOP)
        self.num_speech = 0

    def push(self, wave: np.ndarray) -> None:
        self._add(self.frames.push(wave))

    def _add(self, frames: np.ndarray) -> None:
        if not len(frames):
            return
        frames = frames - frames.mean(axis=1, keepdims=True)
        spectra = np.fft.rfft(frames, 2 * self.SIZE)
        correlation = np.fft.irfft(np.square(np.abs(spectra)))[:, : self.SIZE]
        overlap = 1 - np.arange(self.SIZE) / self.SIZE  # fewer samples meet at longer lags
        power = np.maximum(correlation[:, 0], 1e-12)
        likeness = (correlation / overlap)[:, self.LAGS].max(axis=1) / power
        level_db = decibels(power / self.SIZE)
        crest_db = decibels(np.square(frames).max(axis=1)) - level_db
        voiced = (likeness > self.MIN_CORRELATION) & (level_db > self.MIN_DB) & (crest_db < self.MAX_CREST_DB)
        self.num_speech += int((np.convolve(voiced, np.ones(2 * self.NEAR_STEPS + 1))[self.NEAR_STEPS : -self.NEAR_STEPS] > 0.5).sum())

    def speech_share(self) -> float:
        self._add(self.frames.finish())
        return self.num_speech / self.frames.count


class _Hum:
    """Lines at multiples of the mains frequency that stay for the quiet part of the time, in half seconds, 2 Hz a bin."""

    SIZE, HOP, BIN_HZ = 8000, 4000, 2
    PROMINENT_DB = 12.0

    def __init__(self) -> None:
        self.frames = Frames(self.SIZE, self.HOP)
        self.levels = LevelHistogram(151)  # to 300 Hz
        self.window = np.hanning(self.SIZE).astype(np.float32)

    def push(self, wave: np.ndarray) -> None:
        self._add(self.frames.push(wave))

    def _add(self, frames: np.ndarray) -> None:
        if len(frames):
            frames = frames - frames.mean(axis=1, keepdims=True)
            amplitude = np.abs(np.fft.rfft(frames * self.window))[:, :151] / (self.window.sum() / 2)
            self.levels.add(decibels(np.square(amplitude) / 2))  # a line shows its mean square

    def measures(self) -> dict[str, float | int]:
        self._add(self.frames.finish())
        steady = self.levels.percentile(FLOOR_PERCENTILE)
        best = (-math.inf, math.nan, 0)
        for mains in MAINS_HZ:
            lines = [steady[harmonic * mains // self.BIN_HZ] for harmonic in range(1, NUM_HARMONICS + 1)]
            around = [np.median(self._around(steady, harmonic * mains // self.BIN_HZ)) for harmonic in range(1, NUM_HARMONICS + 1)]
            stand_out = [line > near + self.PROMINENT_DB for line, near in zip(lines, around, strict=True)]
            if any(stand_out[:2]):  # the third and fourth alone may be a voice
                power = sum(10 ** (line / 10) for line, stands_out in zip(lines, stand_out, strict=True) if stands_out)
                best = max(best, (10 * math.log10(power), float(mains), int(sum(stand_out))))
        level, mains, count = best
        return {"hum_hz": mains, "hum_dbfs": level if count else math.nan, "hum_lines": count}

    @staticmethod
    def _around(steady: np.ndarray, at: int) -> np.ndarray:
        """Return the bins 6 to 20 Hz from bin `at` on both sides."""
        return np.concatenate([steady[max(1, at - 10) : at - 2], steady[at + 3 : at + 11]])
