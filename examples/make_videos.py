"""Make a short film of speech clips, such as a phone would: their sound at 48 kHz in AAC, their waveform as an H.264 picture.

The films in `examples/speech` were made with it:

    python examples/make_videos.py "film.mp4" clip-1.flac clip-2.flac
"""

import sys
from pathlib import Path

import av
import numpy as np

from telucodec.audio.media import read_media

SAMPLE_RATE = 48_000
FRAME_RATE = 10
"""Pictures a second."""
WIDTH, HEIGHT = 320, 180
PAUSE_S = 0.3
"""Silence after each clip."""

PAPER, AHEAD, HEARD = (250, 248, 240), (190, 196, 204), (28, 84, 140)
"""Colours, RGB."""


def make_video(target: Path, clips: list[Path]) -> float:
    """Write the film of `clips` to `target` and return its length in seconds."""
    pause = np.zeros((1, round(PAUSE_S * SAMPLE_RATE)), np.float32)
    wave = np.concatenate([part for clip in clips for part in (read_media(clip, SAMPLE_RATE), pause)], axis=-1)  # [1, T]
    with av.open(str(target), "w", options={"movflags": "faststart"}) as film:
        picture = film.add_stream("libx264", rate=FRAME_RATE, options={"crf": "30"})
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        voice = film.add_stream("aac", rate=SAMPLE_RATE, layout="mono", bit_rate=96_000)
        size = SAMPLE_RATE // FRAME_RATE
        for at, start in enumerate(range(0, wave.shape[-1], size)):
            image = av.VideoFrame.from_ndarray(draw(wave[0], start), format="rgb24")
            image.pts = at
            film.mux(picture.encode(image))
            sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave[:, start : start + size]), format="fltp", layout="mono")
            sound.sample_rate, sound.pts = SAMPLE_RATE, start
            film.mux(voice.encode(sound))
        film.mux(picture.encode(None))
        film.mux(voice.encode(None))
    return wave.shape[-1] / SAMPLE_RATE


def draw(wave: np.ndarray, heard: int) -> np.ndarray:
    """Return the picture [HEIGHT, WIDTH, 3] of wave [T] with its first `heard` samples marked."""
    peaks = np.array([np.abs(part).max() for part in np.array_split(wave, WIDTH)])  # [WIDTH]
    heights = np.abs(np.arange(HEIGHT) - HEIGHT / 2)[:, None] / (HEIGHT / 2)  # [HEIGHT, 1], 0 in the middle
    colours = np.where((np.arange(WIDTH) < heard * WIDTH / len(wave))[:, None], HEARD, AHEAD)  # [WIDTH, 3]
    inked = heights <= np.maximum(peaks, 0.01)
    return np.where(inked[..., None], colours, PAPER).astype(np.uint8)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    print(f"{sys.argv[1]}: {make_video(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]):.1f} s")
