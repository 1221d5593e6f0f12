"""One codec while it learns: parameters, their moving average, optimisers, and what an update does to them."""

import copy
import math
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from telucodec.errors import TrainingError
from telucodec.losses.adversarial import discriminator_hinge, generator_hinge
from telucodec.losses.feature_matching import feature_matching
from telucodec.models.quantizers.clusters import gathered
from telucodec.models.vq_codec import VQCodec
from telucodec.training.pace import set_rate
from telucodec.training.recipe import RecipeConfig

START_VECTORS_PER_ENTRY = 8
"""Latents that k-means sees for each entry of a codebook."""
QUIETEST = 0.01
"""RMS from which on discriminators hear a crop, and what was made of it, as loud as one of RMS 1: at its own level they learn slowly."""


class Trainer:
    """Updates `codec` as `recipe` says, on every process of `fabric` alike."""

    def __init__(self, codec: VQCodec, recipe: RecipeConfig, fabric: Fabric):
        self.recipe, self.fabric, self.updates = recipe, fabric, 0
        self.average = fabric.to_device(copy.deepcopy(codec).requires_grad_(False).eval())
        if recipe.freeze_encoder:
            codec.encoder.requires_grad_(False)
            codec.quantizer.requires_grad_(False)
        optimiser = recipe.optimiser
        learning = [parameter for parameter in codec.parameters() if parameter.requires_grad]
        settings = {"betas": optimiser.betas, "weight_decay": optimiser.weight_decay, "fused": True}
        self.codec, self.optimiser = fabric.setup(codec, torch.optim.AdamW(learning, optimiser.learning_rate, **settings))
        self.loss = fabric.to_device(recipe.loss.build(codec.config.sample_rate))
        weights = recipe.loss.weights()
        if recipe.adversarial:
            weights |= {"generator": recipe.adversarial.generator_weight, "features": recipe.adversarial.feature_weight}
            judges = recipe.adversarial.discriminators.build()
            self.judges, self.judges_optimiser = fabric.setup(
                judges, torch.optim.AdamW(judges.parameters(), recipe.adversarial.learning_rate, **settings)
            )
        self.weights = weights
        self.balancer = recipe.balancer.build(weights) if recipe.balancer else None

    @property
    def plain(self) -> VQCodec:
        """The codec without what several processes wrap around it."""
        return self.codec.module

    def start(self, batches: Any) -> None:
        """Place the codebooks where the latents of the first batches (an iterator) are."""
        seed_update(self.recipe.seed, -1)
        wanted = START_VECTORS_PER_ENTRY * self.plain.quantizer.codebook_size
        latents, count = [], 0
        with torch.no_grad():
            while count < wanted:
                latents.append(gathered(self.plain.encoder(self._own(next(batches))).float().transpose(1, 2).flatten(0, 1)))
                count += len(latents[-1])
        self.plain.quantizer.initialise(torch.cat(latents))
        self.average.load_state_dict(self.plain.state_dict())

    def update(self, batch: np.ndarray, progress: float) -> dict[str, float]:
        """One update with the crops `batch` [B, 1, T] of all processes; `progress` is the share of the run that is over.

        Returns the terms of the loss. Raises TrainingError where they or the gradient are not finite; this trainer then is of no more use.
        """
        seed_update(self.recipe.seed, self.updates)
        self._set_rate(progress)
        self.codec.train()
        if self.recipe.freeze_encoder:
            self.plain.quantizer.eval()
        wave = self._own(batch)
        drawn = self.plain.quantizer.draw_active(np.random.default_rng((self.recipe.seed, 1, self.updates)), len(batch))
        estimate, quantized = self.codec(wave, self._own_part(drawn).to(wave.device))
        reference = wave[..., : estimate.shape[-1]]
        heard = estimate.detach().requires_grad_() if self.balancer else estimate
        total, terms = self.loss(reference, heard)
        own = self.recipe.quantizer_weight * quantized.loss
        told, adversarial = {}, self.recipe.adversarial
        if adversarial and self.updates >= adversarial.start_update - adversarial.lead_updates:
            gain = 1 / reference.square().mean(dim=(1, 2), keepdim=True).sqrt().clamp_min(QUIETEST)
            if self.updates % adversarial.every == 0:
                told = self._teach_judges(gain * reference, gain * estimate.detach())
        if adversarial and self.updates >= adversarial.start_update:
            terms |= self._judgement(gain * reference, gain * heard)
            total = sum(self.weights[name] * term for name, term in terms.items())
        told |= {name: float(term.detach()) for name, term in terms.items()} | {"quantizer": float(quantized.loss.detach())}
        self._demand_finite(told)
        self.optimiser.zero_grad()
        if self.balancer:
            total = (estimate * self.balancer.gradient(terms, heard)).sum()  # its gradient at the output is the balanced one
        self.fabric.backward(total + own)
        norm = self.fabric.clip_gradients(self.codec, self.optimiser, max_norm=self.recipe.optimiser.clip_norm, error_if_nonfinite=False)
        self._demand_finite({"norm of the gradient": float(norm)})
        self.optimiser.step()
        if not self.recipe.freeze_encoder and self.updates % self.recipe.revive_every == self.recipe.revive_every - 1:
            told["revived"] = float(self.plain.quantizer.revive(quantized.vectors))
        self.updates += 1
        self.recipe.optimiser.follow(self.average, self.plain, self.updates)
        return told

    def _demand_finite(self, told: dict[str, float]) -> None:
        if not all(map(math.isfinite, told.values())):
            raise TrainingError(
                f"update {self.updates}: {told} is not finite; lower the learning rate, or look for broken sounds with `telucodec doctor`"
            )

    def _teach_judges(self, reference: Tensor, estimate: Tensor) -> dict[str, float]:
        self.judges.requires_grad_(True)
        real, made = self.judges(reference), self.judges(estimate)
        loss = discriminator_hinge(real.logits, made.logits)
        self.judges_optimiser.zero_grad()
        self.fabric.backward(loss)
        self.judges_optimiser.step()
        better = [a.flatten(1).mean(dim=1) > b.flatten(1).mean(dim=1) for a, b in zip(real.logits, made.logits, strict=True)]
        return {"discriminator": float(loss.detach()), "judged_right": float(torch.stack(better).float().mean())}

    def _judgement(self, reference: Tensor, estimate: Tensor) -> dict[str, Tensor]:
        self.judges.requires_grad_(False)
        with torch.no_grad():
            real = self.judges.module(reference)
        made = self.judges.module(estimate)
        return {"generator": generator_hinge(made.logits), "features": feature_matching(real.features, made.features)}

    def _set_rate(self, progress: float) -> None:
        share = self.recipe.optimiser.rate_share(self.updates, progress)
        set_rate(self.optimiser, self.recipe.optimiser.learning_rate * share)
        if self.recipe.adversarial:
            set_rate(self.judges_optimiser, self.recipe.adversarial.learning_rate * share)

    def _own_part(self, whole: Any) -> Any:
        """The part of a batch that is this process's."""
        size = len(whole) // self.fabric.world_size
        return whole[self.fabric.global_rank * size : (self.fabric.global_rank + 1) * size]

    def _own(self, batch: np.ndarray) -> Tensor:
        return self.fabric.to_device(torch.from_numpy(self._own_part(batch)))

    def state_dict(self) -> dict[str, Any]:
        state = {"updates": self.updates, "codec": self.plain.state_dict(), "average": self.average.state_dict()}
        state["optimiser"] = self.optimiser.state_dict()
        if self.recipe.adversarial:
            state |= {"judges": self.judges.module.state_dict(), "judges_optimiser": self.judges_optimiser.state_dict()}
        if self.balancer:
            state["balancer"] = self.balancer.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = state["updates"]
        self.plain.load_state_dict(state["codec"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.recipe.adversarial:
            self.judges.module.load_state_dict(state["judges"])
            self.judges_optimiser.load_state_dict(state["judges_optimiser"])
        if self.balancer:
            self.balancer.load_state_dict(state["balancer"])


def seed_update(seed: int, update: int) -> None:
    """Random numbers that depend on the two alone, so that a run that goes on draws what it would have drawn."""
    torch.manual_seed((seed * 1_000_003 + update + 1) % 2**63)
