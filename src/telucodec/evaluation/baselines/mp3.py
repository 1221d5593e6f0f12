"""MP3 (MPEG-2 layer III, ISO/IEC 13818-3) at 16 kHz and a constant rate: LAME, inside PyAV's wheels.

Its frames are counted with their headers, which hold what the decoder needs, and without the tags of a file.
"""

from functools import partial

import av
import numpy as np

from telucodec.audio.media import SAMPLE_RATE
from telucodec.evaluation.baselines.ffmpeg import packets_of, samples_of
from telucodec.evaluation.baselines.frames import Frames, to_wave
from telucodec.evaluation.baselines.library import in_pyav
from telucodec.evaluation.baselines.peer import Peer
from telucodec.evaluation.contender import Contender

KBPS = (8.0, 16.0, 24.0, 32.0, 48.0, 64.0)
"""Of ISO/IEC 13818-3, those that serve speech."""

DELAY = 1105
"""Samples by which the output comes late, 69 ms: LAME's 576 and a decoder's 529. A sample more or less costs 2 dB of SNR at 8 kbps and 15 dB at 64."""

GAIN = 0.95
"""LAME scales what it is given by this, against clipping, at every rate here; it is taken out so that SNR does not end at 26 dB."""


def encode_mp3(wave: np.ndarray, kbps: float) -> Frames:
    """Encode float32 [1, T] at 16 kHz."""
    encoder = av.CodecContext.create("libmp3lame", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE, "mono", "fltp"
    encoder.bit_rate = round(1000 * kbps)
    encoder.open()
    num_frames = -(-(wave.shape[-1] + DELAY) // encoder.frame_size)
    return Frames(packets_of(encoder, wave, num_frames)[:num_frames], wave.shape[-1])  # LAME ends with more silence than the delay needs


def decode_mp3(clip: Frames) -> np.ndarray:
    """Decode to float32 [1, T] at 16 kHz."""
    decoder = av.CodecContext.create("mp3float", "r")
    return to_wave(samples_of(decoder, clip.frames) / np.float32(GAIN), DELAY, clip.num_samples)


def mp3(kbps: float) -> Contender:
    """MP3 at a constant rate."""
    return Contender(
        name=f"mp3_{kbps:g}",
        label=f"MP3 {kbps:g} kbps",
        family="MP3",
        encode=partial(encode_mp3, kbps=kbps),
        decode=decode_mp3,
        num_bytes=Frames.num_bytes,
        library=partial(in_pyav, "mp3lame", "get_lame_version"),
        note=f"{1000 * DELAY / SAMPLE_RATE:.0f} ms of delay and a gain of {GAIN:g} taken out",
    )


PEER = Peer("mp3", "MP3", KBPS, mp3)
