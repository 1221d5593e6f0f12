"""Multi-scale log-mel distance (DAC, arXiv:2306.06546, section 3.4): the colour of the sound at several window lengths.

As in DAC: the mean absolute difference of log10 amplitudes, so 1 is 20 dB, with windows that double and bands in
proportion (DAC: 5 bands at 32 samples of 44.1 kHz to 320 at 2048; here 5 at 64 of 16 kHz to 160 at 2048). Different
from DAC: scales are averaged, so that a weight means the same with any number of them; bands add power instead of
magnitude, which spares a root that has no gradient at silence; and the floor is white noise (`waves.py`), where DAC
clips at 1e-5. Bands are those of `audio/mel.py`, from 0 Hz to half the sample rate.
"""

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from telucodec.losses.reconstruction import ReconstructionLoss
from telucodec.losses.waves import Waves, band_means, noise_power

Scale = tuple[Annotated[int, Field(ge=16, multiple_of=4)], Annotated[int, Field(ge=2)]]


class MelConfig(BaseModel):
    """Multi-scale log-mel L1 (DAC, arXiv:2306.06546, section 3.4)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["mel"] = "mel"
    scales: Annotated[tuple[Scale, ...], Field(min_length=1)] = ((256, 20), (512, 40), (1024, 80))
    """Pairs of window in samples and mel bands. These three take half the time of all six, FULL_SCALES of
    `audio/mel.py`."""
    floor_db: float = -100.0
    """RMS, in dB of full scale, of the white noise thought under both waves: what lies below it is not told apart.
    The rounding of 16 bits is at -101."""

    def build(self, sample_rate: int) -> "MelDistance":
        return MelDistance(self, sample_rate)


class MelDistance(ReconstructionLoss):
    """Mean over scales, bands and frames of |log10 of the ratio of amplitudes|; blind to polarity and phase.

    Raises TelucodecError where a window is too short to tell its mel bands apart.
    """

    def __init__(self, config: MelConfig, sample_rate: int):
        super().__init__()
        self.windows = [window for window, _ in config.scales]
        for index, (window, bands) in enumerate(config.scales):
            self.register_buffer(f"filters_{index}", band_means(sample_rate, window, bands), persistent=False)
        self.noise = noise_power(config.floor_db)

    def compare(self, waves: Waves) -> Tensor:
        distances = []
        for index, window in enumerate(self.windows):
            filters = getattr(self, f"filters_{index}")
            mels = [torch.log10(power @ filters + self.noise) for power in waves.powers(window)]  # [B, F, M]
            distances.append(0.5 * (mels[0] - mels[1]).abs().mean())
        return sum(distances) / len(distances)
