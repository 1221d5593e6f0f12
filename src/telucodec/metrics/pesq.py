"""PESQ, wideband (ITU-T P.862.2): a predicted listening score from 1.04 to 4.64, by the `pesq` package."""

import numpy as np

from telucodec.metrics.metric import SAMPLE_RATE, Metric, NotMeasured, require_length, require_sound
from telucodec.metrics.optional import optional

LONGEST_S = 60.0
"""P.862 was validated on sentences, and its code heeds the first 50 utterances of a file only, silently."""


def wideband_pesq(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> score. Raises NotMeasured for silence, under 0.25 s, over 60 s, or where no speech is found."""
    package = optional("pesq")
    require_length(reference, 0.25, LONGEST_S)
    require_sound("original", reference)
    require_sound("output", estimate)
    try:
        return package.pesq(SAMPLE_RATE, reference, estimate, mode="wb")
    except package.NoUtterancesError:
        raise NotMeasured("PESQ found no speech in it") from None
    except (package.PesqError, ValueError) as error:
        raise NotMeasured(f"PESQ failed: {error}") from error


METRIC = Metric(
    "pesq",
    "PESQ",
    "",
    2,
    "higher",
    "Predicted listening score (ITU-T P.862.2, wideband), 1.04 to 4.64.",
    wideband_pesq,
)
