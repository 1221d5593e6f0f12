"""What a recogniser and its training are made of; a TOML file each, those in configs/recognizers ship."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from telucodec.config import parse, read_toml
from telucodec.recognizer.examples import AugmentConfig, BatchConfig
from telucodec.recognizer.features import FeatureConfig
from telucodec.recognizer.gates import GateConfig
from telucodec.recognizer.model import Conformer, ConformerConfig
from telucodec.recognizer.text import Script
from telucodec.recognizer.units import Units, UnitsConfig
from telucodec.training.pace import OptimiserConfig
from telucodec.training.recipe import config_path

FOLDER = "recognizers"


class RecognizerConfig(BaseModel):
    """All of a run but its data and its length: what `config.toml` in its folder holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = ""
    """What it is for, in a sentence."""
    script: Script = ""
    """Script that all Indic text is written in, so that related languages share an alphabet; each its own where empty."""
    units: UnitsConfig = UnitsConfig()
    features: FeatureConfig = FeatureConfig()
    model: ConformerConfig = ConformerConfig()
    augment: AugmentConfig = AugmentConfig()
    batches: BatchConfig = BatchConfig()
    optimiser: OptimiserConfig = OptimiserConfig(learning_rate=1e-3, warmup_updates=300, betas=(0.9, 0.98), weight_decay=1e-2)
    gates: GateConfig = GateConfig()
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0

    def build(self, units: Units) -> Conformer:
        return self.model.build(self.features.num_bands, units.size)


def recognizer_of(name: str) -> RecognizerConfig:
    """The settings in the TOML file `name`, or those that ship under that name. Raises ConfigError."""
    path = config_path(name, FOLDER)
    return parse(read_toml(path), RecognizerConfig, path)
