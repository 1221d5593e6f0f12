"""The media files below a folder: what counts as one, and where they lie."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from telucodec.errors import DataError
from telucodec.files import printable

VIDEO = {".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".vob", ".webm", ".wmv"}
AUDIO = {".aac", ".aif", ".aiff", ".amr", ".caf", ".flac", ".m4a", ".m4b", ".mka", ".mp3", ".oga", ".ogg", ".opus", ".wav", ".wave", ".wma"}
MEDIA_SUFFIXES = VIDEO | AUDIO
"""What a media file's name ends in, in small letters."""

BUILD_MARK = "steps/audio.json"
"""What tells a folder that `build` writes to: the sound in it was made, not recorded."""


def media_below(folder: Path, passed_over: Callable[[Path], bool] = lambda below: False) -> Iterator[Path]:
    """Yield the media files below `folder`, without hidden ones, what a build wrote, and those below folders that are `passed_over`.

    Links to folders are followed at the end, to what was not seen by then. A link that leads nowhere is yielded, and so is a folder
    that may not be read: whoever opens them tells why they are no use. Raises DataError where `folder` itself is none or may not be read.
    """
    if not os.path.isdir(folder):
        raise DataError(f"{printable(folder)}: is no folder, or may not be read; give the folder that your recordings lie in")
    closed: list[OSError] = []
    tops, seen = [Path(folder)], set()
    for top in tops:
        for place, below, names in os.walk(top, onerror=closed.append):
            if (real := os.path.realpath(place)) in seen:
                below.clear()
                continue
            seen.add(real)
            folders = (Path(place, name) for name in sorted(below) if not name.startswith("."))
            kept = [folder for folder in folders if not os.path.exists(folder / BUILD_MARK) and not passed_over(folder)]
            tops += [folder for folder in kept if folder.is_symlink()]
            below[:] = [folder.name for folder in kept if not folder.is_symlink()]
            yield from (Path(place, name) for name in sorted(names) if _is_media(place, name))
    for error in closed:
        if Path(error.filename) == Path(folder):
            raise DataError(f"{printable(folder)}: cannot be read ({error.strerror}); check who may read it") from error
        yield Path(error.filename)


def by_name(media: Iterable[Path], folder: Path) -> dict[str, Path]:
    """Return `media`, files below `folder`, by their names there without suffix. Raises DataError where two have one name."""
    found: dict[str, Path] = {}
    for path in sorted(media):
        name = printable(path.relative_to(folder).with_suffix(""))
        if name in found:
            raise DataError(f"{printable(path)}: another file beside it has its name but for the suffix; move one away")
        found[name] = path
    return found


def _is_media(place: str, name: str) -> bool:
    if name.startswith(".") or Path(name).suffix.lower() not in MEDIA_SUFFIXES:
        return False
    path = os.path.join(place, name)
    return os.path.isfile(path) or not os.path.exists(path)  # a pipe would be waited for without end
