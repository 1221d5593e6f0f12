"""The whole way in one call: a folder of media -> data -> model -> measurements -> report, each step kept and skipped when nothing changed.

A step leaves its files and, in `steps/NAME.json`, a fingerprint of all it was made from; the next run compares that.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from telucodec.data.extract import ExtractReport, extract
from telucodec.data.filter import FilterConfig, sift
from telucodec.data.manifest import read_manifest, read_segment, write_manifest
from telucodec.data.segment import cut
from telucodec.data.split import SplitConfig, split
from telucodec.errors import DataError
from telucodec.files import write_whole
from telucodec.runtime.model import FILE_NAME, TransformModel, load_model

Progress = Callable[[float, float, str], None]
ProgressOf = Callable[[str], "object"]
MAX_TRAINING_S = 4 * 3600
"""Networks this small learn no more from more; a random part of a larger training set is used."""
MAX_TEST_CLIPS = 40
KBPS = 6.2
"""What the codec under test is asked for: safely below 6.4 kbps, 40 times smaller than 16-bit PCM."""
