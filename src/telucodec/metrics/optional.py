"""Packages of the extra `eval`: a metric that needs one which is not there is not measured, and says so."""

from importlib import import_module
from types import ModuleType

from telucodec.metrics.metric import NotMeasured


def optional(package: str) -> ModuleType:
    """Import `package`. Raises NotMeasured where it is not installed."""
    try:
        return import_module(package)
    except ImportError as error:
        raise NotMeasured("not installed: pip install 'telucodec[eval]'") from error
