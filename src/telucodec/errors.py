"""The errors a user can mend: each says what is wrong, where, and what to do next, in one line.

`ValueError` is for a slip in calling code, `assert` for what cannot happen.
"""


class TelucodecError(Exception):
    """Base of every error that the command line prints as one line and turns into exit code 2."""


class MediaError(TelucodecError):
    """A media file that cannot be read: missing, empty, no audio stream, broken, not finite, not scaled to full scale."""


class BitstreamError(TelucodecError):
    """A .tlc file that cannot be trusted: truncated, damaged, hostile, or of another model."""


class ModelError(TelucodecError):
    """A model folder or file that cannot be used."""


class DataError(TelucodecError):
    """A folder or manifest that cannot be used: nothing in it, or nothing left after filtering."""


class ConfigError(TelucodecError):
    """Settings that cannot be used: no such recipe, a key nobody knows, a value out of range."""


class TrainingError(TelucodecError):
    """A run that cannot go on: a gate failed, numbers are not finite, its folder is not what it should be."""


def one_line(error: Exception) -> str:
    """What `error` says, whose package may break lines, in one."""
    return " ".join(str(error).split())
