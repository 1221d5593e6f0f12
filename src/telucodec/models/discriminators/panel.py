"""Discriminators of several kinds as one, the way DAC joins periods and bands."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from telucodec.models.discriminators import DiscriminatorConfig
from telucodec.models.discriminators.judge import Judges


class PanelConfig(BaseModel):
    """Any number of discriminators; each of their judges counts alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    members: Annotated[tuple[DiscriminatorConfig, ...], Field(min_length=1)]
    """Discriminators, each picked by its `kind`."""

    def build(self) -> Judges:
        return Judges(judge for member in self.members for judge in member.build().judges)
