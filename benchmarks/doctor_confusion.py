"""Does `telucodec doctor` name defects that were made on purpose, and leave clean clips alone? python benchmarks/doctor_confusion.py [COLLECTION]

COLLECTION is a folder with index.csv (see speech.py); the bundled clips without it. Every defect is made of several clips. A clip counts as
clean where the measures in index.csv, which were made by another program, speak for it.
"""

import argparse
import csv
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.data.doctor import examine

BUNDLED = Path(__file__).parents[1] / "examples" / "speech"
rng = np.random.default_rng(0)
Make = Callable[[np.ndarray, Path], Path]
"""Takes a clip [T] and a path without suffix, returns the file it wrote."""


def wav(wave: np.ndarray, path: Path, sample_rate: int = SAMPLE_RATE) -> Path:
    """Write wave [T] or [T, C] as 16-bit WAV."""
    target = path.with_suffix(".wav")
    soundfile.write(os.fsencode(target), np.clip(wave, -1, 32767 / 32768), sample_rate, "PCM_16")
    return target


def coded(wave: np.ndarray, path: Path, codec: str, suffix: str, kbps: int, sample_rate: int = SAMPLE_RATE) -> Path:
    """Write wave [T] with an FFmpeg encoder."""
    target = path.with_suffix(suffix)
    samples = soxr.resample(wave, SAMPLE_RATE, sample_rate).astype(np.float32)
    with av.open(str(target), "w") as container:
        stream = container.add_stream(codec, rate=sample_rate, layout="mono")
        stream.bit_rate = 1000 * kbps
        fifo = av.AudioFifo()
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = sample_rate
        fifo.write(frame)
        resampler = av.AudioResampler(stream.codec_context.format, "mono", sample_rate)
        while piece := fifo.read(960, partial=True):
            for ready in resampler.resample(piece):
                container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return target


def level(wave: np.ndarray) -> float:
    return float(np.sqrt(np.square(wave).mean()))


def with_noise(wave: np.ndarray, snr_db: float, colour: float = 0.0) -> np.ndarray:
    """Add noise whose power falls with frequency to the power of `colour`."""
    spectrum = np.fft.rfft(rng.standard_normal(len(wave)))
    spectrum[1:] *= np.arange(1, len(spectrum)) ** (-colour / 2)
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, len(wave))
    return wave + noise * level(wave) / level(noise) * 10 ** (-snr_db / 20)


def fan(wave: np.ndarray, snr_db: float) -> np.ndarray:
    """Add a fan: noise from 80 Hz up that falls by 5 dB an octave and flutters."""
    spectrum = np.fft.rfft(rng.standard_normal(len(wave)))
    hertz = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE)
    noise = np.fft.irfft(spectrum * (hertz > 80) * np.maximum(hertz, 80) ** -0.83, len(wave))
    noise *= 1 + 0.3 * np.sin(2 * np.pi * 7 * np.arange(len(wave)) / SAMPLE_RATE)
    return wave + noise * level(wave) / level(noise) * 10 ** (-snr_db / 20)


def humming(wave: np.ndarray, mains: int, level_dbfs: float, harmonics: tuple[float, ...]) -> np.ndarray:
    t = np.arange(len(wave)) / SAMPLE_RATE
    hum = sum(a * np.sin(2 * np.pi * mains * k * t + k) for k, a in enumerate(harmonics, 1))
    return wave + hum / level(hum) * 10 ** (level_dbfs / 20)


def upsampled(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    return soxr.resample(soxr.resample(wave, SAMPLE_RATE, sample_rate), sample_rate, SAMPLE_RATE)[: len(wave)]


def loud(wave: np.ndarray) -> np.ndarray:
    return wave / np.abs(wave).max()


def notes(size: int, chord: bool, decay_s: float, drums: bool = False) -> np.ndarray:
    """A tune of equal-tempered notes with harmonics [size]."""
    out = np.zeros(size)
    step = SAMPLE_RATE // 2
    for start in range(0, size, step):
        t = np.arange(min(step, size - start)) / SAMPLE_RATE
        root = 220 * 2 ** (rng.integers(0, 13) / 12)
        for ratio in (1, 2 ** (4 / 12), 2 ** (7 / 12)) if chord else (1,):
            phase = 2 * np.pi * root * ratio * t
            for k in range(1, 6):
                out[start : start + len(t)] += np.sin(k * phase) / k * np.exp(-t / decay_s)
        if drums:
            out[start : start + len(t)] += 1.5 * rng.standard_normal(len(t)) * np.exp(-t / 0.03)
    return 0.3 * out / np.abs(out).max()


def dead(wave: np.ndarray, other: float) -> np.ndarray:
    return np.stack([wave, other * rng.standard_normal(len(wave))], axis=1)


def cut_file(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
    return path


def zapped(path: Path) -> Path:
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : 2 * len(data) // 3] = bytes(len(data) // 3)
    path.write_bytes(data)
    return path


def written(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


DEFECTS: dict[str, tuple[str, Make]] = {
    "0.4 s": ("too short", lambda x, p: wav(x[8000:14400], p)),
    "0.65 s": ("too short", lambda x, p: wav(x[8000:18400], p)),
    "1.3 s": ("too short", lambda x, p: wav(x[4000:24800], p)),
    "peak -41 dB": ("too quiet", lambda x, p: wav(0.0088 * loud(x), p)),
    "peak -46 dB": ("too quiet", lambda x, p: wav(0.005 * loud(x), p)),
    "all zeros": ("mostly silent", lambda x, p: wav(0 * x, p)),
    "hiss at -70 dB": ("mostly silent", lambda x, p: wav(10**-3.5 * rng.standard_normal(len(x)), p)),
    "speech at RMS -64 dB": ("mostly silent", lambda x, p: wav(x / level(x) * 10**-3.2, p)),
    "one word in 20 s": ("mostly silent", lambda x, p: wav(np.pad(x[8000:24000], (0, 304000)), p)),
    "clipped, 6 dB too hot": ("clipped", lambda x, p: wav(2 * loud(x), p)),
    "clipped, 12 dB too hot": ("clipped", lambda x, p: wav(4 * loud(x), p)),
    "clipped, turned down": ("clipped", lambda x, p: wav(0.4 * np.clip(3 * loud(x), -1, 1), p)),
    "clipped, stereo 44.1 kHz": (
        "clipped",
        lambda x, p: wav(np.stack(2 * [3 * loud(soxr.resample(x, SAMPLE_RATE, 44100))], axis=1), p, 44100),
    ),
    "offset 0.01": ("DC offset", lambda x, p: wav(x * 0.9 + 0.01, p)),
    "offset -0.1": ("DC offset", lambda x, p: wav(x * 0.8 - 0.1, p)),
    "hum 50 Hz at -35 dB": ("hum", lambda x, p: wav(humming(0.8 * x, 50, -35, (1, 0.5, 0.3, 0.1)), p)),
    "hum 60 Hz at -40 dB": ("hum", lambda x, p: wav(humming(0.8 * x, 60, -40, (1, 0.3, 0.5)), p)),
    "hum 50 Hz, its second only": ("hum", lambda x, p: wav(humming(0.8 * x, 50, -38, (0, 1)), p)),
    "hum 60 Hz at -45 dB": ("hum", lambda x, p: wav(humming(0.8 * x, 60, -45, (1, 0.8, 0.5)), p)),
    "white noise, SNR 10 dB": ("noisy", lambda x, p: wav(with_noise(0.7 * x, 10), p)),
    "white noise, SNR 5 dB": ("noisy", lambda x, p: wav(with_noise(0.6 * x, 5), p)),
    "white noise, SNR 0 dB": ("noisy", lambda x, p: wav(with_noise(0.4 * x, 0), p)),
    "pink noise, SNR 8 dB": ("noisy", lambda x, p: wav(with_noise(0.6 * x, 8, 1.0), p)),
    "fan, SNR 6 dB": ("noisy", lambda x, p: wav(fan(0.6 * x, 6), p)),
    "melody": ("music-like", lambda x, p: wav(notes(len(x), False, 2.0), p)),
    "chords": ("music-like", lambda x, p: wav(notes(len(x), True, 1.0), p)),
    "chords and drums": ("music-like", lambda x, p: wav(notes(len(x), True, 2.0, drums=True), p)),
    "plucked notes": ("music-like", lambda x, p: wav(notes(len(x), True, 0.4), p)),
    "music over speech": ("music-like", lambda x, p: wav(notes(len(x), True, 3.0) + 0.3 * loud(x), p)),
    "noise alone": ("no speech", lambda x, p: wav(with_noise(np.zeros(len(x)) + 0.03, 0), p)),
    "clicks alone": ("no speech", lambda x, p: wav(0.5 * (rng.random(len(x)) < 0.001) + 0.001 * rng.standard_normal(len(x)), p)),
    "upsampled from 8 kHz": ("band-limited", lambda x, p: wav(upsampled(x, 8000), p)),
    "upsampled from 11 kHz": ("band-limited", lambda x, p: wav(upsampled(x, 11025), p)),
    "telephone, 48 kHz": ("band-limited", lambda x, p: wav(soxr.resample(upsampled(x, 7000), SAMPLE_RATE, 48000), p, 48000)),
    "8 kHz file": ("band-limited", lambda x, p: wav(soxr.resample(x, SAMPLE_RATE, 8000), p, 8000)),
    "MP3 of upsampled": ("band-limited", lambda x, p: coded(upsampled(x, 8000), p, "libmp3lame", ".mp3", 48)),
    "MP3, 16 kHz, 16 kbps": ("band-limited", lambda x, p: coded(x, p, "libmp3lame", ".mp3", 16)),
    "MP3, 22 kHz, 16 kbps": ("band-limited", lambda x, p: coded(x, p, "libmp3lame", ".mp3", 16, 22050)),
    "one channel zero": ("dead channel", lambda x, p: wav(dead(x, 0), p)),
    "one channel hiss": ("dead channel", lambda x, p: wav(dead(x, 1e-4), p)),
    "channels opposed": ("channels cancel", lambda x, p: wav(np.stack([x, -0.95 * x], axis=1), p)),
    "copy": ("duplicate", lambda x, p: wav(x, p)),
    "copy, 10 dB down": ("duplicate", lambda x, p: wav(0.32 * x, p)),
    "copy, MP3 48 kbps": ("duplicate", lambda x, p: coded(x, p, "libmp3lame", ".mp3", 48, 32000)),
    "copy, Opus 12 kbps": ("duplicate", lambda x, p: coded(x, p, "libopus", ".ogg", 12)),
    "copy, 0.3 s cut off": ("duplicate", lambda x, p: wav(x[4900:], p)),
    "copy, 44.1 kHz": ("duplicate", lambda x, p: wav(soxr.resample(x, SAMPLE_RATE, 44100), p, 44100)),
    "cut WAV": ("unreadable", lambda x, p: cut_file(wav(np.tile(x, 2), p), 0.5)),
    "cut FLAC": ("unreadable", lambda x, p: cut_file(coded(np.tile(x, 2), p, "flac", ".flac", 0), 0.5)),
    "cut MP4": ("unreadable", lambda x, p: cut_file(coded(x, p, "aac", ".mp4", 48), 0.6)),
    "empty": ("unreadable", lambda x, p: written(b"", p.with_suffix(".wav"))),
    "text": ("unreadable", lambda x, p: written(b"no sound\n" * 500, p.with_suffix(".mp3"))),
    "zeroed FLAC": ("unreadable", lambda x, p: zapped(coded(np.tile(x, 2), p, "flac", ".flac", 0))),
    "20 dB down": ("healthy", lambda x, p: wav(0.1 * loud(x), p)),
    "full scale": ("healthy", lambda x, p: wav(0.999 * loud(x), p)),
    "hiss, SNR 25 dB": ("healthy", lambda x, p: wav(with_noise(x, 25), p)),
    "MP3, 44.1 kHz, 32 kbps": ("healthy", lambda x, p: coded(x, p, "libmp3lame", ".mp3", 32, 44100)),  # LAME keeps 7.1 kHz and more
    "AAC, 48 kHz, 64 kbps": ("healthy", lambda x, p: coded(0.9 * x, p, "aac", ".mp4", 64, 48000)),
    "Opus, 24 kbps": ("healthy", lambda x, p: coded(0.9 * x, p, "libopus", ".ogg", 24)),
    "stereo, 48 kHz": ("healthy", lambda x, p: wav(np.stack(2 * [0.9 * soxr.resample(x, SAMPLE_RATE, 48000)], axis=1), p, 48000)),
    "pause of 2 s": ("healthy", lambda x, p: wav(np.insert(x, len(x) // 2, np.zeros(32000)), p)),
}
"""Name -> the case that should be found, and how it is made. The last ones change nothing that matters."""


def clean_paths(collection: Path | None) -> list[Path]:
    """Clips that another program's measures call clean, from every source in turn, in the order of their hashes.

    They last 3 to 12 s, since some that are shorter are rightly found too short.
    """
    if collection is None:
        found = {folder: sorted(folder.glob("*.flac")) for folder in (BUNDLED / "kerstin", BUNDLED / "test" / "cv-telugu")}
    else:
        found = {}
        with open(collection / "index.csv", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                good = float(row["bandwidth_hz"]) > 6500 and float(row["clipped_frac"]) == 0 and 3 <= float(row["duration_s"]) <= 12
                if good and float(row["peak_dbfs"]) > -30:
                    found.setdefault(row["source"], []).append(collection / row["path"])
        for clips in found.values():
            clips.sort(key=lambda path: hashlib.sha256(path.name.encode()).digest())
    return list(_in_turns(list(found.values())))


def _in_turns(groups: list[list[Path]]) -> Iterator[Path]:
    for place in range(max(map(len, groups))):
        yield from (group[place] for group in groups if place < len(group))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path, nargs="?", help="folder with index.csv; the bundled clips if not given")
    parser.add_argument("--each", type=int, default=6, help="clips that every defect is made of")
    parser.add_argument("--clean", type=int, default=100)
    parser.add_argument("--from", dest="skip", type=int, default=0, help="clips to pass over first, for a look at others")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    clean = clean_paths(options.collection)[options.skip :]
    control, clips = clean[: options.clean], [read_media(path)[0] for path in clean[: options.each]]
    with tempfile.TemporaryDirectory() as folder:
        made: list[tuple[str, str, Path]] = []
        for number, (name, (case, make)) in enumerate(DEFECTS.items()):
            for place, wave in enumerate(clips):
                made.append((name, case, make(wave, Path(folder) / f"{place:02}-{number:02}")))
        table: dict[str, Counter[str]] = {}
        hits, first, missed = Counter(), 0, []
        originals = clean[: options.each]
        for is_copy in (False, True):
            part = [row for row in made if (row[1] == "duplicate") == is_copy]
            # Other defects are made of the same few clips, so duplicates are looked for, and expected, in their own part alone.
            checkup = examine([*(originals if is_copy else []), *(path for _, _, path in part)], jobs=options.jobs)
            diagnoses = checkup.diagnoses[len(originals) if is_copy else 0 :]
            for (name, case, path), diagnosis in zip(part, diagnoses, strict=True):
                cases = [finding.case for finding in diagnosis.findings if is_copy or finding.case != "duplicate"]
                cases = cases or ["healthy"]
                hits[name] += case in cases
                first += cases[0] == case
                table.setdefault(case, Counter()).update([case if case in cases else cases[0]])
                if case not in cases:
                    missed.append(f"{name} of {path.name[:2]}: {', '.join(cases)}; {_facts(diagnosis)}")
    harmless = sum(case == "healthy" for case, _ in DEFECTS.values())
    print(f"{len(DEFECTS) - harmless} defects and {harmless} harmless changes, each made of {len(clips)} clips")
    print("\n".join(f"missed: {line}" for line in missed))
    columns = sorted({found for row in table.values() for found in row})
    print("made \\ found".ljust(16), *(column[:12].rjust(13) for column in columns))
    for case, row in table.items():
        print(case.ljust(16), *(str(row[column] or ".").rjust(13) for column in columns))
    print(f"named: {sum(hits.values())} of {len(made)}, {100 * sum(hits.values()) / len(made):.1f} %; as the first finding: {first}")
    checkup = examine(control, jobs=options.jobs)
    for diagnosis in checkup.worst_first:
        print(f"false alarm: {diagnosis.sound.path.parent.name}/{diagnosis.sound.path.name}: {'; '.join(map(str, diagnosis.findings))}")
    print(f"clean clips: {len(control)}, false alarms {len(checkup.worst_first)}")


def _facts(diagnosis) -> str:
    m = diagnosis.measures
    if m is None:
        return "unreadable"
    return (
        f"SNR {m.snr_db:.0f} dB, band {m.bandwidth_hz:.0f} Hz edge {m.edge_db:.0f} dB, hum {m.hum_dbfs:.0f} dBFS x{m.hum_lines}, "
        f"held {m.sustained_share:.2f}, speech {m.speech_share:.2f}, flat {m.flat_runs}"
    )


if __name__ == "__main__":
    main()
