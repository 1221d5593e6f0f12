"""Signs in the same waves decoded by one model in training mode and in evaluation mode."""

import math
from collections.abc import Sequence

from telucodec.metrics.pair import Pair
from telucodec.metrics.signs.sign import DEFAULTS, Sign, SignConfig
from telucodec.metrics.validation import Validation


def signs_of_modes(trained: Sequence[Pair], tested: Sequence[Pair], config: SignConfig = DEFAULTS) -> tuple[Sign, ...]:
    """Return the signs in the same waves decoded in training mode and in evaluation mode."""
    modes = Validation(trained), Validation(tested)
    snrs = [mode.snr_db.value for mode in modes]
    correlations = [mode.correlation.value for mode in modes]
    differ = abs(snrs[0] - snrs[1]) > config.max_mode_snr_db or abs(correlations[0] - correlations[1]) > config.max_mode_correlation
    one_lost = math.isnan(correlations[0]) != math.isnan(correlations[1])
    if not (differ or one_lost):
        return ()
    words = [f"SNR {snr:.1f} dB and correlation {found:.2f}" for snr, found in zip(snrs, correlations, strict=True)]
    return (
        Sign(
            "training and evaluation differ",
            f"{words[0]} in training mode, {words[1]} in evaluation mode",
            f"at most {config.max_mode_snr_db:g} dB and {config.max_mode_correlation:g} apart",
            "batch normalisation or dropout, quantizer dropout left on, averaged weights that lag behind, or codes looked up in one only",
            "decode one batch in both modes and compare layer by layer; do without batch normalisation",
        ),
    )
