"""Where and with what results were made, so that another can make them again."""

import os
import platform
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from telucodec.evaluation.results import Made

PACKAGES = (
    "telucodec",
    "numpy",
    "scipy",
    "av",
    "pesq",
    "pystoi",
    "visqol-python",
    "ai-edge-litert",
    "speechmos",
    "swift-f0",
    "resemblyzer",
    "onnxruntime",
)


def made(command: str) -> Made:
    """Describe this moment, machine and set of packages; `command` is what the user typed."""
    machine = {"cpu": _cpu(), "cores": str(os.cpu_count()), "python": platform.python_version(), "system": platform.platform()}
    return Made(command=command, date=datetime.now(UTC).isoformat(timespec="seconds"), machine=machine, versions=_versions())


def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
