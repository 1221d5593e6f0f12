"""How far an extraction has come, at any time and from anywhere: read from its folders, without a word to the run itself."""

from dataclasses import dataclass
from pathlib import Path

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.extract import media_files, on_their_way, stated_s
from telucodec.data.outcome import known_outcome
from telucodec.data.workplace import at_work, flac_path


@dataclass(frozen=True)
class ExtractStatus:
    """Each media file is in one of the four: done, failed, on its way, to do."""

    running: bool
    done: int
    on_their_way: tuple[str, ...]
    """Media files being extracted."""
    to_do: int
    """Neither done nor failed nor on their way."""
    done_s: float
    """Seconds of sound that are done."""
    to_do_s: float
    """Seconds of sound that the headers of files on their way and to do state."""
    failed: tuple[tuple[str, str], ...]
    """Which and why."""


def extract_status(folder: Path, out_dir: Path) -> ExtractStatus:
    """Return how far the extraction of `folder` into `out_dir` has come. Media files are compared by size and date alone.

    Raises DataError where there is no media at all.
    """
    folder, out_dir = Path(folder), Path(out_dir)
    sources = media_files(folder, out_dir)
    running = at_work(out_dir)
    written = on_their_way(out_dir) if running else {}
    flacs = {name: out_dir / flac_path(name) for name in sources}
    outcomes = {name: known_outcome(source, flacs[name], content=False) for name, source in sources.items()}
    left = [name for name, outcome in outcomes.items() if not outcome]
    lengths = [outcome.measures.num_samples for outcome in outcomes.values() if outcome and outcome.measures]
    under_way = tuple(name for name in left if flacs[name] in written)
    return ExtractStatus(
        running=running,
        done=len(lengths),
        on_their_way=under_way,
        to_do=len(left) - len(under_way),
        done_s=sum(lengths) / SAMPLE_RATE,
        to_do_s=sum(stated_s(sources[name]) for name in left),
        failed=tuple((name, outcome.reason) for name, outcome in outcomes.items() if outcome and outcome.reason),
    )
