import numpy as np
import pytest
import torch

from emolens.training.losses import (
    ExpressionLoss,
    choose_likeliest,
    class_weights,
    distillation_loss,
    vote_loss,
)
from emolens.training.recipe import LossSection

COUNTS = np.array([100, 10, 100, 400, 200, 100, 300])
ALL = range(7)


def loss_of(
    logits: torch.Tensor,
    targets: torch.Tensor,
    classes: tuple[int, ...] = tuple(ALL),
    **keys: object,
) -> float:
    spec = LossSection.model_validate(keys)
    return float(ExpressionLoss(spec, COUNTS, classes)(logits, targets))


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(32, 7), torch.nn.functional.one_hot(torch.arange(32) % 7, 7).float()


def test_by_default_it_is_torchs_cross_entropy(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, targets = batch
    expected = torch.nn.functional.cross_entropy(logits, targets)
    assert loss_of(logits, targets) == pytest.approx(float(expected))


def test_targets_count_by_their_sum(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, targets = batch
    per_face = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    weights = torch.linspace(0.5, 2, 32)
    expected = float((per_face * weights).mean())
    assert loss_of(logits, targets * weights[:, None]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["none", "sqrt", "inverse", "effective"])
def test_the_mean_weight_of_the_training_faces_is_one(kind: str) -> None:
    weights = class_weights(kind, COUNTS, ALL)
    assert (weights * COUNTS).sum() / COUNTS.sum() == pytest.approx(1)


def test_rare_classes_weigh_more_by_the_stated_rule() -> None:
    assert class_weights("none", COUNTS, ALL)[1] == 1
    inverse, root = class_weights("inverse", COUNTS, ALL), class_weights("sqrt", COUNTS, ALL)
    assert inverse[1] / inverse[3] == pytest.approx(40)
    assert root[1] / root[3] == pytest.approx(40**0.5)
    effective = class_weights("effective", COUNTS, ALL)
    assert effective[1] / effective[3] == pytest.approx((1 - 0.999**400) / (1 - 0.999**10))


def test_weights_scale_each_face(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, targets = batch
    per_face = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    weights = torch.tensor(class_weights("inverse", COUNTS, ALL))[targets.argmax(dim=1)]
    expected = float((per_face * weights).mean())
    assert loss_of(logits, targets, class_weights="inverse") == pytest.approx(expected, rel=1e-5)


def test_focal_loss_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.8, 0.05, 0.05, 0.025, 0.025, 0.025, 0.025]]))
    targets = torch.eye(7)[:1]
    expected = -((1 - 0.8) ** 2) * np.log(0.8)
    assert loss_of(logits, targets, focal_gamma=2) == pytest.approx(expected, rel=1e-4)


def test_logit_adjustment_adds_the_log_prior() -> None:
    targets = torch.eye(7)[1:2]
    priors = COUNTS / COUNTS.sum()
    assert loss_of(torch.zeros(1, 7), targets, logit_adjustment=1) == pytest.approx(
        -np.log(priors[1]), rel=1e-5
    )


def test_votes_are_learnt_as_shares() -> None:
    shares = torch.tensor([[0.5, 0.5] + [0.0] * 8])
    assert float(vote_loss(torch.zeros(1, 10), shares)) == pytest.approx(np.log(10))


def test_faces_without_votes_change_nothing_for_those_with_votes() -> None:
    torch.manual_seed(0)
    logits, shares = torch.randn(4, 10), torch.rand(4, 10).softmax(dim=1)
    alone = float(vote_loss(logits, shares))
    with_others = vote_loss(
        torch.cat([logits, torch.randn(3, 10)]), torch.cat([shares, torch.zeros(3, 10)])
    )
    assert float(with_others) == pytest.approx(alone, rel=1e-5)
    assert alone == pytest.approx(float(torch.nn.functional.cross_entropy(logits, shares)))
    assert float(vote_loss(logits, torch.zeros(4, 10))) == 0


def test_of_several_right_classes_only_the_preferred_one_is_learnt() -> None:
    logits = torch.tensor([[0.0, 5, 1, 2, 0, 0, 0], [9.0, 0, 0, 0, 0, 0, 1]])
    targets = torch.tensor([[0.5, 0.1, 0.5, 0.5, 0.1, 0.1, 0.1], [0, 0, 0, 0, 0, 0, 2.0]])
    chosen = choose_likeliest(targets, logits)
    # Class 1 is preferred by far, but it is not right; class 3 is the likeliest right one.
    assert chosen[0].tolist() == pytest.approx([0.1, 0.1, 0.1, 0.5, 0.1, 0.1, 0.1])
    assert chosen[1].tolist() == [0, 0, 0, 0, 0, 0, 2]


def test_the_same_answer_is_nothing_to_learn_from_a_teacher() -> None:
    logits = torch.randn(4, 7)
    assert float(distillation_loss(logits, logits + 3, 3.0)) == pytest.approx(0, abs=1e-5)
    assert float(distillation_loss(logits, -logits, 3.0)) > 0


def test_gradients_do_not_shrink_with_the_temperature() -> None:
    teacher = torch.tensor([[0.1, 0, 0, 0, 0, 0, 0]])
    sizes = []
    for temperature in (1.0, 10.0):
        logits = torch.zeros(1, 7, requires_grad=True)
        distillation_loss(logits, teacher, temperature).backward()  # type: ignore[no-untyped-call]
        assert logits.grad is not None
        sizes.append(float(logits.grad.norm()))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)
