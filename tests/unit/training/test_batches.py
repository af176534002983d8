import numpy as np
import pytest
import torch

from emolens.datasets.faces import FaceSet
from emolens.training.batches import FaceBatches
from emolens.training.faces import TrainingFaces

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


def training_faces(chances: np.ndarray | None = None, n_draws: int = 100) -> TrainingFaces:
    return TrainingFaces(
        training=FACES,
        targets=np.eye(7, dtype=np.float32)[FACES.labels]
        * np.arange(100, dtype=np.float32)[:, None],
        vote_shares=np.empty((100, 0), np.float32),
        teacher_weights=np.zeros(100, np.float32),
        is_choice=np.arange(100) % 2 == 0,
        chances=None if chances is None else chances.astype(np.float32),
        n_draws=n_draws,
        class_counts=FACES.class_counts,
        validation=FACES,
        sources=(),
    )


def test_faces_are_drawn_as_often_as_their_chances_say() -> None:
    chances = np.where(FACES.labels == 1, 9.0, 1.0)
    batches = FaceBatches(FACES, 50, seed=0, training=training_faces(chances, n_draws=250))
    labels = []
    for epoch in range(20):
        batches.epoch = epoch
        labels += [batch.labels for batch in batches]
    assert len(batches) == 5
    assert torch.cat(labels).float().mean() == pytest.approx(0.5, abs=0.03)


def test_targets_stay_with_their_faces() -> None:
    for batch in FaceBatches(FACES, 32, seed=0, training=training_faces()):
        numbers = batch.inputs[:, 0, 0, 0]
        assert batch.targets.sum(dim=1).tolist() == numbers.tolist()
        assert batch.is_choice.tolist() == (numbers % 2 == 0).tolist()


def test_faces_to_measure_on_have_their_labels_for_targets() -> None:
    batch = next(iter(FaceBatches(FACES, 100)))
    assert torch.equal(batch.targets.argmax(dim=1), batch.labels)
    assert not batch.is_choice.any()


def test_votes_come_along_as_shares() -> None:
    votes = np.zeros((100, 10), np.uint8)
    votes[:, 2] = 5
    faces = FaceSet(FACES.images, FACES.labels, FACES.locations, votes)
    batch = next(iter(FaceBatches(faces, 8)))
    assert batch.votes.shape == (8, 10)
    assert float(batch.votes[0, 2]) == 1
    assert next(iter(FaceBatches(FACES, 8))).votes.shape == (8, 0)
