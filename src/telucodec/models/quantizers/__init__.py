"""The shelf of quantizers: latent frames to codes and back."""

from typing import Annotated

from pydantic import Field

from telucodec.models.quantizers.ema_rvq import EmaRVQConfig
from telucodec.models.quantizers.factorised_rvq import FactorisedRVQConfig
from telucodec.models.quantizers.fsq import FSQConfig

QuantizerConfig = Annotated[EmaRVQConfig | FactorisedRVQConfig | FSQConfig, Field(discriminator="kind")]
