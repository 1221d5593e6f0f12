"""What is left of an evaluation that was interrupted: a line for each clip that was done, in NAME.part.jsonl beside the results.

The first line pins what was evaluated. The same evaluation goes on behind the last whole line; another one starts anew.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from telucodec.evaluation.results import Row, Sample, Trial
from telucodec.files import append_line, printable, write_whole


class Finished(Row):
    """A clip that every contender was run on."""

    number: int
    """Place in the test set, from 1."""
    trials: tuple[Trial, ...]
    sample: Sample | None = None


class Unfinished:
    """The file, and what it holds of the evaluation that `settings` describe; `clips` maps numbers to what was found."""

    def __init__(self, results: Path, settings: dict):
        """Raises TelucodecError where nothing can be written beside `results`."""
        self.path, self.root = Path(results).with_suffix(".part.jsonl"), Path(results).parent
        self.pinned = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        self.clips = {found.number: found for found in self._read()}
        lines = [json.dumps({"settings": self.pinned}), *(found.model_dump_json() for found in self.clips.values())]
        write_whole(self.path, ("\n".join(lines) + "\n").encode())  # without a last line that was cut short

    def add(self, found: Finished) -> None:
        """Keep what was found for one clip. Raises TelucodecError where the disk does not take it."""
        self.clips[found.number] = found
        append_line(self.path, found.model_dump_json())

    @property
    def sounds(self) -> Path:
        """Where sound is kept: another evaluation, or one to another file, has another folder, so that none replaces what reports of others play."""
        name = printable(self.path.name.removesuffix(".part.jsonl"))  # results, which are UTF-8, name what lies there
        return self.root / "samples" / f"{name}-{self.pinned[:8]}"

    def remove(self) -> None:
        """Done: the results hold it all."""
        with suppress(OSError):
            self.path.unlink()

    def _read(self) -> list[Finished]:
        found = []
        with suppress(OSError, ValueError):
            first, *lines = self.path.read_text("utf-8").split("\n")
            if json.loads(first) == {"settings": self.pinned}:
                for line in lines:
                    found.append(Finished.model_validate_json(line))  # ends at the first that is not whole
        return [clip for clip in found if self._is_there(clip.sample)]

    def _is_there(self, sample: Sample | None) -> bool:
        return sample is None or all((self.root / path).is_file() for path in (sample.original, *sample.decoded.values()))
