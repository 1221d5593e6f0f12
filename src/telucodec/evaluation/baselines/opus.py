"""Opus as the codec to beat: libopus, inside PyAV's wheels, with variable rate and 20 ms frames.

Every doubt favours Opus. Its payload alone is counted, without the container that a file needs (Ogg adds 0.4 kbps and
more), whereas a .tlc file is counted whole. Its residual delay is taken out. It chooses the bandwidth itself (FFmpeg cannot
force one): narrowband below about 9 kbps, wideband above.

Two applications differ in what they keep. `voip` filters the lowest frequencies out on purpose, which holds its SNR near 9 dB
even at 24 kbps; `audio` does not. Compare qualities with the first and waveforms with the second.
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import av
import numpy as np
import soxr

from telucodec.audio.media import SAMPLE_RATE
from telucodec.evaluation.baselines.ffmpeg import packets_of, samples_of
from telucodec.evaluation.baselines.frames import to_wave
from telucodec.evaluation.baselines.library import in_pyav
from telucodec.evaluation.baselines.peer import Peer
from telucodec.evaluation.contender import Contender

Application = Literal["voip", "audio"]

DECODER_RATE = 48_000
"""Hz; FFmpeg's libopus decoder gives nothing else."""

FIRST_ABOVE_NARROW, FIRST_CELT = 4, 16
"""Configurations of RFC 6716, table 2: SILK narrowband below the first, SILK and its hybrid below the second."""

Coding = Literal["narrow", "wide", "celt"]
"""How a packet is coded: linear prediction (SILK) up to 4 kHz, or up to 6 or 8 kHz, or by transform (CELT)."""

EARLY_SAMPLES: dict[Application, dict[Coding, int]] = {
    "voip": {"narrow": 1, "wide": 3, "celt": 1},
    "audio": {"narrow": -2, "wide": 2, "celt": 0},
}
"""48 kHz samples by which the output leads the input once the stated pre-skip is removed; where negative, it lags. Chosen by
mean SNR on a few clips: up to 32 kbps none is better by 0.1 dB, at 48 to 96 kbps with voip one sample less is, by 0.1 to 0.4. SILK resamples within, with
a delay for each bandwidth, and the filter of `voip` advances low frequencies. With the numbers of "wide", narrowband at 8 kbps would lose
0.4 dB with voip and 1.8 dB with audio."""


@dataclass(frozen=True)
class OpusClip:
    """The packets of one wave, with what a container would tell the decoder."""

    packets: tuple[bytes, ...]
    header: bytes
    """OpusHead (RFC 7845, section 5.1), which states the pre-skip."""
    num_samples: int
    """Length of the wave at 16 kHz."""
    application: Application

    @property
    def coding(self) -> Coding:
        """How most of its packets are coded, by the configuration in their first byte (RFC 6716, section 3.1)."""
        configurations = np.array([packet[0] >> 3 for packet in self.packets if packet])
        if np.mean(configurations >= FIRST_CELT) > 0.5:
            return "celt"
        return "narrow" if np.mean(configurations < FIRST_ABOVE_NARROW) > 0.5 else "wide"


def opus(kbps: float, application: Application = "voip") -> Contender:
    """Opus with `kbps` as its target; variable rate undershoots it, so plot against the measured rate."""
    suffix = "" if application == "voip" else "_audio"
    return Contender(
        name=f"opus{suffix}_{kbps:g}",
        label=f"Opus {kbps:g} kbps" + ("" if application == "voip" else ", audio mode"),
        family="Opus" + ("" if application == "voip" else ", audio mode"),
        encode=partial(encode_opus, kbps=kbps, application=application),
        decode=decode_opus,
        num_bytes=payload_bytes,
        library=partial(in_pyav, "opus", "opus_get_version_string"),
        note="packets alone are counted; the stated pre-skip and up to 3 samples at 48 kHz of delay taken out",
    )


def encode_opus(wave: np.ndarray, kbps: float, application: Application = "voip") -> OpusClip:
    """Encode float32 [1, T] at 16 kHz."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE, "mono", "flt"
    encoder.bit_rate = round(1000 * kbps)
    encoder.options = {"application": application, "vbr": "on", "frame_duration": "20"}
    encoder.open()
    num_frames = wave.shape[-1] // encoder.frame_size + 1  # the last is partly zeros, to push the encoder's look-ahead out
    return OpusClip(packets_of(encoder, wave, num_frames), bytes(encoder.extradata), wave.shape[-1], application)


def decode_opus(clip: OpusClip) -> np.ndarray:
    """Decode to float32 [1, T] at 16 kHz, as long as the input and aligned with it."""
    decoder = av.CodecContext.create("libopus", "r")
    decoder.extradata, decoder.layout = clip.header, "mono"
    decoded = samples_of(decoder, clip.packets).astype(np.float32) / 32768  # s16
    return at_16_khz(decoded, EARLY_SAMPLES[clip.application][clip.coding], clip.num_samples)


def at_16_khz(decoded: np.ndarray, early: int, num_samples: int) -> np.ndarray:
    """Decoded [T'] at 48 kHz, which leads by `early` samples of that rate, -> float32 [1, T] at 16 kHz."""
    aligned = np.concatenate([np.zeros(max(early, 0), np.float32), decoded])[max(-early, 0) :]
    return to_wave(soxr.resample(aligned, DECODER_RATE, SAMPLE_RATE), 0, num_samples)


def payload_bytes(clip: OpusClip) -> int:
    """Bytes of the packets alone."""
    return sum(map(len, clip.packets))


PEER = Peer("opus", "Opus", (6.0, 8.0, 9.0, 10.0, 12.0, 16.0, 20.0, 24.0, 32.0, 48.0, 64.0), opus)
AUDIO_PEER = Peer(
    "opus-audio", "Opus, audio mode", (8.0, 9.0, 10.0, 12.0, 16.0, 20.0, 24.0, 32.0, 48.0, 64.0), partial(opus, application="audio")
)
