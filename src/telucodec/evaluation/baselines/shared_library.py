"""C libraries of codecs, called in this process so that their CPU seconds are counted like everyone's."""

import ctypes
from ctypes.util import find_library
from functools import cache

from telucodec.errors import TelucodecError


@cache
def shared_library(name: str, package: str) -> ctypes.CDLL:
    """Load lib`name`. Raises TelucodecError, with the Debian `package` to install, where it is missing or broken."""
    path = find_library(name)
    if path is None:
        raise TelucodecError(f"lib{name} is not installed: apt-get install {package}")
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise TelucodecError(f"{path} does not load ({error}): apt-get install --reinstall {package}") from error
