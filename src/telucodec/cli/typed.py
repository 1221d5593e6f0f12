"""The command that made a file, as that file tells it."""

import shlex
import sys

from telucodec.files import printable


def typed() -> str:
    """What the user typed, in letters that any file can hold, whatever bytes a name has."""
    return printable(shlex.join(["telucodec", *sys.argv[1:]]))
