"""Lightning module of the landmark network: steps, optimiser, schedule and validation."""

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from emolens.training.landmarks.network import Found, LandmarkNetwork
from emolens.training.landmarks.recipe import LandmarkPhase, LandmarkRecipe
from emolens.training.landmarks.views import FaceBatch, draw_closeups, plain_closeups
from emolens.training.schedule import warmed_cosine

# Larger than any number of epochs or phases, so their seeds differ.
_SEED_STEP = 1_000_003
_PHASE_STEP = 10_007
# Below this distance, in sides of the close-up, the smooth L1 loss is quadratic.
_NEAR = 0.01
_BOX_WEIGHT = 0.5
_FACE_WEIGHT = 0.02
# The eyes of a profile are close together. Errors are relative to at least this distance, in sides
# of the box.
LEAST_EYE_DISTANCE = 0.15


class LandmarkModule(pl.LightningModule):
    """A landmark network in one phase of its training."""

    def __init__(
        self,
        recipe: LandmarkRecipe,
        phase_index: int,
        network: LandmarkNetwork,
        backgrounds: Tensor,
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.phase: LandmarkPhase = recipe.phases[phase_index]
        self.seed = recipe.seed * _PHASE_STEP + phase_index
        self.network = network.to(memory_format=torch.channels_last)
        # A tuple keeps the backgrounds out of this module's checkpoints.
        self._backgrounds = (backgrounds,)
        self._errors: list[Tensor] = []

    def on_train_epoch_start(self) -> None:
        """Seed the epoch by its number, so a resumed run equals an uninterrupted one."""
        torch.manual_seed(self.seed * _SEED_STEP + self.current_epoch)

    def training_step(self, batch: FaceBatch, _index: int) -> Tensor:
        """Compute the loss of a batch of close-ups."""
        spec = self.recipe
        views = draw_closeups(
            batch,
            self._backgrounds[0],
            spec.views,
            spec.network.size_px,
            second_looks=self.phase.second_looks,
        )
        found = Found(*(output.float() for output in self._predict(views.pixels)))
        loss = landmark_loss(found, views.truth)
        self.log("train_loss", loss, prog_bar=True, on_step=True, on_epoch=True)
        return loss

    def _predict(self, pixels: Tensor) -> Found:
        found: Found = self.network(pixels.contiguous(memory_format=torch.channels_last))
        return found

    def on_validation_epoch_start(self) -> None:
        """Reset the errors."""
        self._errors = []

    def validation_step(self, batch: FaceBatch, index: int) -> None:
        """Add the errors on close-ups as detectors frame them, the same in every epoch."""
        spec = self.recipe
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(index)
            views = plain_closeups(batch, spec.views, spec.network.size_px)
        found = Found(*(output.float() for output in self._predict(views.pixels)))
        self._errors.append(relative_errors(found.landmarks, views.truth))

    def on_validation_epoch_end(self) -> None:
        """Log the mean landmark error, in distances between the eyes."""
        self.log("val_error", torch.cat(self._errors).mean(), prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Build AdamW with a warm-up and cosine schedule per step."""
        schedule, phase = self.recipe.schedule, self.phase
        weights = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [
                {"params": weights, "weight_decay": schedule.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=phase.peak_rate,
        )
        n_steps = int(self.trainer.estimated_stepping_batches)
        return warmed_cosine(optimizer, n_steps, phase.warmup_epochs / phase.epochs)


def landmark_loss(found: Found, truth: Found) -> Tensor:
    """Compute the smooth L1 loss of points and boxes of faces, and the cross-entropy of "a face".

    Args:
        found: Outputs of the network.
        truth: Ground truth; `faces` is 1 or 0.
    """
    is_face = truth.faces > 0
    points = nn.functional.smooth_l1_loss(
        found.landmarks[is_face], truth.landmarks[is_face], beta=_NEAR
    )
    boxes = nn.functional.smooth_l1_loss(found.boxes[is_face], truth.boxes[is_face], beta=_NEAR)
    faces = nn.functional.binary_cross_entropy_with_logits(found.faces, truth.faces)
    loss: Tensor = points + _BOX_WEIGHT * boxes + _FACE_WEIGHT * faces
    return loss


def relative_errors(landmarks: Tensor, truth: Found) -> Tensor:
    """Compute the mean error of the five points, in distances between the eyes (N,).

    Args:
        landmarks: float32 (N, 5, 2).
        truth: Ground truth.
    """
    distances = (landmarks - truth.landmarks).norm(dim=2).mean(dim=1)
    eyes = (truth.landmarks[:, 0] - truth.landmarks[:, 1]).norm(dim=1)
    longer = truth.boxes[:, 2:].amax(dim=1)
    relative: Tensor = distances / torch.maximum(eyes, LEAST_EYE_DISTANCE * longer)
    return relative
