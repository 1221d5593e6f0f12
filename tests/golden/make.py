"""Made the golden files once: python tests/golden/make.py. They pin the format: made again, they would prove nothing.

A file .live holds live packets, each behind its length in two bytes.
"""

import shutil
from pathlib import Path

import numpy as np

from telucodec.audio.media import read_media
from telucodec.audio.sound_file import write_audio
from telucodec.runtime.codec import load_codec
from telucodec.runtime.model import FILE_NAME, SHIPPED
from telucodec.stream import Decoder, Encoder, load_live_codec

HERE = Path(__file__).parent / "tails"
"""Of both modes where what escapes has rows of its own; `weighed` beside it holds natural mode with steps weighed by frequency, `unsent` natural mode where what lies far below its step takes no symbol, `turns` what two quantisers of fidelity mode read, `signs` what was made when
one read both modes, the folder above what was made before signs were predicted."""
SPEECH = HERE.parents[2] / "examples" / "speech"
CLIP = next(iter(sorted((SPEECH / "test" / "cv-telugu").glob("*.flac"))))

if not (HERE / FILE_NAME).exists():
    HERE.mkdir()
    shutil.copy(SHIPPED, HERE / FILE_NAME)
    codec = load_codec(HERE)
    for mode in ("natural", "fidelity"):
        data = codec.encode(read_media(CLIP), kbps=9, mode=mode)
        (HERE / f"telugu-{mode}.tlc").write_bytes(data)
        write_audio(HERE / f"telugu-{mode}.flac", codec.decode(data), codec.sample_rate)

for frames in (1, 2, 3):
    path, codec = HERE / f"telugu-natural-{frames}.live", load_live_codec(HERE)
    if not path.exists():
        encoder, decoder = Encoder(codec, 10, "natural", frames, copies=frames == 3), Decoder(codec, frames)
        packets = encoder.push(read_media(CLIP)[:, 16_000:48_000]) + encoder.finish()
        path.write_bytes(b"".join(len(packet).to_bytes(2, "little") + packet for packet in packets))
        sound = np.concatenate([decoder.push(packet) for packet in packets], axis=-1)
        write_audio(path.with_suffix(".flac"), sound, codec.sample_rate)
