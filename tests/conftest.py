"""Every test starts from the same random numbers, and may ask for real speech and the shipped codec."""

import random
import signal
from pathlib import Path

import numpy as np
import pytest

from telucodec.audio.media import read_media
from telucodec.runtime.codec import load_codec
from telucodec.runtime.model import TransformModel, load_model
from telucodec.runtime.transform import TransformCodec

signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell puts in the background is begun with Ctrl-C ignored


@pytest.fixture(autouse=True)
def seed() -> None:
    random.seed(0)
    np.random.seed(0)


SPEECH = Path(__file__).parents[1] / "examples" / "speech"


@pytest.fixture(scope="session")
def telugu() -> np.ndarray:
    """Six seconds and more of real Telugu speech, float32 [1, T] at 16 kHz; CC0, see examples/speech/LICENCE.txt."""
    clips = [read_media(path) for path in sorted((SPEECH / "test" / "cv-telugu").glob("*.flac"))[:2]]
    return np.concatenate(clips, axis=-1)


@pytest.fixture(scope="session")
def golden_model() -> TransformModel:
    """A model from before signs were predicted."""
    return load_model(Path(__file__).parent / "golden")


@pytest.fixture(scope="session")
def codec() -> TransformCodec:
    """The shipped codec."""
    return load_codec()
