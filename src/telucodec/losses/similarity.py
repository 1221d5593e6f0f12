"""Similarity of spectrograms: whether levels rise and fall together from band to band and from frame to frame.

NSIM, the neurogram similarity index of ViSQOL (Hines and Harte, Speech Communication 54(2), 2012; Chinen et al., arXiv:2004.09584, section 3),
made a loss: means and correlations of levels over 3 by 3 neighbours of a spectrogram of 80 ms windows. Different from it: bands lie evenly in
mel, the floor is white noise (`waves.py`), and no patches are chosen or aligned.
"""

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional

from telucodec.losses.reconstruction import ReconstructionLoss
from telucodec.losses.waves import Waves, band_means, noise_power

SPREAD = 0.5
"""Standard deviation of the Gaussian over neighbours, in bands and frames."""
LEAST_VARIANCE = 1.0
"""dB^2 that are added to variances, so that levels that stand still have no direction."""


class SimilarityConfig(BaseModel):
    """1 - NSIM (Hines and Harte, 2012), the neurogram similarity of ViSQOL."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["similarity"] = "similarity"
    window: Annotated[int, Field(ge=16, multiple_of=4)] = 1280
    """In samples; ViSQOL's 80 ms at 16 kHz."""
    bands: Annotated[int, Field(ge=2)] = 21
    floor_db: float = -80.0
    """RMS, in dB of full scale, of the white noise thought under both waves; levels are counted from it."""

    def build(self, sample_rate: int) -> "Similarity":
        return Similarity(self, sample_rate)


class Similarity(ReconstructionLoss):
    """1 less the mean, over bands and frames, of intensity times structure; blind to polarity and phase, 0 to 2.

    Raises TelucodecError where the window is too short to tell the mel bands apart.
    """

    def __init__(self, config: SimilarityConfig, sample_rate: int):
        super().__init__()
        self.window, self.noise = config.window, noise_power(config.floor_db)
        self.register_buffer("filters", band_means(sample_rate, config.window, config.bands), persistent=False)
        bell = torch.exp(-0.5 * (torch.arange(-1.0, 2.0) / SPREAD) ** 2)
        self.register_buffer("kernel", (bell[:, None] * bell / bell.sum() ** 2)[None, None], persistent=False)

    def compare(self, waves: Waves) -> Tensor:
        # levels [B, 1, F, M] in dB over the floor
        x, y = (10 * torch.log10(1 + power @ self.filters / self.noise)[:, None] for power in waves.powers(self.window))
        mean_x, mean_y = self._near(x), self._near(y)
        variance_x = self._near(x.square()) - mean_x.square() + LEAST_VARIANCE
        variance_y = self._near(y.square()) - mean_y.square() + LEAST_VARIANCE
        structure = (self._near(x * y) - mean_x * mean_y + LEAST_VARIANCE) / (variance_x * variance_y).sqrt()
        intensity = (2 * mean_x * mean_y + 1) / (mean_x.square() + mean_y.square() + 1)
        return 1 - (intensity * structure).mean()

    def _near(self, levels: Tensor) -> Tensor:
        """Mean of each level's neighbours, edges repeated."""
        return functional.conv2d(functional.pad(levels, (1, 1, 1, 1), mode="replicate"), self.kernel)
