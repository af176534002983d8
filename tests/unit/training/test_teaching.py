from pathlib import Path

import numpy as np
import pytest
import torch

from emolens.datasets.faces import FaceSet
from emolens.training import teaching
from emolens.training.architectures import build_network
from emolens.training.faces import TrainingFaces
from emolens.training.networks import ExpressionNetwork
from emolens.training.recipe import Recipe
from emolens.training.teaching import with_taught_targets
from tests.recipes import SMALL_NETWORK

N_FACES = 6
WEIGHTS = np.array([0, 0, 0.5, 0.5, 1, 1], np.float32)


def teacher(seed: int, **sections: object) -> ExpressionNetwork:
    torch.manual_seed(seed)
    values = {"name": "x", "data": {"source": "x"}, "network": SMALL_NETWORK, **sections}
    network = build_network(Recipe.model_validate(values)).eval()
    torch.nn.init.normal_(network.last_layer.weight)
    return network


@pytest.fixture
def faces() -> TrainingFaces:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (N_FACES, 48, 48), dtype=np.uint8)
    training = FaceSet(images, np.arange(N_FACES), tuple(map(str, range(N_FACES))))
    shares = np.zeros((N_FACES, 10), np.float32)
    shares[:4, 1] = 1
    return TrainingFaces(
        training=training,
        # Every face counts twice.
        targets=2 * np.eye(7, dtype=np.float32)[training.labels],
        vote_shares=shares,
        teacher_weights=WEIGHTS,
        is_choice=np.zeros(N_FACES, bool),
        chances=None,
        n_draws=N_FACES,
        class_counts=training.class_counts,
        validation=training,
        sources=(),
    )


def test_targets_are_mixed_with_the_mean_answer_of_faces_and_mirror_images(
    faces: TrainingFaces, tmp_path: Path
) -> None:
    teachers = [teacher(0, loss={"vote_weight": 1.0}), teacher(1)]
    learnt = with_taught_targets(faces, teachers, tmp_path / "answers.npz")
    prepared = (torch.from_numpy(faces.training.images)[:, None] / 255 - 0.507) / 0.255
    with torch.no_grad():
        answers = [
            network(view).softmax(dim=1) for network in teachers for view in mirrored(prepared)
        ]
    expected = 2 * torch.stack(answers).mean(dim=0).numpy()
    own = (1 - WEIGHTS[:, None]) * faces.targets
    # The seventh class has no face here, so it is not told apart.
    told = expected * (faces.targets.max(axis=0) > 0)
    told *= 2 / told.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(learnt.targets, own + WEIGHTS[:, None] * told, atol=2e-3)
    np.testing.assert_allclose(learnt.targets.sum(axis=1), 2, atol=1e-5)


def mirrored(faces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return faces, faces.flip(3)


def test_votes_come_from_the_teachers_that_have_a_head_for_them(
    faces: TrainingFaces, tmp_path: Path
) -> None:
    voter = teacher(0, loss={"vote_weight": 1.0})
    learnt = with_taught_targets(faces, [voter, teacher(1)], tmp_path / "answers.npz")
    alone = with_taught_targets(faces, [voter], tmp_path / "alone.npz")
    np.testing.assert_allclose(learnt.vote_shares, alone.vote_shares, atol=1e-6)
    np.testing.assert_array_equal(learnt.vote_shares[:2], faces.vote_shares[:2])
    np.testing.assert_allclose(learnt.vote_shares.sum(axis=1), 1, atol=1e-5)
    assert (learnt.vote_shares[4:] > 0).all()


def test_without_such_a_head_votes_stay(faces: TrainingFaces, tmp_path: Path) -> None:
    learnt = with_taught_targets(faces, [teacher(1)], tmp_path / "answers.npz")
    np.testing.assert_array_equal(learnt.vote_shares, faces.vote_shares)


def test_the_same_teachers_are_asked_once(
    faces: TrainingFaces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "answers.npz"
    steps: list[int] = []
    first = with_taught_targets(faces, [teacher(0), teacher(1)], cache, steps.append)
    assert steps == [N_FACES, 2 * N_FACES]
    with monkeypatch.context() as patch:
        patch.setattr(teaching, "_predict", lambda *_: pytest.fail("predicted again"))
        again = with_taught_targets(faces, [teacher(0), teacher(1)], cache)
    np.testing.assert_array_equal(again.targets, first.targets)
    other = with_taught_targets(faces, [teacher(0), teacher(2)], cache)
    assert not np.array_equal(other.targets, first.targets)


def test_a_damaged_cache_is_made_anew(faces: TrainingFaces, tmp_path: Path) -> None:
    cache = tmp_path / "answers.npz"
    first = with_taught_targets(faces, [teacher(0)], cache)
    cache.write_bytes(cache.read_bytes()[:100])
    again = with_taught_targets(faces, [teacher(0)], cache)
    np.testing.assert_array_equal(again.targets, first.targets)
