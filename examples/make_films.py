"""Make a folder of short films out of the bundled clips, to try the dataset verbs on: python examples/make_films.py my_films

Three clips a film, German and Telugu, nobody named; one film lies there twice, one was recorded far too quietly, and one is no film.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from make_videos import make_video

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.audio.sound_file import write_audio

SPEECH = Path(__file__).parent / "speech"
CLIPS_IN_FILM = 3
QUIET = 0.002
"""-54 dB: the level of a microphone nobody plugged in."""


def make_films(folder: Path) -> int:
    """Write the films to `folder` and return how many files there are."""
    folder.mkdir(parents=True)
    for language, where in (("తెలుగు", "test/cv-telugu"), ("deutsch", "kerstin")):
        clips = sorted((SPEECH / where).glob("*.flac"))
        for start in range(0, len(clips) - CLIPS_IN_FILM + 1, CLIPS_IN_FILM):
            make_video(folder / f"{language} {start // CLIPS_IN_FILM + 1}.mp4", clips[start : start + CLIPS_IN_FILM])
    shutil.copy(folder / "deutsch 2.mp4", folder / "deutsch 2 (copy).mp4")
    (folder / "unfinished.mp4").write_bytes((folder / "deutsch 1.mp4").read_bytes()[:5000])
    with tempfile.TemporaryDirectory() as scratch:
        quiet = Path(scratch) / "quiet.flac"
        write_audio(quiet, QUIET * read_media(folder / "deutsch 1.mp4"), SAMPLE_RATE)
        make_video(folder / "quiet.mp4", [quiet])
    return len(list(folder.iterdir()))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(f"{sys.argv[1]}: {make_films(Path(sys.argv[1]))} files")
