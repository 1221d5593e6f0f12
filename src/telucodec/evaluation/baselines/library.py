"""What did the work of a peer, with its version, as results.json keeps it."""

import ctypes
import shutil
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import av


@cache
def in_pyav(name: str, version_function: str) -> str:
    """lib`name` as PyAV's wheel brings it, by what it says of itself; a PyAV without one uses the system's, which stays unnamed."""
    host = f"PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}"
    for path in sorted((Path(av.__file__).parents[1] / "av.libs").glob(f"lib{name}*")):
        told = getattr(ctypes.CDLL(str(path)), version_function)
        told.restype = ctypes.c_char_p
        return f"lib{name} {told().decode().removeprefix(f'lib{name} ')} in {host}"
    return host


@cache
def of_debian(package: str) -> str:
    """The Debian `package` with its version, alone where dpkg does not know it."""
    if shutil.which("dpkg-query") is None:
        return package
    done = subprocess.run(["dpkg-query", "--show", "--showformat=${Version}", package], capture_output=True, text=True)
    return f"{package} {done.stdout}".strip()


def of_python(*packages: str) -> str:
    """Python packages with their versions."""
    return ", ".join(f"{package} {version(package)}" for package in packages)
