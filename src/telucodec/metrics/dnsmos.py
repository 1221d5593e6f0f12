"""DNSMOS P.835 (Reddy et al., arXiv:2110.01763): the listening score that a network predicts from the output alone, about 1 to 5.

Microsoft's network, as its package `speechmos` ships it; the package's own code is left aside, since it needs librosa. The overall score
(OVRL), mapped by the polynomial that the package has. Different from it: a window of 9.01 s each second would cost a multiple, so as few
windows as cover the clip are taken, evenly spread; one clip of up to 9.01 s is repeated to fill one window, as there. A window costs
0.2 to 0.4 CPU seconds.

It was made for noise suppressors and never hears the original: a fluent wrong word costs nothing, and recording noise that a
codec removes is a gain.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files

import numpy as np

from telucodec.metrics.metric import Metric, require_length, require_sound
from telucodec.metrics.optional import optional

WINDOW = 144_160
"""Samples, 9.01 s: all that the network takes."""
OVERALL = 2
"""Of its outputs: speech, background, overall."""
MAPPING = (-0.06766283, 1.11546468, 0.04602535)
"""Of the overall score, highest power first."""
SHORTEST_S = 1.0
"""Less would be repeated ten times and more."""


def dnsmos(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> score of the second. Raises NotMeasured for silence or less than 1 s."""
    score = _network()
    require_length(reference, SHORTEST_S)
    require_sound("original", reference)
    require_sound("output", estimate)
    heard = np.clip(estimate, -1, 1).astype(np.float32)
    count = -(-len(heard) // WINDOW)
    starts = np.linspace(0, max(0, len(heard) - WINDOW), count).astype(int)
    return float(np.mean([score(np.resize(heard[start : start + WINDOW], WINDOW)) for start in starts]))


@cache
def _network() -> Callable[[np.ndarray], float]:
    """Score of float32 [WINDOW]."""
    path = files(optional("speechmos")) / "dnsmos_models" / "sig_bak_ovr.onnx"
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda wave: float(np.polyval(MAPPING, session.run(None, {"input_1": wave[None]})[0][0, OVERALL]))


METRIC = Metric(
    "dnsmos",
    "DNSMOS",
    "",
    2,
    "higher",
    "Predicted listening score of the output by itself (Microsoft's DNSMOS P.835, overall), about 1 to 5; the original is not heard.",
    dnsmos,
)
