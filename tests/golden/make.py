"""Made the golden files once: python tests/golden/make.py. They pin the format: made again, they would prove nothing."""

import shutil
from pathlib import Path

from telucodec.audio.media import read_media, write_audio
from telucodec.runtime.codec import load_codec
from telucodec.runtime.model import FILE_NAME, SHIPPED

HERE = Path(__file__).parent
SPEECH = HERE.parents[1] / "examples" / "speech"
CLIPS = {
    "telugu": next(iter(sorted((SPEECH / "test" / "cv-telugu").glob("*.flac")))),
    "german": next(iter(sorted((SPEECH / "kerstin").glob("*.flac")))),
}

if not (HERE / FILE_NAME).exists():
    shutil.copy(SHIPPED, HERE / FILE_NAME)
    codec = load_codec(HERE)
    for name, clip in CLIPS.items():
        for mode in ("natural", "fidelity"):
            data = codec.encode(read_media(clip), kbps=6, mode=mode)
            (HERE / f"{name}-{mode}.tlc").write_bytes(data)
            write_audio(HERE / f"{name}-{mode}.flac", codec.decode(data), codec.sample_rate)
