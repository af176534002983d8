import numpy as np
import torch

from emolens.datasets.faces import FaceSet
from emolens.training.batches import FaceBatches

FACES = FaceSet(
    np.arange(100, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8),
    np.array([0] * 90 + [1] * 10),
    tuple(map(str, range(100))),
)


def rows(batches: FaceBatches) -> list[int]:
    return [int(row) for batch in batches for row in batch.inputs[:, 0, 0, 0]]


def test_without_a_seed_every_face_comes_in_order() -> None:
    batches = FaceBatches(FACES, 32)
    assert len(batches) == 4
    assert rows(batches) == list(range(100))


def test_every_epoch_has_its_own_order_that_repeats() -> None:
    batches = FaceBatches(FACES, 32, seed=1)
    first = rows(batches)
    assert len(first) == len(set(first)) == 96
    batches.epoch = 1
    assert rows(batches) != first
    batches.epoch = 0
    assert rows(batches) == first


def test_processes_share_a_batch_without_overlap() -> None:
    whole = rows(FaceBatches(FACES, 32, seed=1))
    parts = []
    for rank in range(2):
        batches = FaceBatches(FACES, 32, seed=1)
        batches.rank, batches.world_size = rank, 2
        parts.append(rows(batches))
    assert sorted(parts[0] + parts[1]) == sorted(whole)
    assert len(parts[0]) == len(parts[1]) == 48


def test_sampling_draws_rare_classes_as_often_as_said() -> None:
    shares = {}
    for sampling in ("uniform", "sqrt", "balanced"):
        batches = FaceBatches(FACES, 100, seed=0, sampling=sampling)
        labels = []
        for epoch in range(40):
            batches.epoch = epoch
            labels += [batch.labels for batch in batches]
        shares[sampling] = float(torch.cat(labels).float().mean())
    assert abs(shares["uniform"] - 0.1) < 1e-6
    assert abs(shares["sqrt"] - 0.25) < 0.03  # 10^.5 against 90^.5
    assert abs(shares["balanced"] - 0.5) < 0.03


def test_votes_come_along_as_shares() -> None:
    votes = np.zeros((100, 10), np.uint8)
    votes[:, 2] = 5
    faces = FaceSet(FACES.images, FACES.labels, FACES.locations, votes)
    batch = next(iter(FaceBatches(faces, 8)))
    assert batch.votes.shape == (8, 10)
    assert float(batch.votes[0, 2]) == 1
    assert next(iter(FaceBatches(FACES, 8))).votes.shape == (8, 0)
