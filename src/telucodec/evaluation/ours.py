"""The codec under test, as a contender: its whole .tlc file is counted, header and checksums included."""

from functools import cache, partial
from pathlib import Path
from typing import Literal

import numpy as np

from telucodec.bitstream.container import Header, read_packets
from telucodec.evaluation.baselines.library import of_python
from telucodec.evaluation.contender import Contender
from telucodec.runtime.codec import load_codec

Mode = Literal["fidelity", "natural", "codes"]

_codec = cache(load_codec)  # once a process, however many settings are compared


def modes(folder: Path | None) -> tuple[Mode, ...]:
    """What the model in `folder` (None: the one shipped) can be asked for. Raises ModelError."""
    return _codec(folder).modes


def ours(folder: Path | None, kbps: float, mode: Mode, called: str = "telucodec") -> Contender:
    """The model in `folder` (None: the one shipped) at `kbps` as its target; `called` tells several models apart. Raises ModelError."""
    return Contender(
        name=f"{called}_{mode}_{kbps:g}",
        label=f"{called} {mode}, {kbps:g} kbps",
        family=f"{called} {mode}",
        encode=partial(_encode, folder=folder, kbps=kbps, mode=mode),
        decode=partial(_decode, folder=folder),
        num_payload_bytes=partial(_payload_bytes, folder=folder),
        model=_codec(folder).digest_of(mode),
        library=partial(of_python, "telucodec", "onnxruntime", "constriction"),
    )


def _encode(wave: np.ndarray, folder: Path | None, kbps: float, mode: Mode) -> bytes:
    return _codec(folder).encode(wave, kbps=kbps, mode=mode)


def _payload_bytes(data: bytes, folder: Path | None) -> int:
    """Bytes of the packets of a whole .tlc file, without what finds and checks them."""
    codec = _codec(folder)
    return sum(len(packet.payload) for packet in read_packets(data, Header.from_bytes(data).num_packets(codec.hop, codec.delay)))


def _decode(data: bytes, folder: Path | None) -> np.ndarray:
    return _codec(folder).decode(data)
