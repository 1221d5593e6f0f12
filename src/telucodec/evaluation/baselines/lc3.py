"""LC3 (Bluetooth SIG, 2020), the transform codec of Bluetooth LE Audio, in frames of 10 ms; Google's liblc3, as its lc3.h says."""

import ctypes
from functools import cache, partial

import numpy as np

from telucodec.audio.media import SAMPLE_RATE
from telucodec.evaluation.baselines.frames import Frames, to_frames, to_wave
from telucodec.evaluation.baselines.library import of_debian
from telucodec.evaluation.baselines.peer import Peer
from telucodec.evaluation.baselines.shared_library import shared_library
from telucodec.evaluation.contender import Contender

FRAME_US, FRAME = 10_000, 160
"""Microseconds and samples."""

KBPS = (16.0, 24.0, 32.0, 48.0, 64.0)
"""A frame is at least 20 bytes, so 16 kbps is the least."""

DELAY = 40
"""Samples by which the output comes late, 2.5 ms; a sample more or less costs 2 dB of SNR at 16 kbps and 22 dB at 64."""

S16 = 0
"""LC3_PCM_FORMAT_S16."""

PACKAGE = "liblc3-0"


@cache
def _library() -> ctypes.CDLL:
    library = shared_library("lc3", PACKAGE)
    pointer, number = ctypes.c_void_p, ctypes.c_int
    for end in ("encoder", "decoder"):
        setup = getattr(library, f"lc3_setup_{end}")
        setup.argtypes, setup.restype = [number, number, number, pointer], pointer
    library.lc3_encode.argtypes = [pointer, number, pointer, number, number, pointer]
    library.lc3_decode.argtypes = [pointer, pointer, number, number, pointer, number]
    return library


def encode_lc3(wave: np.ndarray, kbps: float) -> Frames:
    """Encode float32 [1, T] at 16 kHz."""
    library = _library()
    memory = ctypes.create_string_buffer(library.lc3_encoder_size(FRAME_US, SAMPLE_RATE))
    encoder = library.lc3_setup_encoder(FRAME_US, SAMPLE_RATE, 0, memory)
    out, frames = ctypes.create_string_buffer(round(kbps * FRAME_US / 8000)), []
    for frame in to_frames(wave, FRAME, DELAY):
        _done(library.lc3_encode(encoder, S16, frame.ctypes.data, 1, len(out), out))
        frames.append(out.raw)
    return Frames(tuple(frames), wave.shape[-1])


def decode_lc3(clip: Frames) -> np.ndarray:
    """Decode to float32 [1, T] at 16 kHz."""
    library = _library()
    memory = ctypes.create_string_buffer(library.lc3_decoder_size(FRAME_US, SAMPLE_RATE))
    decoder = library.lc3_setup_decoder(FRAME_US, SAMPLE_RATE, 0, memory)
    out = np.zeros((len(clip.frames), FRAME), np.int16)
    for packed, frame in zip(clip.frames, out, strict=True):
        _done(library.lc3_decode(decoder, packed, len(packed), S16, frame.ctypes.data, 1))
    return to_wave(out.reshape(-1), DELAY, clip.num_samples)


def _done(status: int) -> None:
    """Anything but 0 is a wrong parameter or a frame taken for lost: neither is LC3's sound."""
    if status != 0:
        raise ValueError(f"liblc3 gave up on a frame with status {status}")


def lc3(kbps: float) -> Contender:
    """LC3 at a constant rate."""
    return Contender(
        name=f"lc3_{kbps:g}",
        label=f"LC3 {kbps:g} kbps",
        family="LC3",
        encode=partial(encode_lc3, kbps=kbps),
        decode=decode_lc3,
        num_bytes=Frames.num_bytes,
        library=partial(of_debian, PACKAGE),
        note=f"{1000 * DELAY / SAMPLE_RATE:g} ms of delay taken out",
    )


PEER = Peer("lc3", "LC3", KBPS, lc3, _library)
