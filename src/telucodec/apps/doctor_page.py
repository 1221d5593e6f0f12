"""One HTML page from a checkup: what was found, and the worst files to see and hear. It works offline and can be mailed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from telucodec.apps.page import data_uri, rendered
from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import flac_bytes
from telucodec.data.doctor import Checkup, Diagnosis, Finding, Sound
from telucodec.data.levels import Frames
from telucodec.errors import DataError, MediaError
from telucodec.files import write_whole

MAX_SHOWN = 24
"""Files with a picture and sound; the others have their line in the table."""

COLUMNS = 240
"""Of a waveform's picture."""

HEARD_S = 15.0
"""Beginning of a file that can be heard; 24 of them make a page of some 8 MB."""


@dataclass(frozen=True)
class Card:
    """One of the worst files."""

    name: str
    findings: tuple[Finding, ...]
    facts: str
    outline: str = ""
    """Points of an SVG polygon in a box of COLUMNS by 2, full scale at its edges; empty where it cannot be read."""
    sound: str = ""
    """FLAC as a data URI."""


def write_page(checkup: Checkup, out_html: Path) -> None:
    """Write the page on `checkup`; its files must still be where they were to be heard."""
    page = rendered(
        "doctor.html",
        summary=checkup.summary(),
        cases=checkup.cases,
        cards=[_card(diagnosis) for diagnosis in checkup.worst_first[:MAX_SHOWN]],
        rest=[(diagnosis.sound.name, diagnosis.findings) for diagnosis in checkup.worst_first[MAX_SHOWN:]],
        columns=COLUMNS,
        heard_s=HEARD_S,
    )
    write_whole(Path(out_html), page.encode())


def _card(diagnosis: Diagnosis) -> Card:
    m, name = diagnosis.measures, diagnosis.sound.name
    if m is None:
        return Card(name, diagnosis.findings, "")
    facts = (
        f"{m.duration_s:.1f} s, {m.codec} at {m.sample_rate} Hz, peak {m.peak:.3g}, RMS {m.rms:.3g}, "
        f"noise floor {m.noise_floor_dbfs:.0f} dBFS, {100 * m.silent_share:.0f} % silent"
    )
    try:
        outline, sound = _see_and_hear(diagnosis.sound, m.duration_s)
    except (MediaError, DataError) as error:  # it has changed since
        return Card(name, diagnosis.findings, str(error))
    return Card(name, diagnosis.findings, facts, outline, sound)


def _see_and_hear(sound: Sound, duration_s: float) -> tuple[str, str]:
    """Return the outline of all of `sound` and its beginning to hear, in one pass."""
    size = max(1, int(duration_s * SAMPLE_RATE) // COLUMNS)
    frames, highest, lowest = Frames(size, size), [], []
    beginning, num_left = [], round(HEARD_S * SAMPLE_RATE)
    for window in sound.windows():
        columns = frames.push(window[0])  # [F, size]
        highest += columns.max(axis=1).tolist()
        lowest += columns.min(axis=1).tolist()
        if num_left > 0:
            beginning.append(window[:, :num_left])
            num_left -= beginning[-1].shape[-1]
    points = [(x, 1 - y) for x, y in enumerate(highest)] + [(x, 1 - y) for x, y in reversed(list(enumerate(lowest)))]
    heard = flac_bytes(np.concatenate(beginning, axis=-1), SAMPLE_RATE)
    return " ".join(f"{x},{y:.3f}" for x, y in points), data_uri("audio/flac", heard)
