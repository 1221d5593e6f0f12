"""The shelf of reconstruction losses, by the `kind` that a recipe names. A new one is a file with a config and its lines here."""

from typing import Annotated

from pydantic import Field

from telucodec.losses.loudness import LoudnessConfig
from telucodec.losses.mel import MelConfig
from telucodec.losses.similarity import SimilarityConfig
from telucodec.losses.stft import STFTConfig
from telucodec.losses.waveform import L1Config, LogMSEConfig, RelativeMSEConfig

LOSSES = {
    "l1": L1Config,
    "relative_mse": RelativeMSEConfig,
    "log_mse": LogMSEConfig,
    "mel": MelConfig,
    "stft": STFTConfig,
    "loudness": LoudnessConfig,
    "similarity": SimilarityConfig,
}

LossConfig = Annotated[
    L1Config | RelativeMSEConfig | LogMSEConfig | MelConfig | STFTConfig | LoudnessConfig | SimilarityConfig, Field(discriminator="kind")
]
