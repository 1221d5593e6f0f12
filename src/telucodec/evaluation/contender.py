"""What is compared: anything that turns a wave into a known number of bytes and back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Contender:
    """A codec at one setting. Its functions are picklable, since a second process may run it."""

    name: str
    """Key in results and file names, such as "opus_12"."""
    label: str
    """Name in tables, such as "Opus 12 kbps"."""
    family: str
    """Contenders of one family are one line in the plot."""
    encode: Callable[[np.ndarray], Any]
    """float32 [1, T] at 16 kHz -> what would be stored or sent."""
    decode: Callable[[Any], np.ndarray]
    """What `encode` gave -> float32 [1, T] at 16 kHz, the same T, aligned with the input."""
    num_bytes: Callable[[Any], int] = len
    """Size of what `encode` gave."""
    num_payload_bytes: Callable[[Any], int] | None = None
    """Of these, without header, checksums and index; None where `num_bytes` counts no others."""
    model: str = ""
    """SHA-256 of the trained model's file, where there is one. A contender with a model is under test, one without is a baseline."""
    note: str = ""
    """What a reader of its numbers should know: the delay taken out of its output, what is counted."""
    library: Callable[[], str] = str
    """-> what does the work, with its version; picklable, and asked for only where nothing is missing."""
    missing: str = ""
    """Why it cannot run here, with the line that installs it; empty where it can."""
