"""Batches straight from memory: a whole data set of 48 px faces is smaller than one video."""

from collections.abc import Iterator

import torch
from torch import Tensor

from emolens.datasets.faces import FaceSet


class FaceBatches:
    """Iterates over a `FaceSet` in batches of uint8 (N, 1, S, S) faces and int64 (N,) labels.

    With a seed, every epoch has its own order that depends on the seed and `epoch` alone, so a
    resumed run sees what an uninterrupted one would have seen.
    """

    def __init__(self, faces: FaceSet, batch_size: int, seed: int | None = None) -> None:
        self.images = torch.from_numpy(faces.images)[:, None]
        self.labels = torch.from_numpy(faces.labels)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        n_faces = len(self.labels)
        # A training batch of one face has no batch statistics, so the rest is left for next time.
        return (
            n_faces // self.batch_size if self.seed is not None else -(-n_faces // self.batch_size)
        )

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        n_faces = len(self.labels)
        order = torch.arange(n_faces)
        if self.seed is not None:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
            order = torch.randperm(n_faces, generator=generator)
        for index in range(len(self)):
            rows = order[index * self.batch_size : (index + 1) * self.batch_size]
            yield self.images[rows], self.labels[rows]
