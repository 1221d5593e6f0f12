"""Codecs of FFmpeg, as PyAV brings them: a wave into packets, packets into samples."""

from collections.abc import Sequence

import av
import numpy as np

from telucodec.audio.media import SAMPLE_RATE


def packets_of(encoder: av.AudioCodecContext, wave: np.ndarray, num_frames: int) -> tuple[bytes, ...]:
    """Encode float32 [1, T] at 16 kHz by an open `encoder`, with zeros behind to fill that many frames."""
    size, packets = encoder.frame_size, []
    padded = np.zeros((1, num_frames * size), np.float32)
    padded[:, : wave.shape[-1]] = wave
    for start in range(0, padded.shape[-1], size):
        piece = np.ascontiguousarray(padded[:, start : start + size])
        frame = av.AudioFrame.from_ndarray(piece, format=encoder.format.name, layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return tuple(map(bytes, packets))


def samples_of(decoder: av.AudioCodecContext, packets: Sequence[bytes]) -> np.ndarray:
    """Decode to [T'], as the decoder has them."""
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet))] + list(decoder.decode(None))
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])
