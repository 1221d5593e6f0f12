"""The shelf of codec bodies: what stands around the quantizer."""

from typing import Annotated

from pydantic import Field

from telucodec.models.bodies.encodec import EncodecBodyConfig
from telucodec.models.bodies.spectral import SpectralConfig
from telucodec.models.bodies.time_domain import TimeDomainConfig

BodyConfig = Annotated[SpectralConfig | TimeDomainConfig | EncodecBodyConfig, Field(discriminator="kind")]
