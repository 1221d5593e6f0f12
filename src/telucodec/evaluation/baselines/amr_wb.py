"""AMR-WB (3GPP TS 26.190, ITU-T G.722.2): the telephone network's wideband codec; VisualOn's encoder, FFmpeg's decoder.

Bits are those of TS 26.201, table 2, without the octet that a file or RTP puts before each frame.
"""

import ctypes
from dataclasses import dataclass
from functools import cache, partial

import av
import numpy as np

from telucodec.audio.media import SAMPLE_RATE
from telucodec.evaluation.baselines.ffmpeg import samples_of
from telucodec.evaluation.baselines.frames import to_frames, to_wave
from telucodec.evaluation.baselines.library import of_debian
from telucodec.evaluation.baselines.peer import Peer
from telucodec.evaluation.baselines.shared_library import shared_library
from telucodec.evaluation.contender import Contender

FRAME = 320
"""Samples, 20 ms."""

FRAME_BITS = (132, 177, 253, 285, 317, 365, 397, 461, 477)
"""Of modes 0 to 8, for 20 ms each."""

MODES = {bits / 20: mode for mode, bits in enumerate(FRAME_BITS)}
"""kbps -> mode: 6.6, 8.85, 12.65 ... 23.85."""

DELAYS = (94, 94, 95, 95, 95, 95, 95, 95, 95)
"""Samples by which the output of modes 0 to 8 comes late, 5.9 ms. Chosen by mean SNR on eight Telugu clips: one sample more or less costs
0.2 dB at 6.6 kbps and 0.2 to 0.6 dB above, more on the far side, since the resampling to 12.8 kHz and back ends between two samples. On 41
clips of eight languages the rest of a sample would win 0.1 dB at 6.6 kbps and 0.4 above, 1.2 on one clip; PESQ and ViSQOL do not hear it."""

PACKAGE = "libvo-amrwbenc0"


@dataclass(frozen=True)
class AmrWbClip:
    """The frames of one wave, each behind the octet that names its mode."""

    frames: tuple[bytes, ...]
    mode: int
    num_samples: int


@cache
def _library() -> ctypes.CDLL:
    library = shared_library("vo-amrwbenc", PACKAGE)
    library.E_IF_init.restype = ctypes.c_void_p
    library.E_IF_exit.argtypes = [ctypes.c_void_p]
    library.E_IF_encode.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    return library


def encode_amr_wb(wave: np.ndarray, mode: int) -> AmrWbClip:
    """Encode float32 [1, T] at 16 kHz, every frame spoken: no silence descriptors (DTX)."""
    library = _library()
    state = library.E_IF_init()
    try:
        out, frames = ctypes.create_string_buffer(64), []
        for frame in to_frames(wave, FRAME, DELAYS[mode]):
            count = library.E_IF_encode(state, mode, frame.ctypes.data, out, 0)
            frames.append(out.raw[:count])
    finally:
        library.E_IF_exit(state)
    return AmrWbClip(tuple(frames), mode, wave.shape[-1])


def decode_amr_wb(clip: AmrWbClip) -> np.ndarray:
    """Decode to float32 [1, T] at 16 kHz."""
    decoder = av.CodecContext.create("amrwb", "r")
    decoder.sample_rate, decoder.layout = SAMPLE_RATE, "mono"
    return to_wave(samples_of(decoder, clip.frames), DELAYS[clip.mode], clip.num_samples)


def payload_bytes(clip: AmrWbClip) -> int:
    """Bytes of the frames' bits, end to end."""
    return -(-len(clip.frames) * FRAME_BITS[clip.mode] // 8)


def amr_wb(kbps: float) -> Contender:
    """AMR-WB in one of its nine modes."""
    mode = MODES[kbps]
    return Contender(
        name=f"amr-wb_{kbps:g}",
        label=f"AMR-WB {kbps:g} kbps",
        family="AMR-WB",
        encode=partial(encode_amr_wb, mode=mode),
        decode=decode_amr_wb,
        num_bytes=payload_bytes,
        library=partial(of_debian, PACKAGE),
        note=f"{1000 * DELAYS[mode] / SAMPLE_RATE:.1f} ms of delay taken out, in whole samples, so that mean SNR is up to some 0.5 dB low",
    )


PEER = Peer("amr-wb", "AMR-WB", tuple(MODES), amr_wb, _library)
