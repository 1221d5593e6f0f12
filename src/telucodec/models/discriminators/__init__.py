"""The shelf of discriminators, by the `kind` that a recipe names. A new one is a file with a config and its lines here."""

from typing import Annotated

from pydantic import Field

from telucodec.models.discriminators.band_stft import BandSTFTDiscriminatorConfig
from telucodec.models.discriminators.period import PeriodDiscriminatorConfig
from telucodec.models.discriminators.stft import STFTDiscriminatorConfig

DISCRIMINATORS = {"stft": STFTDiscriminatorConfig, "band_stft": BandSTFTDiscriminatorConfig, "period": PeriodDiscriminatorConfig}

DiscriminatorConfig = Annotated[
    STFTDiscriminatorConfig | BandSTFTDiscriminatorConfig | PeriodDiscriminatorConfig, Field(discriminator="kind")
]
