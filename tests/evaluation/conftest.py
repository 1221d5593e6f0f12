"""Real speech for comparisons: Telugu clips, CC0."""

from pathlib import Path

import numpy as np
import pytest

from telucodec.audio.media import read_media

SPEECH = Path(__file__).parents[2] / "examples" / "speech" / "test" / "cv-telugu"


@pytest.fixture(scope="session")
def waves() -> list[np.ndarray]:
    """Six clips, float32 [1, T] at 16 kHz."""
    return [read_media(path) for path in sorted(SPEECH.glob("*.flac"))[:6]]
