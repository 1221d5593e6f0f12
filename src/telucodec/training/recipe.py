"""What a run is made of: the codec, what it is told to be good at, how it learns and from what; a TOML file for each recipe and preset."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from telucodec.config import parse, read_toml
from telucodec.errors import ConfigError
from telucodec.losses.sum import SumConfig
from telucodec.models.discriminators.panel import PanelConfig
from telucodec.models.vq_codec import VQCodecConfig
from telucodec.training.balancer import BalancerConfig
from telucodec.training.pace import OptimiserConfig, Positive

CONFIGS = files("telucodec") / "configs"
OF_UPDATE = {"update", "spent_s", "heard_hours", "loading_s", "revived"}
OF_LOSS = {"quantizer", "generator", "features", "discriminator", "judged_right"}
TAKEN = OF_UPDATE | OF_LOSS | {"correlation"}
"""Names in the log of a run that no term of a loss may have: what else it notes of an update, and what it knows a validation by."""


class BatchConfig(BaseModel):
    """What an update hears."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = 12
    """Crops of all processes together."""
    crop_s: Annotated[float, Field(ge=0.1, le=3600)] = 1.2


class AdversarialConfig(BaseModel):
    """Discriminators and what their judgement weighs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    discriminators: PanelConfig
    generator_weight: Positive = 1.0
    feature_weight: Positive = 2.0
    learning_rate: Positive = 3e-4
    start_update: Annotated[int, Field(ge=0)] = 0
    """Updates without them, so that they meet speech rather than noise."""
    lead_updates: Annotated[int, Field(ge=0)] = 500
    """So many updates earlier they begin to learn, and are not listened to yet: the balancer gives them their share of the gradient whatever they know."""
    every: Annotated[int, Field(ge=1)] = 1
    """The discriminators learn once in so many updates."""


def _named_apart(loss: SumConfig) -> SumConfig:
    if taken := sorted(TAKEN & loss.terms.keys()):
        raise ValueError(f"no term can be called {taken[0]}, which the log of a run has for something else")
    return loss


class RecipeConfig(BaseModel):
    """How any codec is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = ""
    """What the recipe is for, in a sentence."""
    loss: Annotated[SumConfig, AfterValidator(_named_apart)]
    quantizer_weight: Annotated[float, Field(ge=0)] = 1.0
    """Of the quantizer's own term."""
    adversarial: AdversarialConfig | None = None
    balancer: BalancerConfig | None = None
    """Where given, the weights of losses are shares of the gradient."""
    optimiser: OptimiserConfig = OptimiserConfig()
    batches: BatchConfig = BatchConfig()
    revive_every: Annotated[int, Field(ge=1)] = 50
    """Updates between two looks for dead codes."""
    continues: bool = False
    """Whether it is for a codec that was trained before, which a run has to be given."""
    freeze_encoder: bool = False
    """Whether encoder and quantizer stay as they are, so that files made before can still be decoded."""
    model: str = "small-spectral"
    """Preset to train where none is named."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0

    def stages(self) -> tuple[int, ...]:
        """Updates from which on they take longer: 0, and where discriminators begin to learn and are listened to."""
        start = self.adversarial.start_update if self.adversarial else 0
        lead = self.adversarial.lead_updates if self.adversarial else 0
        return tuple(sorted({0, max(0, start - lead), start}))


class RunConfig(BaseModel):
    """All of a run but its data and its length: what `config.toml` in its folder holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: RecipeConfig
    model: VQCodecConfig


def recipe_of(name: str) -> RecipeConfig:
    """The recipe in the TOML file `name`, or the one that ships under that name. Raises ConfigError."""
    path = config_path(name, "recipes")
    return parse(read_toml(path), RecipeConfig, path)


def preset_of(name: str) -> VQCodecConfig:
    """The codec in the TOML file `name`, or the preset that ships under that name. Raises ConfigError."""
    path = config_path(name, "presets")
    return parse(read_toml(path), VQCodecConfig, path)


def shipped(kind: str) -> list[str]:
    """Names of the "recipes" or "presets" that ship."""
    return sorted(path.name.removesuffix(".toml") for path in (CONFIGS / kind).iterdir() if path.name.endswith(".toml"))


def config_path(name: str, kind: str) -> Path:
    """The TOML file `name`, or the one that ships under that name in the folder `kind`. Raises ConfigError."""
    if name.endswith(".toml"):
        return Path(name)
    if name not in shipped(kind):
        raise ConfigError(f"{name}: no such name among the {kind} ({', '.join(shipped(kind))}); name one of these, or a .toml file")
    return Path(str(CONFIGS / kind / f"{name}.toml"))
