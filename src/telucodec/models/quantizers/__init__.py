"""The shelf of quantizers, latent frames to codes and back, by the `kind` that a preset names.

A new one is a file with a config and its lines here.
"""

from typing import Annotated

from pydantic import Field

from telucodec.models.quantizers.ema_rvq import EmaRVQConfig
from telucodec.models.quantizers.factorised_rvq import FactorisedRVQConfig
from telucodec.models.quantizers.fsq import FSQConfig

QUANTIZERS = {"rvq-ema": EmaRVQConfig, "rvq-factorised": FactorisedRVQConfig, "fsq": FSQConfig}

QuantizerConfig = Annotated[EmaRVQConfig | FactorisedRVQConfig | FSQConfig, Field(discriminator="kind")]
