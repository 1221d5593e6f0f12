"""The shelf of codec bodies, which stand around the quantizer, by the `kind` that a preset names.

A new one is a file with a config and its lines here.
"""

from typing import Annotated

from pydantic import Field

from telucodec.models.bodies.encodec import EncodecBodyConfig
from telucodec.models.bodies.spectral import SpectralConfig
from telucodec.models.bodies.time_domain import TimeDomainConfig

BODIES = {"spectral": SpectralConfig, "time-domain": TimeDomainConfig, "encodec": EncodecBodyConfig}

BodyConfig = Annotated[SpectralConfig | TimeDomainConfig | EncodecBodyConfig, Field(discriminator="kind")]
