"""Losses on the samples themselves. They alone can tell a wave from its mirror image, and they pull an output
that knows nothing towards silence: that is their optimum without information."""

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from telucodec.losses.reconstruction import ReconstructionLoss
from telucodec.losses.waves import Waves


class L1Config(BaseModel):
    """Mean absolute difference of samples, in full scales."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["l1"] = "l1"

    def build(self, sample_rate: int) -> "L1":
        return L1()


class L1(ReconstructionLoss):
    """Mean of |reference - estimate|."""

    def compare(self, waves: Waves) -> Tensor:
        return (waves.reference - waves.estimate).abs().mean()


class RelativeMSEConfig(BaseModel):
    """Error power over signal power of each crop, averaged: 10^(-SNR / 10) with every crop of equal weight, 1 for silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["relative_mse"] = "relative_mse"
    quietest_db: float = -50.0
    """RMS in dB of full scale; a crop below it (a pause, digital silence) counts as if it had this level."""

    def build(self, sample_rate: int) -> "RelativeMSE":
        return RelativeMSE(self)


class RelativeMSE(ReconstructionLoss):
    """Mean over crops of mean((reference - estimate)^2) / max(mean(reference^2), quietest)."""

    def __init__(self, config: RelativeMSEConfig):
        super().__init__()
        self.quietest = 10 ** (config.quietest_db / 10)

    def compare(self, waves: Waves) -> Tensor:
        signal = waves.reference.square().mean((1, 2)).clamp_min(self.quietest)  # [B]
        return ((waves.reference - waves.estimate).square().mean((1, 2)) / signal).mean()


class LogMSEConfig(BaseModel):
    """Error power of each crop in dB over a floor, averaged: a dB of SNR counts alike at any SNR and level."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["log_mse"] = "log_mse"
    floor_db: float = -90.0
    """RMS of the error in dB of full scale far below which nothing is gained."""

    def build(self, sample_rate: int) -> "LogMSE":
        return LogMSE(self)


class LogMSE(ReconstructionLoss):
    """Mean over crops of 10 log10(1 + mean((reference - estimate)^2) / floor)."""

    def __init__(self, config: LogMSEConfig):
        super().__init__()
        self.floor = 10 ** (config.floor_db / 10)

    def compare(self, waves: Waves) -> Tensor:
        error = (waves.reference - waves.estimate).square().mean((1, 2))  # [B]
        return 10 * torch.log10(1 + error / self.floor).mean()
