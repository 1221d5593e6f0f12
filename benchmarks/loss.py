"""Lost packets: ours beside Opus with in-band FEC, on the same clips and the same losses. python benchmarks/loss.py SPEECH_COLLECTION

Losses come in bursts (Gilbert-Elliott); rates are payloads alone, measured, without the 28 bytes of IP and UDP that both pay for every packet.
"""

import argparse
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import libopus
import numpy as np
import speech

from telucodec.audio.media import SAMPLE_RATE
from telucodec.metrics import METRICS
from telucodec.runtime.model import HOP
from telucodec.stream import Decoder, Encoder, load_live_codec
from telucodec.stream.channel import losses, received

SETS = ("telugu", "ljspeech", "librispeech")
BURST = 1.5
LONGEST_S = 6.0


def ours(
    codec, wave: np.ndarray, kbps: float, frames: int, lost: Sequence[bool], copies: bool = False, synthesis: bool = False
) -> tuple[np.ndarray, int]:
    """What arrives of `wave` [T], and the bytes that were sent."""
    encoder, decoder = Encoder(codec, kbps, packet_frames=frames, copies=copies), Decoder(codec, frames, synthesis)
    packets = encoder.push(wave[None]) + encoder.finish()
    late = HOP * (2 if synthesis else 1)
    return np.concatenate([*received(decoder, packets, lost)], axis=-1)[0, late:][: len(wave)], sum(map(len, packets))


def opus(wave: np.ndarray, kbps: float, frames: int, lost: Sequence[bool], loss_percent: int) -> tuple[np.ndarray, int]:
    packets, late = libopus.encode(wave, kbps, 20 * frames, loss_percent)
    return libopus.decode(packets, lost, 20 * frames)[late:][: len(wave)], sum(map(len, packets))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("collection", type=Path, help="folder with index.csv")
    parser.add_argument("--kbps", type=float, nargs="+", default=[12.0])
    parser.add_argument("--loss", type=int, nargs="+", default=[0, 5, 10, 20], help="percent")
    parser.add_argument("--frames", type=int, nargs="+", default=[1, 2, 3], help="of 20 ms in a packet")
    parser.add_argument("--clips", type=int, default=3, help="of each set")
    options = parser.parse_args()
    codec, found = load_live_codec(), speech.paths(options.collection)
    waves = [wave[0] for name in SETS for wave in speech.waves(found[name][: options.clips], LONGEST_S)]
    print(f"{len(waves)} clips, bursts of {BURST} packets; means")
    print("packet ms  asked kbps  loss %  codec                 kbps   PESQ  ViSQOL   STOI")
    for frames in options.frames:
        for kbps in options.kbps:
            for percent in options.loss:
                rows: dict[str, list] = {}
                for number, wave in enumerate(waves):
                    lost = list(islice(losses(percent / 100, BURST, seed=number), len(wave) // (frames * HOP) + 4))
                    for name, (heard, num_bytes) in {
                        "telucodec": ours(codec, wave, kbps, frames, lost),
                        "with synthesis": ours(codec, wave, kbps, frames, lost, synthesis=True),
                        "with copies too": ours(codec, wave, kbps, frames, lost, copies=True, synthesis=True),
                        "Opus with FEC": opus(wave, kbps, frames, lost, percent),
                    }.items():
                        heard = np.pad(heard, (0, len(wave) - len(heard)))
                        rate = 8 * num_bytes / len(wave) * SAMPLE_RATE / 1000
                        scores = [METRICS[name].measure(wave, heard).value for name in ("pesq", "visqol", "stoi")]
                        rows.setdefault(name, []).append([rate, *scores])
                for name, values in rows.items():
                    rate, score, likeness, clearness = np.mean(values, axis=0)
                    what = f"{20 * frames:9}  {kbps:10g}  {percent:6}  {name:21}"
                    print(f"{what} {rate:5.2f}  {score:5.2f}  {likeness:6.2f}  {clearness:5.3f}", flush=True)


if __name__ == "__main__":
    main()
