"""The shelf of discriminators, by the `kind` that a recipe names. A new one is a file with a config and its lines here."""

from typing import Annotated

from pydantic import Field

from telucodec.models.discriminators.band_stft import BandSTFTConfig
from telucodec.models.discriminators.period import PeriodConfig
from telucodec.models.discriminators.stft import STFTConfig

DISCRIMINATORS = {"stft": STFTConfig, "band_stft": BandSTFTConfig, "period": PeriodConfig}

DiscriminatorConfig = Annotated[STFTConfig | BandSTFTConfig | PeriodConfig, Field(discriminator="kind")]
