"""A plain folder: every audio or video file below it, with what is said in the .txt file of the same name beside it, if there is one.

As in `data/extract.py` the first folder names the speaker, and what lies in a first folder `test` is for testing only.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from telucodec.data.extract import MEDIA_SUFFIXES, Recording
from telucodec.data.sources.source import JOURNAL, OnDisk, Reject, SourceConfig, Utterance, read_table, safe_name
from telucodec.errors import DataError


class Folder(OnDisk):
    """The media files below a folder; hidden ones, and what was imported before, are passed over."""

    def __init__(self, path: Path, config: SourceConfig) -> None:
        super().__init__()
        self.path, self.config = Path(path), config

    def utterances(self, reject: Reject) -> Iterator[Utterance]:
        if not self.path.is_dir():
            raise DataError(f"{self.path}: is no folder; give the folder that your recordings lie in")
        for media in self._media():
            where = media.relative_to(self.path).as_posix()
            beside = media.with_suffix(".txt")
            try:
                text = " ".join(read_table(beside).split()) if beside.is_file() else ""
            except DataError as error:
                reject(safe_name(where), str(error))
                continue
            name = safe_name(where)
            self.paths[name] = media
            speaker = Recording(name, 0.0).speaker or self.config.speaker
            yield Utterance(name, text, speaker, self.config.language, self.config.licence)

    def _media(self) -> Iterator[Path]:
        """Yield the media files in order."""
        for folder, below, names in os.walk(self.path):
            below[:] = sorted(name for name in below if not name.startswith(".") and not (Path(folder) / name / JOURNAL).exists())
            for name in sorted(names):
                if not name.startswith(".") and Path(name).suffix.lower() in MEDIA_SUFFIXES:
                    yield Path(folder) / name
