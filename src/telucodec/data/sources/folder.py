"""A plain folder: every audio or video file below it, with what is said in the .txt file of the same name beside it, if there is one.

As in `data/extract.py` the first folder names the speaker, and what lies in a first folder `test` is for testing only.
"""

import os
from collections.abc import Iterator

from telucodec.data.extract import speaker_of
from telucodec.data.media_folder import media_below
from telucodec.data.sources.source import JOURNAL, OnDisk, Reject, Utterance, safe_name
from telucodec.errors import DataError
from telucodec.files import read_table


class Folder(OnDisk):
    """The media files below a folder; hidden ones, and what was imported before, are passed over."""

    def utterances(self, reject: Reject) -> Iterator[Utterance]:
        for media in media_below(self.path, lambda below: os.path.exists(below / JOURNAL)):
            where = media.relative_to(self.path).as_posix()
            beside = media.with_suffix(".txt")
            try:
                text = " ".join(read_table(beside).split()) if os.path.isfile(beside) else ""
            except DataError as error:
                reject(safe_name(where), str(error))
                continue
            name = safe_name(where)
            self.paths[name] = media
            speaker = speaker_of(name) or self.config.speaker
            yield Utterance(name, text, speaker, self.config.language, self.config.licence)
