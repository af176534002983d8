"""Batches of faces from memory: a data set of 48 px faces is smaller than a video."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from emolens.core.emotion import N_EMOTIONS
from emolens.datasets.faces import FaceSet
from emolens.training.faces import TrainingFaces, shares_of


class Batch(NamedTuple):
    """A batch of faces.

    Attributes:
        inputs: uint8 (N, 1, S, S) faces, or float32 (N, V, C) pooled features of V views of them.
        labels: int64 (N,).
        votes: float32 (N, 10), shares of FER+'s votes, zeros for a face without votes; (N, 0) if no
            face has votes.
        targets: float32 (N, 7), target probabilities times the weight of the face.
        is_choice: bool (N,), whether each of the classes with the highest target is correct.
    """

    inputs: Tensor
    labels: Tensor
    votes: Tensor
    targets: Tensor
    is_choice: Tensor


class FaceBatches:
    """An iterable over the batches of a data set.

    With a seed, the order of an epoch depends on the seed and `epoch` alone, so a resumed run gets
    the same batches as an uninterrupted one.

    Attributes:
        epoch: Number of the next epoch.
        rank: Number of this process among the `world_size` processes that share a training batch.
        world_size: Number of processes.
    """

    def __init__(
        self,
        faces: FaceSet,
        batch_size: int,
        *,
        seed: int | None = None,
        training: TrainingFaces | None = None,
        features: Tensor | None = None,
    ) -> None:
        self.inputs = torch.from_numpy(faces.images)[:, None] if features is None else features
        self.labels = torch.from_numpy(faces.labels)
        self.votes = torch.from_numpy(training.vote_shares if training else shares_of(faces))
        self._targets, self._is_choice = _targets(faces, training)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0
        self.rank, self.world_size = 0, 1
        self._n_draws = training.n_draws if training else len(faces)
        chances = training.chances if training else None
        self._chances = None if chances is None else torch.from_numpy(chances)

    def __len__(self) -> int:
        n_faces = self._n_draws
        # The last, incomplete training batch is dropped: one face alone has no batch statistics.
        return (
            n_faces // self.batch_size if self.seed is not None else -(-n_faces // self.batch_size)
        )

    def __iter__(self) -> Iterator[Batch]:
        order = self._order()
        for index in range(len(self)):
            rows = order[index * self.batch_size : (index + 1) * self.batch_size]
            if self.seed is not None:
                rows = rows[self.rank :: self.world_size]
            yield Batch(
                self.inputs[rows],
                self.labels[rows],
                self.votes[rows],
                self._targets[rows],
                self._is_choice[rows],
            )

    def _order(self) -> Tensor:
        n_faces = len(self.labels)
        if self.seed is None:
            return torch.arange(n_faces)
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        if self._chances is None:
            return torch.randperm(n_faces, generator=generator)
        return torch.multinomial(
            self._chances, self._n_draws, replacement=True, generator=generator
        )


def _targets(faces: FaceSet, training: TrainingFaces | None) -> tuple[Tensor, Tensor]:
    """Return targets (N, 7) and is_choice (N,); one-hot labels for validation faces."""
    if training:
        return torch.from_numpy(training.targets), torch.from_numpy(training.is_choice)
    shares = np.eye(N_EMOTIONS, dtype=np.float32)[faces.labels]
    return torch.from_numpy(shares), torch.zeros(len(faces), dtype=torch.bool)
