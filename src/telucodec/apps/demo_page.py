"""A page to hear the codec on one's own voice: drop a file or record, pick a rate, hear before and after, see bytes and spectrograms.

It runs on this machine for the one who sits at it. A file is taken as bytes of at most MAX_FILE_BYTES, lies in a folder of its own while it is
read, and is forgotten with the answer; nothing in a request is ever a path. What else is refused, `local_page` says.
"""

import asyncio
import math
import tempfile
import time
from pathlib import Path

import numpy as np

from telucodec.apps.local_page import (
    JSONResponse,
    LocalServer,
    Refused,
    Request,
    Response,
    answering,
    body_of,
    guarded,
    page_response,
)
from telucodec.apps.page import data_uri
from telucodec.apps.plots import difference_png, spectrogram_png, spectrum_db
from telucodec.audio.media import stream_media
from telucodec.audio.sound_file import flac_bytes
from telucodec.errors import MediaError
from telucodec.metrics.metric import NotMeasured
from telucodec.metrics.snr import snr_db
from telucodec.runtime.codec import Codec
from telucodec.runtime.vq import CodesCodec

MAX_FILE_BYTES = 50_000_000
MAX_S = 20.0
"""Of a file its beginning: some seconds tell how it sounds, and a slow machine is done in as many."""
KBPS = (1.6, 3.2, 6.3, 9.6, 16.0)
"""To choose from where a codec takes any; 6.3 is 40 times smaller with a little room."""
MOST_RATES = 5


def rates_of(codec: Codec) -> list[float]:
    """Rates in kbps to choose from, rising."""
    if not isinstance(codec, CodesCodec):
        return list(KBPS)
    counts = np.unique(np.linspace(1, codec.bundle.info.num_codebooks, MOST_RATES).round().astype(int))
    return [math.ceil(1000 * codec.bundle.info.kbps_of(int(count))) / 1000 for count in counts]  # no less, or a codebook is left out


class DemoPage:
    """The page of `codec` at that port for whoever holds `token`, as an ASGI application."""

    def __init__(self, codec: Codec, port: int, token: str) -> None:
        self.codec, self.rates = codec, rates_of(codec)
        self.token = token
        self.turn = asyncio.Lock()  # a codec's work takes all of a core, so requests wait for each other
        self.app = guarded({"/": self.page}, {"/try": answering(self.tried, {MediaError: 400})}, port, self.token)

    async def page(self, request: Request) -> Response:
        chosen = min(self.rates, key=lambda kbps: abs(kbps - self.codec.default_kbps)) if self.codec.default_kbps else self.rates[-1]
        limits = {"max_s": MAX_S, "max_bytes": MAX_FILE_BYTES}
        return page_response("demo.html", self.token, rates=self.rates, chosen=chosen, modes=self.codec.modes, **limits)

    async def tried(self, request: Request) -> Response:
        rates, mode = {f"{kbps:g}": kbps for kbps in self.rates}, request.query_params.get("mode", "")
        kbps = rates.get(request.query_params.get("kbps", ""))
        if kbps is None or mode not in self.codec.modes:
            raise Refused(400, f"choose a rate of {', '.join(rates)} kbps and a mode of {', '.join(self.codec.modes)}")
        content = await body_of(request, MAX_FILE_BYTES, f"a file may have up to {MAX_FILE_BYTES / 1e6:g} MB; cut a piece out of it")
        async with self.turn:
            answer = await asyncio.to_thread(before_and_after, self.codec, content, kbps, mode)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def before_and_after(codec: Codec, content: bytes, kbps: float, mode: str) -> dict:
    """What the page shows of a media file's `content`: its beginning, what the codec makes of it, and numbers. Raises MediaError."""
    wave, is_whole = _beginning(content, codec.sample_rate)
    began = time.perf_counter()
    packed = codec.encode(wave, kbps=kbps, mode=mode)
    encoded = time.perf_counter()
    decoded = codec.decode(packed)
    duration_s = wave.shape[-1] / codec.sample_rate
    try:
        snr = snr_db(wave[0], decoded[0])
    except NotMeasured:
        snr = None
    before, after = spectrum_db(wave), spectrum_db(decoded)
    return {
        "duration_s": duration_s,
        "is_whole": is_whole,
        "sample_rate": codec.sample_rate,
        "pcm_bytes": 2 * wave.shape[-1],
        "bytes": len(packed),
        "kbps": 8 * len(packed) / duration_s / 1000,
        "snr_db": snr,
        "encode_s": encoded - began,
        "decode_s": time.perf_counter() - encoded,
        "original": _shown(wave, codec.sample_rate, spectrogram_png(before, before.max())),
        "decoded": _shown(decoded, codec.sample_rate, spectrogram_png(after, before.max())),
        "difference": data_uri("image/png", difference_png(before, after)),
    }


def _shown(wave: np.ndarray, sample_rate: int, picture: bytes) -> dict[str, str]:
    return {"sound": data_uri("audio/flac", flac_bytes(wave, sample_rate)), "picture": data_uri("image/png", picture)}


def _beginning(content: bytes, sample_rate: int) -> tuple[np.ndarray, bool]:
    """The first MAX_S seconds float32 [1, T] of a media file, and whether that is all. Raises MediaError."""
    most, windows, length = round(MAX_S * sample_rate), [], 0
    with tempfile.TemporaryDirectory(prefix="telucodec-demo-") as folder:
        path = Path(folder) / "sound"
        path.write_bytes(content)
        try:
            for window in stream_media(path, sample_rate):
                windows.append(window)
                length += window.shape[-1]
                if length > most:
                    break
        except MediaError as error:
            raise MediaError(str(error).replace(str(path), "the file")) from error
    if not length:
        raise MediaError("the file: holds no sound; choose another one")
    return np.concatenate(windows, axis=-1)[:, :most], length <= most


def demo_server(codec: Codec, port: int) -> LocalServer:
    """The page of `codec` on that port."""
    return LocalServer(port, lambda port, token: DemoPage(codec, port, token).app)
