"""Any audio or video file as waveforms, in windows, so that a two-hour film never lies in memory.

FFmpeg (through PyAV, which keeps its log off the terminal) decodes; soxr resamples. A file that ends before the length its header
states is an error, never a shorter waveform.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soxr
from av.container import InputContainer

from telucodec.errors import MediaError
from telucodec.files import printable

SAMPLE_RATE = 16_000
"""Hz; the rate of everything behind this door."""

STATING_FORMATS = {"mov", "matroska", "wav", "flac", "avi", "aiff"}
"""Containers whose header states the true length, so that a cut one is noticed. MP3, ADTS, Ogg and MPEG-TS may end anywhere."""

GAPLESS_FORMATS = {"wav", "flac", "aiff"}
"""Of these, the ones whose sound has no pauses in its clock: where less can be decoded than stated, it is damaged."""

MISSING_S = 0.5
"""A file may lack this much of its stated length, or hold this much that cannot be decoded: headers round, encoders pad."""

PIECE_S = 1.0
"""Length of the pieces in which sound goes on from the decoder."""

LOUDEST = 1e12
"""Samples that reach further are no sound on any scale; squares of smaller ones, and sums of these, are still numbers in float32."""

UNKNOWN_RIFF_BYTES = 0x7FFF_0000
"""From here up, a size in a RIFF header means that the writer could not go back to fill it in (pipes write 2 or 4 GiB)."""


Heard = Callable[[np.ndarray, int], None]
"""heard(channels, rate): a piece [C, T] of sound as the file holds it, and its rate in Hz."""


@dataclass(frozen=True)
class SourceFacts:
    """What a file says of its first audio stream."""

    sample_rate: int
    """Hz."""
    num_channels: int
    codec: str
    """FFmpeg's name of it: pcm_s16le, flac, mp3, aac ..."""


def source_facts(path: Path) -> SourceFacts:
    """Return what the header of `path` says of its sound. Raises MediaError where it holds none."""
    with _opened(Path(path)) as container:
        codec = _audio_stream(Path(path), container).codec_context
        return SourceFacts(codec.sample_rate, codec.channels, codec.name)


def stream_media(
    path: Path, sample_rate: int = SAMPLE_RATE, window_s: float = 10.0, heard: Heard = lambda channels, rate: None
) -> Iterator[np.ndarray]:
    """Yield the first audio stream of `path`, mixed to mono by the mean of its channels, as float32 [1, T] windows.

    T is window_s * sample_rate, less in the last window. Memory holds a window or two, whatever the length of the file.
    `heard` is told every piece before it is mixed and resampled.
    Raises MediaError, while iterating, for a file that is missing, empty, no media, without sound, cut short, damaged, not finite
    or beyond LOUDEST.
    """
    size = round(window_s * sample_rate)
    held = np.empty(0, np.float32)
    pieces, num_held, is_empty = [held], 0, True
    for piece in _resampled(_decoded(Path(path), heard), sample_rate):
        pieces.append(piece)
        num_held += len(piece)
        is_empty = is_empty and not len(piece)
        if num_held >= size:
            held = np.concatenate(pieces)
            while len(held) >= size:
                yield held[None, :size]
                held = held[size:]
            pieces, num_held = [held], len(held)
    if is_empty:  # one or two samples of a higher rate
        raise MediaError(f"{printable(path)}: is shorter than one sample at {sample_rate} Hz; record or export it again")
    if num_held:
        yield np.concatenate(pieces)[None]


def read_media(path: Path, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Return all of `path` as float32 [1, T]; errors as in `stream_media`."""
    return np.concatenate([np.empty((1, 0), np.float32), *stream_media(path, sample_rate)], axis=-1)


def stated_duration(path: Path) -> float:
    """Return the length in seconds that the header of `path` states or suggests, NaN where it says nothing. Raises MediaError."""
    with _opened(Path(path)) as container:
        return container.duration / av.time_base if container.duration else math.nan


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    """Open `path` with FFmpeg. Raises MediaError where there is nothing to read.

    FFmpeg gets a file object and no protocols, so a playlist posing as a recording cannot make it read other files or the network.
    """
    _refuse_empty(path)
    with open(path, "rb") as file:
        try:
            container = av.open(file, metadata_errors="replace", options={"protocol_whitelist": "none"})
        except (av.FFmpegError, OSError) as error:
            raise MediaError(f"{printable(path)}: is no media file, or lost its beginning or end; play it, or copy it again") from error
        with container:
            yield container


def _refuse_empty(path: Path) -> None:
    """Raise MediaError unless `path` is a file with something in it that may be read."""
    try:
        with open(path, "rb") as file:
            found = file.read(1)
    except FileNotFoundError as error:
        raise MediaError(f"{printable(path)}: no such file; check its name and folder") from error
    except IsADirectoryError as error:
        raise MediaError(f"{printable(path)}: is a folder; name one file in it") from error
    except OSError as error:
        raise MediaError(f"{printable(path)}: cannot be opened ({error.strerror}); check its name and who may read it") from error
    if not found:
        raise MediaError(f"{printable(path)}: is empty (0 bytes); copy or record it again")


def _audio_stream(path: Path, container: InputContainer) -> av.AudioStream:
    """Return the first audio stream. Raises MediaError where there is none that can be decoded."""
    if not container.streams.audio:
        raise MediaError(f"{printable(path)}: has no audio stream; choose a file with sound")
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise MediaError(f"{printable(path)}: its sound is in a format that FFmpeg cannot decode; convert it to FLAC or WAV")
    return stream


def _decoded(path: Path, heard: Heard) -> Iterator[tuple[np.ndarray, int]]:
    """Yield pieces of mono sound [T] of about PIECE_S and their rate in Hz, as the file holds them, telling `heard` their channels.

    A packet that cannot be decoded is left out, since MP3 files have such at their seams, until more than MISSING_S is lost.
    """
    with _opened(path) as container:
        stream = _audio_stream(path, container)
        stated_s = _stated_length(path, container, stream)
        heard_s = 0.0
        for samples, rate in _joined(_frames(path, container, stream, stated_s)):
            channels = _full_scale_at_1(samples)
            _refuse_no_sound(path, channels, rate, heard_s)
            channels = channels.astype(np.float32, copy=False)
            heard(channels, rate)
            yield channels.mean(axis=0) if len(channels) > 1 else channels[0], rate
            heard_s += channels.shape[-1] / rate
        if container.format.name in GAPLESS_FORMATS and heard_s < stated_s - MISSING_S:
            raise MediaError(f"{printable(path)}: is damaged, only {heard_s:.1f} s of {stated_s:.1f} s can be decoded; copy it again")
        if not heard_s:
            raise MediaError(f"{printable(path)}: its audio stream holds no samples; record or export it again")


def _refuse_no_sound(path: Path, channels: np.ndarray, rate: int, begin_s: float) -> None:
    """Raise MediaError where channels [C, T] at `rate` Hz, which begin at `begin_s`, hold what is not finite or beyond LOUDEST."""
    magnitudes = np.abs(channels).max(axis=0)  # [T]
    wrong = ~(magnitudes <= LOUDEST)  # NaN is not
    if not wrong.any():
        return
    first = int(wrong.argmax())
    at_s = begin_s + first / rate
    if not np.isfinite(magnitudes[first]):
        raise MediaError(f"{printable(path)}: holds NaN or infinity at {at_s:.1f} s; export it again as 16-bit WAV or FLAC")
    reached = f"reaches {magnitudes[first]:.3g} at {at_s:.1f} s, far beyond full scale, which is 1"
    raise MediaError(f"{printable(path)}: {reached}; scale it down, or export it again as 16-bit WAV or FLAC")


def _joined(frames: Iterable[av.AudioFrame]) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the sound of `frames` in pieces [C, T] of about PIECE_S, in the numbers of their format, and their rate in Hz.

    FFmpeg joins them: an array for each frame of 20 ms costs more than decoding it.
    """
    fifo, kind = av.AudioFifo(), ("", "", 0)
    for frame in frames:
        if (found := (frame.format.name, frame.layout.name, frame.sample_rate)) != kind:
            yield from _taken(fifo)
            fifo, kind = av.AudioFifo(), found
        frame.pts = None  # a gap in the clock is none in the sound
        fifo.write(frame)
        if fifo.samples >= PIECE_S * frame.sample_rate:
            yield from _taken(fifo)
    yield from _taken(fifo)


def _taken(fifo: av.AudioFifo) -> Iterator[tuple[np.ndarray, int]]:
    """Yield all that `fifo` holds as one piece [C, T] with its rate, nothing where it is empty."""
    if frame := fifo.read():
        samples = frame.to_ndarray()
        yield samples if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels).T, frame.sample_rate


def _frames(path: Path, container: InputContainer, stream: av.AudioStream, stated_s: float) -> Iterator[av.AudioFrame]:
    """Yield frames of sound. A packet that cannot be decoded is left out, until more than MISSING_S is lost."""
    heard_s = lost_s = 0.0
    for packet in _packets(path, container, stream, stated_s):
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            lost_s += float(packet.duration * packet.time_base) if packet.duration else MISSING_S
            if lost_s > MISSING_S:
                raise MediaError(f"{printable(path)}: is damaged at {heard_s:.1f} s; copy it again, or cut out its good part") from error
            continue
        for frame in frames:
            heard_s += frame.samples / frame.sample_rate
            yield frame


def _packets(path: Path, container: InputContainer, stream: av.AudioStream, stated_s: float) -> Iterator[av.Packet]:
    """Yield the packets of `stream`; raise MediaError where the file ends before `stated_s`."""
    begin_s, end_s = math.inf, 0.0
    # Where only the container states a length, that is the longest stream's, so all of them count.
    counting = list(container.streams) if stream.duration is None else [stream]
    ticks_s = {each.index: float(each.time_base) for each in counting if each.time_base}
    try:
        for packet in container.demux(*counting):
            at = packet.dts if packet.pts is None else packet.pts
            if at is not None and (tick_s := ticks_s.get(packet.stream_index)):
                begin_s = min(begin_s, at * tick_s)
                end_s = max(end_s, (at + (packet.duration or 0)) * tick_s)
            if packet.stream_index == stream.index:
                yield packet
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{printable(path)}: cannot be read beyond {end_s:.1f} s ({error.strerror}); copy it again") from error
    length_s = max(0.0, end_s - begin_s)
    if length_s < stated_s - MISSING_S:
        raise MediaError(f"{printable(path)}: breaks off at {length_s:.1f} s of {stated_s:.1f} s; copy it again, or cut out its good part")


def _stated_length(path: Path, container: InputContainer, stream: av.AudioStream) -> float:
    """Return the seconds that the header promises, NaN where it promises none.

    FFmpeg shortens the length of a cut WAV or AVI to what is there, so the size in their RIFF header is read here.
    """
    if container.format.name.split(",")[0] not in STATING_FORMATS:
        return math.nan
    if stream.duration is not None:
        stated_s = float(stream.duration * stream.time_base)
    else:
        stated_s = container.duration / av.time_base if container.duration else math.nan
    with open(path, "rb") as file:
        head = file.read(8)
    riff_bytes = 8 + int.from_bytes(head[4:], "little")
    if head[:4] == b"RIFF" and riff_bytes < UNKNOWN_RIFF_BYTES:
        stated_s *= max(1.0, riff_bytes / path.stat().st_size)
    return stated_s


def _full_scale_at_1(samples: np.ndarray) -> np.ndarray:
    """Return `samples` [C, T] of any format as floats."""
    if samples.dtype == np.uint8:
        samples = (samples - np.float32(128)) / np.float32(128)
    elif np.issubdtype(samples.dtype, np.integer):
        samples = samples / -float(np.iinfo(samples.dtype).min)
    return samples


def _resampled(pieces: Iterable[tuple[np.ndarray, int]], sample_rate: int) -> Iterator[np.ndarray]:
    """Yield `pieces` [T] at `sample_rate`, starting afresh where the rate changes on the way, as some live recordings do."""
    resampler, rate = None, sample_rate
    nothing = np.empty(0, np.float32)
    for piece, piece_rate in pieces:
        if piece_rate != rate:
            if resampler:
                yield resampler.resample_chunk(nothing, last=True)
            rate = piece_rate
            resampler = soxr.ResampleStream(rate, sample_rate, 1, "float32", "HQ") if rate != sample_rate else None
        yield resampler.resample_chunk(piece) if resampler else piece
    if resampler:
        yield resampler.resample_chunk(nothing, last=True)
