"""What natural mode's steps usually take from a model beside the envelope: where nothing is sent, and a weighting by how finely is heard.

Noise is heard by critical bands, as one with what else lies in them, so bins of wide ones may be noisier than those of narrow ones (Schroeder, Atal and
Hall, J. Acoust. Soc. Am. 66, 1979, whose noise-to-mask ratios are by critical bands). The width of a band is 24.7 (4.37 f / kHz + 1) Hz (Glasberg and Moore, Hear. Res. 47, 1990).
"""

import numpy as np

from telucodec.runtime.model import HOP, SAMPLE_RATE, Shaping

USUALLY_SENT = -18
"""Where the envelope lies more than two and a quarter octaves below the step, hardly any coefficient is other than zero (docs/experiments.md, 32)."""
COARSER_PER_OCTAVE = 0.3
"""Octaves by which a step is coarser where critical bands are an octave wider (docs/experiments.md, 46)."""


def usual_shaping() -> Shaping:
    """That of shipped models."""
    khz = (np.arange(HOP) + 0.5) * SAMPLE_RATE / 2 / HOP / 1000
    octaves = np.log2((4.37 * khz + 1) / (4.37 + 1))  # over the band around 1 kHz
    return Shaping(USUALLY_SENT, np.rint(8 * COARSER_PER_OCTAVE * octaves).astype(np.float32))
