from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emolens.training.architectures import build_network
from emolens.training.batches import Batch
from emolens.training.losses import ExpressionLoss
from emolens.training.module import ExpressionModule
from emolens.training.networks import ExpressionNetwork
from emolens.training.recipe import Recipe
from tests.recipes import small_recipe

COUNTS = np.full(7, 10)
NO_CHOICE = torch.zeros(2, dtype=torch.bool)


def module_of(
    recipe: Recipe, phase_index: int = 0, teachers: tuple[ExpressionNetwork, ...] = ()
) -> ExpressionModule:
    torch.manual_seed(0)
    loss = ExpressionLoss(recipe.loss, COUNTS, recipe.class_indices)
    network = build_network(recipe).eval()
    return ExpressionModule(recipe, phase_index, network, loss, teachers)


class _Steps:
    """Stands in for the trainer where only the number of steps matters."""

    estimated_stepping_batches = 100
    current_epoch = 0


def rates(phase: dict[str, object]) -> tuple[list[float], list[float]]:
    """The rate of the head at every step, and the first rate of every group."""
    module = module_of(small_recipe(Path("x"), phases=[phase]))
    module._trainer = _Steps()  # type: ignore[assignment]
    configured: Any = module.configure_optimizers()
    optimizer, scheduler = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
    base = [group["initial_lr"] for group in optimizer.param_groups]
    course = []
    for _ in range(100):
        course.append(optimizer.param_groups[-1]["lr"])
        optimizer.step()
        scheduler.step()
    return course, base


def test_the_rate_rises_and_falls_along_a_cosine() -> None:
    course, _ = rates({"epochs": 10, "warmup_epochs": 2, "peak_rate": 1.0})
    assert course[0] == pytest.approx(1 / 20)
    assert course[19] == pytest.approx(1)
    assert course[60] == pytest.approx(0.5, abs=0.01)
    assert course[99] < 0.01
    assert course[:20] == sorted(course[:20])
    assert course[20:] == sorted(course[20:], reverse=True)


def test_stages_further_from_the_head_learn_more_slowly() -> None:
    _, base = rates({"peak_rate": 1.0, "stage_rate_decay": 0.5})
    # Five stages and the head, each with weights and with biases or norms.
    assert sorted(set(base)) == [0.5**n for n in (5, 4, 3, 2, 1, 0)]


def test_only_weights_decay_and_only_what_learns_is_optimised() -> None:
    recipe = small_recipe(Path("x"), phases=[{"learning_stages": 1}])
    module = module_of(recipe)
    groups = module._optimizer().param_groups
    for group in groups:
        for parameter in group["params"]:
            assert parameter.requires_grad
            assert group["weight_decay"] == (0.05 if parameter.ndim > 1 else 0)
    n_learning = sum(p.requires_grad for p in module.network.parameters())
    assert sum(len(group["params"]) for group in groups) == n_learning


def test_every_phase_trains_in_training_mode() -> None:
    """Networks come from checkpoints in evaluation mode."""
    phases: tuple[dict[str, object], ...] = (
        {},
        {"learning_stages": 2},
        {"learning_stages": 0},
    )
    for index, n_learning in enumerate((5, 2, 0)):
        module = module_of(small_recipe(Path("x"), phases=phases), index)
        module.on_fit_start()
        network = module.network
        assert network.training
        assert network.head[0].training  # its dropout
        for name, layer in network.named_modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                assert layer.training == (network.stage_of(name) >= 5 - n_learning), name


def test_sizes_follow_one_another() -> None:
    phase = {"epochs": 6, "sizes": [[24, 2], [32, 1]]}
    module = module_of(small_recipe(Path("x"), phases=[phase]))
    sides = []
    for epoch in range(6):
        trainer = _Steps()
        trainer.current_epoch = epoch
        module._trainer = trainer  # type: ignore[assignment]
        sides.append(module._size_px())
    assert sides == [24, 24, 32, 48, 48, 48]


def test_labels_votes_and_teacher_are_weighed_as_said(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {
        "emolens.training.module.distillation_loss": torch.tensor(10.0),
        "emolens.training.module.vote_loss": torch.tensor(1000.0),
    }
    for name, value in parts.items():
        monkeypatch.setattr(name, lambda *_, value=value: value)
    plain = small_recipe(Path("x"))
    recipe = small_recipe(
        Path("x"),
        teacher={"checkpoints": ["x"], "weight": 0.25, "temperature": 2.0},
        loss={"vote_weight": 0.5},
    )
    module = module_of(recipe, teachers=(build_network(plain).eval(),))
    monkeypatch.setattr(module.loss, "forward", lambda *_: torch.tensor(4.0))
    loss = module._loss(torch.zeros(2, 16), torch.zeros(2, 17), torch.rand(2, 1, 48, 48), NO_CHOICE)
    assert float(loss) == pytest.approx(0.75 * 4 + 0.25 * 10 + 0.5 * 1000)


def test_a_teacher_does_not_teach_classes_that_are_left_out() -> None:
    data = {"source": "x", "classes": ["happy", "sad"]}
    teacher = build_network(small_recipe(Path("x"))).eval()
    recipe = small_recipe(Path("x"), data=data, teacher={"checkpoints": ["x"]})
    module = module_of(recipe, teachers=(teacher,))
    shares = module._teacher_logits(torch.rand(4, 1, 48, 48)).softmax(dim=1)
    torch.testing.assert_close(shares[:, [3, 4]].sum(dim=1), torch.ones(4))


def test_teachers_are_no_part_of_the_checkpoint() -> None:
    teacher = build_network(small_recipe(Path("x")))
    module = module_of(small_recipe(Path("x"), teacher={"checkpoints": ["x"]}), teachers=(teacher,))
    assert len(module.state_dict()) == len(teacher.state_dict())


def test_a_step_on_features_uses_one_view_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    module = module_of(small_recipe(Path("x"), phases=[{"learning_stages": 0}]))
    monkeypatch.setattr(module, "log", lambda *_, **__: None)
    seen: list[torch.Tensor] = []

    def remember(pooled: torch.Tensor, *_: object) -> torch.Tensor:
        seen.append(pooled)
        return torch.zeros(())

    monkeypatch.setattr(module, "_loss", remember)
    features = torch.stack([torch.zeros(64, 16), torch.ones(64, 16)], dim=1)
    labels, votes = torch.zeros(64, dtype=torch.int64), torch.empty(64, 0)
    batch = Batch(features, labels, votes, torch.zeros(64, 7), torch.zeros(64, dtype=torch.bool))
    module.training_step(batch, 0)
    values = seen[0].mean(dim=1)
    assert set(values.tolist()) == {0.0, 1.0}
