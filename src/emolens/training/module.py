"""What Lightning needs to know: the loss, the optimiser, the schedule and the validation."""

import math

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from emolens.imaging.preprocess import GRAY_MEAN, GRAY_STD
from emolens.training.augment import FaceAugment, FaceMix
from emolens.training.networks import build_network
from emolens.training.recipe import Recipe, ScheduleSection
from emolens.training.revision import UNKNOWN_REVISION, code_revision

Batch = tuple[Tensor, Tensor]


class ExpressionModule(pl.LightningModule):
    """A network in training, built from its recipe alone."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        # The checkpoint carries the recipe, so it can be rebuilt without the run folder, and the
        # revision of the code that trains it.
        self.save_hyperparameters(
            {"recipe": recipe.model_dump(mode="json"), "code_revision": code_revision()}
        )
        self.recipe = recipe
        self.trained_by = UNKNOWN_REVISION
        self.network = build_network(recipe.network).to(memory_format=torch.channels_last)
        self.augment = FaceAugment(recipe.augment)
        self.mix = FaceMix(recipe.augment)
        self._n_correct = 0
        self._n_seen = 0
        self._loss_sum = 0.0

    def on_train_epoch_start(self) -> None:
        """Seed every epoch by its number, so a resumed run draws what an unbroken one draws."""
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.current_epoch)

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        """Loss of one augmented, perhaps mixed batch."""
        images, labels = batch
        faces = self.augment(images.float() / 255)
        recipe = self.recipe
        if self.current_epoch < recipe.schedule.epochs - recipe.augment.plain_epochs:
            faces, targets = self.mix(faces, labels)
        else:
            targets = nn.functional.one_hot(labels, self.network.num_classes).float()
        loss = nn.functional.cross_entropy(
            self.network(_normalise(faces)).float(),
            targets,
            label_smoothing=recipe.schedule.label_smoothing,
        )
        self.log("train_loss", loss, prog_bar=True, on_step=True, on_epoch=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Begin counting anew."""
        self._n_correct = self._n_seen = 0
        self._loss_sum = 0.0

    def validation_step(self, batch: Batch, _index: int) -> None:
        """Count hits of one plain batch."""
        images, labels = batch
        logits = self.network(_normalise(images.float() / 255)).float()
        self._n_correct += int((logits.argmax(dim=1) == labels).sum())
        self._n_seen += len(labels)
        self._loss_sum += float(nn.functional.cross_entropy(logits, labels, reduction="sum"))

    def on_validation_epoch_end(self) -> None:
        """Log accuracy and mean loss of the whole split."""
        self.log("val_accuracy", self._n_correct / self._n_seen, prog_bar=True)
        self.log("val_loss", self._loss_sum / self._n_seen, prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimiser with a warm-up and a cosine, stepped after every batch."""
        schedule = self.recipe.schedule
        optimizer = _build_optimizer(self.network, schedule)
        n_steps = int(self.trainer.estimated_stepping_batches)
        n_warmup = round(n_steps * schedule.warmup_epochs / schedule.epochs)

        def factor(step: int) -> float:
            if step < n_warmup:
                return (step + 1) / n_warmup
            part = (step - n_warmup) / max(n_steps - n_warmup, 1)
            return 0.5 * (1 + math.cos(math.pi * min(part, 1.0)))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }


def _normalise(faces: Tensor) -> Tensor:
    normalised = (faces - GRAY_MEAN) / GRAY_STD
    return normalised.contiguous(memory_format=torch.channels_last)


def _build_optimizer(network: nn.Module, schedule: ScheduleSection) -> torch.optim.Optimizer:
    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": schedule.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if schedule.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=schedule.peak_rate, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=schedule.peak_rate)
