"""Live packets are the codec's that is made for them."""

import pytest

from telucodec.runtime.transform import TransformCodec
from telucodec.stream import load_live_codec


@pytest.fixture(scope="session")
def codec() -> TransformCodec:
    """The shipped codec of live packets."""
    return load_live_codec()
