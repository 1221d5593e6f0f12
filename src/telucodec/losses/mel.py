"""Multi-scale log-mel distance (DAC, arXiv:2306.06546, section 3.4): the colour of the sound at several window lengths.

As in DAC: the mean absolute difference of log10 amplitudes, so 1 is 20 dB, with windows that double and bands in
proportion (DAC: 5 bands at 32 samples of 44.1 kHz to 320 at 2048; here 5 at 64 of 16 kHz to 160 at 2048). Different
from DAC: scales are averaged, so that a weight means the same with any number of them; bands add power instead of
magnitude, which spares a root that has no gradient at silence; and the floor is white noise (`spectrum.py`), where DAC
clips at 1e-5. The mel scale is HTK's, 2595 log10(1 + f / 700), from 0 Hz to half the sample rate, triangles of height 1.
"""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from telucodec.errors import TelucodecError
from telucodec.losses.reconstruction import ReconstructionLoss
from telucodec.losses.spectrum import PowerSpectrum, noise_power

FULL_SCALES = ((64, 5), (128, 10), (256, 20), (512, 40), (1024, 80), (2048, 160))
"""DAC's set at 16 kHz: 4 to 128 ms."""

Scale = tuple[Annotated[int, Field(ge=16, multiple_of=4)], Annotated[int, Field(ge=2)]]


class MelConfig(BaseModel):
    """Multi-scale log-mel L1 (DAC, arXiv:2306.06546, section 3.4)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sees_polarity: ClassVar[bool] = False

    kind: Literal["mel"] = "mel"
    scales: Annotated[tuple[Scale, ...], Field(min_length=1)] = ((256, 20), (512, 40), (1024, 80))
    """Pairs of window in samples and mel bands. These three take half the time of all six, FULL_SCALES."""
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
        self.spectra = nn.ModuleList(PowerSpectrum(window) for window, _ in config.scales)
        for index, (window, bands) in enumerate(config.scales):
            filters = mel_filters(sample_rate, window, bands)  # [M, W / 2 + 1]
            if not (filters.sum(1) > 0).all():
                raise TelucodecError(
                    f"mel loss: a window of {window} samples at {sample_rate} Hz cannot tell {bands} bands apart; use fewer"
                )
            # of unit sum, so that white noise has the same power in every band as in every bin
            self.register_buffer(f"filters_{index}", (filters / filters.sum(1, keepdim=True)).T.contiguous(), persistent=False)
        self.noise = noise_power(config.floor_db)

    def compare(self, reference: Tensor, estimate: Tensor) -> Tensor:
        return sum(self.distances(reference, estimate)) / len(self.spectra)

    def distances(self, reference: Tensor, estimate: Tensor) -> list[Tensor]:
        """The scalar of each scale; waves [B, 1, T]."""
        distances = []
        for index, spectrum in enumerate(self.spectra):
            filters = getattr(self, f"filters_{index}")
            mels = [torch.log10(spectrum(wave) @ filters + self.noise) for wave in (reference, estimate)]  # [B, F, M]
            distances.append(0.5 * (mels[0] - mels[1]).abs().mean())
        return distances


def mel_of(frequency: Tensor) -> Tensor:
    """Mels of a frequency in Hz, by HTK's formula."""
    return 2595 * torch.log10(1 + frequency / 700)


def hz_of(mel: Tensor) -> Tensor:
    """Frequency in Hz of mels, by HTK's formula."""
    return 700 * (10 ** (mel / 2595) - 1)


def mel_edges(sample_rate: int, bands: int) -> Tensor:
    """Feet and peaks in Hz, [M + 2]: band m rises from the m-th, peaks at the next and ends at the one after; equally far in mels."""
    top = mel_of(torch.tensor(sample_rate / 2, dtype=torch.float64))
    return hz_of(torch.linspace(0, 1, bands + 2, dtype=torch.float64) * top)


def mel_filters(sample_rate: int, window: int, bands: int) -> Tensor:
    """Triangles float32 [M, W / 2 + 1], linear in Hz: at a bin between the first and the last peak they sum to 1."""
    edges = mel_edges(sample_rate, bands)[:, None]  # [M + 2, 1]
    frequency = torch.linspace(0, sample_rate / 2, window // 2 + 1, dtype=torch.float64)
    rising = (frequency - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequency) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp_min(0).float()
