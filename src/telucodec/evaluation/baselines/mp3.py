"""MP3 (MPEG-2 layer III, ISO/IEC 13818-3) at 16 kHz and a constant rate: LAME, inside PyAV's wheels.

Its frames are counted with their headers, which hold what the decoder needs, and without the tags of a file.
"""

from dataclasses import dataclass
from functools import partial

import av
import numpy as np

from telucodec.audio.media import SAMPLE_RATE
from telucodec.evaluation.baselines.frames import to_wave
from telucodec.evaluation.baselines.library import in_pyav
from telucodec.evaluation.baselines.peer import Peer
from telucodec.evaluation.contender import Contender

KBPS = (8.0, 16.0, 24.0, 32.0, 48.0, 64.0)
"""Of ISO/IEC 13818-3, those that serve speech."""

DELAY = 1105
"""Samples by which the output comes late, 69 ms: LAME's 576 and a decoder's 529. A sample more or less costs 2 dB of SNR at 8 kbps and 15 dB at 64."""

GAIN = 0.95
"""LAME scales what it is given by this, against clipping, at every rate here; it is taken out so that SNR does not end at 26 dB."""


@dataclass(frozen=True)
class Mp3Clip:
    """The frames of one wave."""

    frames: tuple[bytes, ...]
    num_samples: int


def encode_mp3(wave: np.ndarray, kbps: float) -> Mp3Clip:
    """Encode float32 [1, T] at 16 kHz."""
    encoder = av.CodecContext.create("libmp3lame", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE, "mono", "fltp"
    encoder.bit_rate = round(1000 * kbps)
    encoder.open()
    size, packets = encoder.frame_size, []
    num_frames = -(-(wave.shape[-1] + DELAY) // size)
    padded = np.zeros((1, num_frames * size), np.float32)
    padded[:, : wave.shape[-1]] = wave
    for start in range(0, padded.shape[-1], size):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(padded[:, start : start + size]), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return Mp3Clip(tuple(map(bytes, packets[:num_frames])), wave.shape[-1])  # LAME ends with more silence than the delay needs


def decode_mp3(clip: Mp3Clip) -> np.ndarray:
    """Decode to float32 [1, T] at 16 kHz."""
    decoder = av.CodecContext.create("mp3float", "r")
    frames = [frame for packet in clip.frames for frame in decoder.decode(av.Packet(packet))] + list(decoder.decode(None))
    return to_wave(np.concatenate([frame.to_ndarray()[0] for frame in frames]) / np.float32(GAIN), DELAY, clip.num_samples)


def payload_bytes(clip: Mp3Clip) -> int:
    """Bytes of the frames."""
    return sum(map(len, clip.frames))


def mp3(kbps: float) -> Contender:
    """MP3 at a constant rate."""
    return Contender(
        name=f"mp3_{kbps:g}",
        label=f"MP3 {kbps:g} kbps",
        family="MP3",
        encode=partial(encode_mp3, kbps=kbps),
        decode=decode_mp3,
        num_bytes=payload_bytes,
        library=partial(in_pyav, "mp3lame", "get_lame_version"),
        note=f"{1000 * DELAY / SAMPLE_RATE:.0f} ms of delay and a gain of {GAIN:g} taken out",
    )


PEER = Peer("mp3", "MP3", KBPS, mp3)
