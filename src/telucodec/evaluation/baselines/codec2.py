"""Codec2 (David Rowe, LGPL): parametric, 8 kHz, from 0.7 kbps; libcodec2 does the work, called as its codec2.h says.

It codes pitch, spectrum and voicing and draws phases anew, so SNR and SI-SDR say nothing about it. It draws
them from one sequence for the whole process: measured again after other clips, or by other processes, a score differs in its last digits.
"""

import ctypes
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import soxr

from telucodec.audio.media import SAMPLE_RATE
from telucodec.evaluation.baselines.frames import to_frames, to_wave
from telucodec.evaluation.baselines.library import of_debian
from telucodec.evaluation.baselines.peer import Peer
from telucodec.evaluation.baselines.shared_library import shared_library
from telucodec.evaluation.contender import Contender

CODEC_RATE = 8000
"""Hz."""

MODES = {0.7: 8, 1.2: 5, 1.3: 4, 1.4: 3, 1.6: 2, 2.4: 1, 3.2: 0}
"""kbps -> CODEC2_MODE of codec2.h."""

DELAYS = dict.fromkeys(MODES, 165) | {0.7: 250}
"""8 kHz samples by which each mode's output comes late, 21 and 31 ms, to some 5 samples. Its waveform does not tell; the envelopes and the best STOI
of 22 clips in three languages do, and agree."""

PACKAGE = "libcodec2-1.0"


@dataclass(frozen=True)
class Codec2Clip:
    """The frames of one wave."""

    frames: tuple[bytes, ...]
    bits_per_frame: int
    kbps: float
    num_samples: int
    """Length of the wave at 16 kHz."""


@cache
def _library() -> ctypes.CDLL:
    library = shared_library("codec2", PACKAGE)
    library.codec2_create.restype = ctypes.c_void_p
    for name in ("codec2_destroy", "codec2_samples_per_frame", "codec2_bits_per_frame"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    for name in ("codec2_encode", "codec2_decode"):
        getattr(library, name).argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
        getattr(library, name).restype = None
    return library


def encode_codec2(wave: np.ndarray, kbps: float) -> Codec2Clip:
    """Encode float32 [1, T] at 16 kHz, resampled to 8 kHz."""
    library = _library()
    state = library.codec2_create(MODES[kbps])
    try:
        size, bits = library.codec2_samples_per_frame(state), library.codec2_bits_per_frame(state)
        out, packed = ctypes.create_string_buffer(-(-bits // 8)), []
        for frame in to_frames(soxr.resample(wave[0], SAMPLE_RATE, CODEC_RATE)[None], size, DELAYS[kbps]):
            library.codec2_encode(state, out, frame.ctypes.data)
            packed.append(out.raw)
    finally:
        library.codec2_destroy(state)
    return Codec2Clip(tuple(packed), bits, kbps, wave.shape[-1])


def decode_codec2(clip: Codec2Clip) -> np.ndarray:
    """Decode to float32 [1, T] at 16 kHz."""
    library = _library()
    state = library.codec2_create(MODES[clip.kbps])
    try:
        out = np.zeros((len(clip.frames), library.codec2_samples_per_frame(state)), np.int16)
        for packed, frame in zip(clip.frames, out, strict=True):
            library.codec2_decode(state, frame.ctypes.data, packed)
    finally:
        library.codec2_destroy(state)
    narrow = to_wave(out.reshape(-1), DELAYS[clip.kbps], -(-clip.num_samples // 2))
    return to_wave(soxr.resample(narrow[0], CODEC_RATE, SAMPLE_RATE), 0, clip.num_samples)


def payload_bytes(clip: Codec2Clip) -> int:
    """Bytes of the frames' bits, end to end."""
    return -(-len(clip.frames) * clip.bits_per_frame // 8)


def codec2(kbps: float) -> Contender:
    """Codec2 in one of its modes."""
    delay = DELAYS[kbps]
    return Contender(
        name=f"codec2_{kbps:g}",
        label=f"Codec2 {kbps:g} kbps",
        family="Codec2",
        encode=partial(encode_codec2, kbps=kbps),
        decode=decode_codec2,
        num_bytes=payload_bytes,
        library=partial(of_debian, PACKAGE),
        note=f"telephone band, 8 kHz; {1000 * delay / CODEC_RATE:.0f} ms of delay taken out",
    )


PEER = Peer("codec2", "Codec2", tuple(MODES), codec2, _library)
