"""Does a codec hum at its frame rate? python benchmarks/hum.py SPEECH_COLLECTION [--synthesis FILE ...]

A network that is told the same in frame after frame adds the same: noise then repeats every 20 ms, and a pitch tracker takes it for a voice
where nobody speaks. PESQ and ViSQOL do not mind. In pieces of 100 ms, the correlation of sound with itself one frame later, less its mean size for lags
around that one: in pauses (30 dB below the loudest piece), and above 3.5 kHz elsewhere. Near the original's is well, 1 is nothing but hum. Voices where the
original has none, in percent of the time (SwiftF0), tell the same. Natural mode, without and with the learned synthesis, and with those of other files.
"""

import argparse
from pathlib import Path

import numpy as np
import speech
from scipy.signal import butter, sosfilt

from telucodec.audio.media import SAMPLE_RATE
from telucodec.metrics.pitch import contours
from telucodec.runtime.model import HOP, WEIGHTS, load_model
from telucodec.runtime.synthesis import USES, Synthesis
from telucodec.runtime.transform import TransformCodec

PIECE = SAMPLE_RATE // 10
PAUSE_DB, SILENT_DB = -30, -90
"""Under the loudest piece of a clip; under full scale, where there is nothing to hear."""
AROUND = tuple(HOP + lag for lag in (-30, -20, -10, 10, 20, 30))
HIGH = butter(6, 3500, "high", fs=SAMPLE_RATE, output="sos")


def correlation(piece: np.ndarray, lag: int) -> float:
    """Of `piece` [n] with itself, `lag` samples later."""
    before, after = piece[:-lag], piece[lag:]
    return float((before * after).sum() / np.sqrt((before**2).sum() * (after**2).sum() + 1e-20))


def hum(reference: np.ndarray, wave: np.ndarray) -> tuple[list[float], list[float]]:
    """How much each piece of `wave` [T] hums, in pauses of `reference` [T] and, of what lies above 3.5 kHz, elsewhere."""

    def pieces(sound: np.ndarray) -> np.ndarray:
        return sound[: len(sound) // PIECE * PIECE].reshape(-1, PIECE).astype(np.float64)

    level_db = 10 * np.log10((pieces(reference) ** 2).mean(axis=1) + 1e-20)
    pause = level_db < level_db.max() + PAUSE_DB
    found = []
    for sound, chosen in ((wave, pause), (sosfilt(HIGH, wave), ~pause)):
        kept = pieces(sound)[chosen & (level_db > SILENT_DB)]
        found.append([abs(correlation(piece, HOP)) - np.mean([abs(correlation(piece, lag)) for lag in AROUND]) for piece in kept])
    return found[0], found[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path)
    parser.add_argument("--synthesis", type=Path, nargs="*", default=[], help="other files than the shipped one")
    parser.add_argument("--kbps", type=float, nargs="+", default=[3.2, 6.3])
    parser.add_argument("--clips", type=int, default=6, help="of each set")
    options = parser.parse_args()
    found, model = speech.paths(options.collection), load_model()
    decoders = {"plain": TransformCodec(model)}
    for path in (WEIGHTS / USES["natural"].file_name, *options.synthesis):
        decoders[str(path)] = TransformCodec(model, syntheses={"natural": Synthesis(path.read_bytes, str(path))})
    for name in ("telugu", "ljspeech", "librispeech", "kerstin", "malayalam"):
        waves = [wave[0] for wave in speech.waves(found[name][: options.clips])]
        heard = {"original": waves}
        for kbps in options.kbps:
            coded = [decoders["plain"].encode(wave[None], kbps=kbps) for wave in waves]
            heard |= {f"{kbps:g} kbps, {title}": [decoder.decode(data)[0] for data in coded] for title, decoder in decoders.items()}
        for title, sounds in heard.items():
            pauses, rest = zip(*(hum(wave, sound) for wave, sound in zip(waves, sounds, strict=True)), strict=True)
            tracks = [contours(wave, sound) for wave, sound in zip(waves, sounds, strict=True)]
            voices = 100 * np.concatenate([after.voiced & ~before.voiced for before, after in tracks]).mean()
            means = f"hum in pauses {np.mean(np.concatenate(pauses)):5.2f}, above 3.5 kHz {np.mean(np.concatenate(rest)):5.2f}"
            print(f"{name:12} {means}, false voices {voices:4.1f} %  {title}", flush=True)


if __name__ == "__main__":
    main()
