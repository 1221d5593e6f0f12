"""Loudness disturbance: how far the loudness of an estimate is off, band by band, as PESQ's model of hearing has it.

The model is that of ITU-T P.862, section 10.2, made a loss of as in PMSQE (Martin-Donas et al., IEEE Signal Processing Letters 25(11),
2018): loudness after Zwicker, differences that the louder sound masks, gains of whole frames forgiven, and what was added counted more than
what is missing. Different from both: bands lie evenly in mel in place of Bark, thresholds of hearing are Terhardt's formula, levels are those
of crops, and no filter is forgiven.
"""

from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from telucodec.audio.mel import mel_edges, mel_filters
from telucodec.losses.reconstruction import ReconstructionLoss
from telucodec.losses.waves import Waves, band_means, noise_power

ZWICKER_POWER = 0.23
LISTENING_DB = 79.0
"""Level of speech at the ear, dB SPL, that P.862 assumes."""
MASKED = 0.25
"""A difference below this share of the softer of two loudnesses is not heard."""
LEAST_ADDED, MOST_ADDED = 3.0, 12.0
"""Factors of asymmetry: below the first nothing counts as added, above the last all counts alike."""
ADDED_POWER, ADDED_EXPONENT = 50.0, 1.2
"""The factor is the ratio of powers, 1 at 0 dB SPL, with so much added to both, to this exponent."""
ADDED_SHARE = 0.067
"""What the sum of what was added counts beside the norm of all, bands being as wide as here."""
GAIN_POWER = 5e3
LEAST_GAIN, MOST_GAIN = 3e-4, 5.0
"""Gain of a frame's power that is forgiven: the ratio of what is audible, with so much power added to both."""


class LoudnessConfig(BaseModel):
    """Loudness disturbance after ITU-T P.862, section 10.2, and PMSQE (Martin-Donas et al., 2018)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["loudness"] = "loudness"
    window: Annotated[int, Field(ge=16, multiple_of=4)] = 512
    """In samples; P.862's 32 ms at 16 kHz."""
    bands: Annotated[int, Field(ge=2)] = 40
    quietest_db: float = -35.0
    """RMS in dB of full scale; a crop below it is heard as if it had this level."""

    def build(self, sample_rate: int) -> "Loudness":
        return Loudness(self, sample_rate)


class Loudness(ReconstructionLoss):
    """Mean over frames of ||D||_2 + ADDED_SHARE ||A D||_1, norms over bands, D the heard difference of loudness and A its asymmetry; blind to polarity and phase.

    Raises TelucodecError where the window is too short to tell the mel bands apart.
    """

    def __init__(self, config: LoudnessConfig, sample_rate: int):
        super().__init__()
        self.window, self.quietest = config.window, noise_power(config.quietest_db)
        widths = mel_filters(sample_rate, config.window, config.bands).mean(axis=1)  # shares of all bins
        thresholds = 10 ** (hearing_threshold_db(mel_edges(sample_rate, config.bands)[1:-1]) / 10)
        filters = band_means(sample_rate, config.window, config.bands) * torch.from_numpy(widths).float()
        self.register_buffer("filters", filters, persistent=False)  # [W / 2 + 1, M]
        self.register_buffer("thresholds", torch.from_numpy(thresholds).float(), persistent=False)  # [M]

    def compare(self, waves: Waves) -> Tensor:
        level = waves.reference.square().mean((1, 2)).clamp_min(self.quietest)[:, None, None]
        scale = 10 ** (LISTENING_DB / 10) / level  # to powers [B, F, M] that are 1 at 0 dB SPL
        heard = [power @ self.filters * scale for power in waves.powers(self.window)]
        audible = [(power * (power > self.thresholds)).sum(-1, keepdim=True) + GAIN_POWER for power in heard]
        heard[1] = heard[1] * (audible[0] / audible[1]).clamp(LEAST_GAIN, MOST_GAIN)
        reference, estimate = (self.loudness(power) for power in heard)
        difference = ((estimate - reference).abs() - MASKED * torch.minimum(estimate, reference)).clamp_min(0)
        ratio = ((heard[1] + ADDED_POWER) / (heard[0] + ADDED_POWER)) ** ADDED_EXPONENT
        added = torch.where(ratio < LEAST_ADDED, 0.0, ratio.clamp_max(MOST_ADDED)) * difference
        return (torch.linalg.vector_norm(difference, dim=-1) + ADDED_SHARE * added.sum(-1)).mean()

    def loudness(self, power: Tensor) -> Tensor:
        """Specific loudness of `power` [B, F, M], but for a constant factor: 0 below the threshold of hearing."""
        audible = (power / self.thresholds).clamp_min(1.0)
        return (2 * self.thresholds) ** ZWICKER_POWER * ((0.5 + 0.5 * audible) ** ZWICKER_POWER - 1)


def hearing_threshold_db(frequency: np.ndarray) -> np.ndarray:
    """Level in dB SPL from which a tone of `frequency` Hz is heard in quiet (Terhardt, Hearing Research 1, 1979)."""
    kilohertz = frequency / 1000
    return 3.64 * kilohertz**-0.8 - 6.5 * np.exp(-0.6 * (kilohertz - 3.3) ** 2) + 1e-3 * kilohertz**4
