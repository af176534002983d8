"""Lightning module of the expression network: steps, optimiser, schedule and validation."""

from collections.abc import Sequence

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from emolens.core.emotion import N_EMOTIONS
from emolens.core.manifest import InputSpec
from emolens.training.augment import FaceAugment, FaceMix
from emolens.training.batches import Batch
from emolens.training.losses import (
    ExpressionLoss,
    choose_likeliest,
    distillation_loss,
    vote_loss,
)
from emolens.training.networks import ExpressionNetwork, resized
from emolens.training.recipe import PhaseSection, Recipe
from emolens.training.schedule import warmed_cosine

# Larger than any number of epochs or phases, so their seeds differ.
_SEED_STEP = 1_000_003
_PHASE_STEP = 10_007


def phase_seed(recipe: Recipe, phase_index: int) -> int:
    """Compute the random seed of a phase."""
    return recipe.seed * _PHASE_STEP + phase_index


class ExpressionModule(pl.LightningModule):
    """An expression network in one phase of its training."""

    def __init__(
        self,
        recipe: Recipe,
        phase_index: int,
        network: ExpressionNetwork,
        loss: ExpressionLoss,
        teachers: Sequence[ExpressionNetwork] = (),
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.phase: PhaseSection = recipe.phases[phase_index]
        self.seed = phase_seed(recipe, phase_index)
        self.spec = network.input_spec
        self.network = network.to(memory_format=torch.channels_last)
        self.network.freeze(self.phase.learning_stages)
        self.loss = loss
        # A tuple keeps the teachers out of this module's parameters and checkpoints.
        self._teachers = tuple(teachers)
        self.augment = FaceAugment(recipe.augment)
        self.mix = FaceMix(recipe.augment.mix)
        self._n_correct = 0
        self._n_seen = 0
        self._loss_sum = 0.0

    def on_fit_start(self) -> None:
        """Switch the network to training mode and move the teachers to the device."""
        self.network.train()
        for teacher in self._teachers:
            teacher.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]  # missing in torch's types

    def on_train_epoch_start(self) -> None:
        """Seed the epoch by its number, so a resumed run equals an uninterrupted one."""
        rank_seed = self.seed + self.global_rank * _PHASE_STEP**2
        torch.manual_seed(rank_seed * _SEED_STEP + self.current_epoch)

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        """Compute the loss of an augmented batch, which may be mixed."""
        inputs, _, votes, shares, is_choice = batch
        targets = torch.cat([shares, votes], dim=1)
        faces: Tensor | None = None
        if inputs.dtype == torch.uint8:
            faces = self.augment(inputs.float() / 255, self._size_px())
            if self.current_epoch < self.phase.epochs - self.phase.plain_epochs:
                faces, targets = self.mix(faces, targets)
            pooled = self.network.feature_map(_prepare(faces, self.spec)).mean(dim=(2, 3))
        else:
            views = torch.randint(inputs.shape[1], (len(inputs),), device=inputs.device)
            pooled = inputs[torch.arange(len(inputs), device=inputs.device), views]
        loss = self._loss(pooled, targets, faces, is_choice)
        self.log("train_loss", loss, prog_bar=True, on_step=True, on_epoch=True)
        return loss

    def _loss(
        self, pooled: Tensor, targets: Tensor, faces: Tensor | None, is_choice: Tensor
    ) -> Tensor:
        recipe = self.recipe
        logits = self.network.forward_head(pooled).float()
        shares = targets[:, :N_EMOTIONS]
        chosen = torch.where(is_choice[:, None], choose_likeliest(shares, logits), shares)
        loss: Tensor = self.loss(logits, chosen)
        if self._teachers and recipe.teacher and faces is not None:
            distillation = distillation_loss(
                logits, self._teacher_logits(faces), recipe.teacher.temperature
            )
            loss = (1 - recipe.teacher.weight) * loss + recipe.teacher.weight * distillation
        if self.network.vote_head is not None:
            vote_logits = self.network.vote_head(pooled).float()
            loss = loss + recipe.loss.vote_weight * vote_loss(vote_logits, targets[:, N_EMOTIONS:])
        return loss

    @torch.no_grad()
    def _teacher_logits(self, faces: Tensor) -> Tensor:
        """Compute the mean logits (N, 7) of the teachers on the faces of the student."""
        logits = [
            teacher(_prepare(resized(faces, teacher.input_spec.size_px), teacher.input_spec))
            for teacher in self._teachers
        ]
        # The offset masks classes that the student does not predict.
        return torch.stack(logits).float().mean(dim=0) + self.network.offset

    def _size_px(self) -> int:
        """Return the side of the faces in this epoch."""
        epoch = self.current_epoch
        for size_px, n_epochs in self.phase.sizes:
            if epoch < n_epochs:
                return size_px
            epoch -= n_epochs
        return self.spec.size_px

    def on_validation_epoch_start(self) -> None:
        """Reset the counts."""
        self._n_correct = self._n_seen = 0
        self._loss_sum = 0.0

    def validation_step(self, batch: Batch, _index: int) -> None:
        """Add the hits and the loss of a batch without augmentation."""
        inputs, labels, *_ = batch
        if inputs.dtype == torch.uint8:
            faces = resized(inputs.float() / 255, self.spec.size_px)
            logits = self.network(_prepare(faces, self.spec))
        else:
            logits = self.network.forward_head(inputs[:, 0])
        logits = logits.float()
        self._n_correct += int((logits.argmax(dim=1) == labels).sum())
        self._n_seen += len(labels)
        self._loss_sum += float(nn.functional.cross_entropy(logits, labels, reduction="sum"))

    def on_validation_epoch_end(self) -> None:
        """Log accuracy and mean loss; every process has validated the whole split."""
        self.log("val_accuracy", self._n_correct / self._n_seen, prog_bar=True)
        self.log("val_loss", self._loss_sum / self._n_seen, prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Build the optimiser with a warm-up and cosine schedule per step."""
        n_steps = int(self.trainer.estimated_stepping_batches)
        share = self.phase.warmup_epochs / self.phase.epochs
        return warmed_cosine(self._optimizer(), n_steps, share)

    def _optimizer(self) -> torch.optim.Optimizer:
        schedule, peak_rate = self.recipe.schedule, self.phase.peak_rate
        groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad:
                key = (self.network.stage_of(name), parameter.ndim > 1)
                groups.setdefault(key, []).append(parameter)
        settings = [
            {
                "params": parameters,
                "lr": peak_rate * self.phase.stage_rate_decay ** (self.network.n_stages - stage),
                "weight_decay": schedule.weight_decay if has_decay else 0.0,
            }
            for (stage, has_decay), parameters in groups.items()
        ]
        if schedule.optimizer == "sgd":
            return torch.optim.SGD(settings, lr=peak_rate, momentum=0.9, nesterov=True)
        if schedule.optimizer == "adam":
            return torch.optim.Adam(settings, lr=peak_rate)
        return torch.optim.AdamW(settings, lr=peak_rate)


def _prepare(faces: Tensor, spec: InputSpec) -> Tensor:
    prepared = (faces - spec.mean) / spec.std
    return prepared.contiguous(memory_format=torch.channels_last)
