"""Batches straight from memory: a whole data set of 48 px faces is smaller than one video."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from emolens.core.emotion import N_EMOTIONS
from emolens.datasets.faces import FaceSet
from emolens.training.faces import TrainingFaces, shares_of


class Batch(NamedTuple):
    """A part of a data set.

    Attributes:
        inputs: uint8 (N, 1, S, S) faces, or float32 (N, V, C) pooled features of V views of them.
        labels: int64 (N,).
        votes: float32 (N, 10), shares of FER+'s votes, zeros for a face without; (N, 0) where no
            face has any.
        targets: float32 (N, 7), what to say of each face, times its weight.
        is_choice: bool (N,), whether any one of the classes with the highest target will do.
    """

    inputs: Tensor
    labels: Tensor
    votes: Tensor
    targets: Tensor
    is_choice: Tensor


class FaceBatches:
    """Iterates over a data set in batches.

    With a seed, every epoch has its own order that depends on the seed and `epoch` alone, so a
    resumed run sees what an uninterrupted one would have seen.

    Attributes:
        epoch: Number of the epoch to give next.
        rank: Number of this process among `world_size` ones that share every training batch.
        world_size: How many processes there are.
    """

    def __init__(
        self,
        faces: FaceSet,
        batch_size: int,
        *,
        seed: int | None = None,
        learnt: TrainingFaces | None = None,
        features: Tensor | None = None,
    ) -> None:
        self.inputs = torch.from_numpy(faces.images)[:, None] if features is None else features
        self.labels = torch.from_numpy(faces.labels)
        self.votes = torch.from_numpy(learnt.vote_shares if learnt else shares_of(faces))
        self._targets, self._is_choice = _targets(faces, learnt)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0
        self.rank, self.world_size = 0, 1
        self._n_draws = learnt.n_draws if learnt else len(faces)
        chances = learnt.chances if learnt else None
        self._chances = None if chances is None else torch.from_numpy(chances)

    def __len__(self) -> int:
        n_faces = self._n_draws
        # A training batch of one face has no batch statistics, so the rest is left for next time.
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


def _targets(faces: FaceSet, learnt: TrainingFaces | None) -> tuple[Tensor, Tensor]:
    """Targets (N, 7) and is_choice (N,); the labels alone for faces that are only measured."""
    if learnt:
        return torch.from_numpy(learnt.targets), torch.from_numpy(learnt.is_choice)
    shares = np.eye(N_EMOTIONS, dtype=np.float32)[faces.labels]
    return torch.from_numpy(shares), torch.zeros(len(faces), dtype=torch.bool)
