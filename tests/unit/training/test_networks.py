import numpy as np
import pytest
import torch

from emolens.core.emotion import LABELS
from emolens.core.errors import ConfigError
from emolens.datasets.votes import vote_columns
from emolens.training.networks import (
    ExpressionNetwork,
    LogitsAndCam,
    combine_networks,
    merge_heads,
)
from emolens.training.recipe import AnswerSection, Recipe
from tests.recipes import SMALL_NETWORK

SMALL_VIT = {"kind": "vit", "width": 24, "depth": 2, "heads": 2, "patch_px": 8}


def network_of(
    network: dict[str, object], *, loss: dict[str, object] | None = None, **data: object
) -> ExpressionNetwork:
    from emolens.training.architectures import build_network

    torch.manual_seed(0)
    recipe = {
        "name": "x",
        "data": {"source": "x", **data},
        "network": network,
        "loss": loss or {},
    }
    return build_network(Recipe.model_validate(recipe)).eval()


@pytest.mark.parametrize("network", [SMALL_NETWORK, SMALL_VIT], ids=["resnet", "vit"])
def test_the_mean_of_the_map_and_the_bias_is_the_logit(network: dict[str, object]) -> None:
    built = network_of(network)
    faces = torch.randn(3, 1, 48, 48)
    logits, cam = LogitsAndCam([built])(faces)
    torch.testing.assert_close(logits, built(faces))
    torch.testing.assert_close(cam.mean(dim=(2, 3)) + built.last_layer.bias, logits)
    assert cam.shape[:2] == (3, 7)


def test_an_ensemble_gives_the_mean_of_its_members() -> None:
    members = [network_of(SMALL_NETWORK), network_of(SMALL_NETWORK)]
    torch.nn.init.normal_(members[1].last_layer.weight)
    faces = torch.randn(3, 1, 48, 48)
    logits, cam = LogitsAndCam(members)(faces)
    torch.testing.assert_close(logits, (members[0](faces) + members[1](faces)) / 2)
    cams = [LogitsAndCam([member])(faces)[1] for member in members]
    torch.testing.assert_close(cam, (cams[0] + cams[1]) / 2)


def test_merged_heads_say_the_weighted_mean_of_both() -> None:
    from emolens.training.architectures import build_network

    recipe = {"name": "x", "data": {"source": "x"}, "network": SMALL_NETWORK}
    torch.manual_seed(0)
    network = build_network(Recipe.model_validate(recipe | {"loss": {"vote_weight": 1.0}})).eval()
    torch.nn.init.normal_(network.last_layer.weight)
    pooled = network.feature_map(torch.randn(3, 1, 48, 48)).mean(dim=(2, 3))
    assert network.vote_head is not None
    votes = network.vote_head(pooled)[:, vote_columns().tolist()]
    expected = 0.7 * network.forward_head(pooled) + 0.3 * votes
    merge_heads(network, 0.3)
    torch.testing.assert_close(network.forward_head(pooled), expected)


def test_heads_that_cannot_be_merged_are_refused() -> None:
    with pytest.raises(ConfigError, match="head for votes"):
        merge_heads(network_of(SMALL_NETWORK), 0.3)


def test_a_network_answers_as_told_and_stays_as_it_is() -> None:
    networks = [
        network_of({**SMALL_NETWORK, "mirrored": mirrored}, loss={"vote_weight": 1.0})
        for mirrored in (False, True)
    ]
    faces = torch.randn(3, 1, 48, 48)
    log_shares = np.log(np.arange(1, 8) / 28)
    answer = AnswerSection(votes=0.4, balance=0.5)
    with torch.no_grad():
        before = [network(faces) for network in networks]
        both = []
        for network, labels in zip(networks, before, strict=True):
            assert network.vote_head is not None
            votes = network.vote_head(network.feature_map(faces).mean(dim=(2, 3)))
            both.append(0.6 * labels + 0.4 * votes[:, vote_columns().tolist()])
        expected = torch.stack(both).mean(dim=0) - 0.5 * torch.from_numpy(log_shares).float()
        found = combine_networks(networks, answer, log_shares).eval()(faces)[0]
        torch.testing.assert_close(found, expected)
        for network, labels in zip(networks, before, strict=True):
            torch.testing.assert_close(network(faces), labels)


def test_networks_of_different_sides_answer_together() -> None:
    members = [network_of(SMALL_NETWORK), network_of({**SMALL_NETWORK, "size_px": 96})]
    torch.nn.init.normal_(members[1].last_layer.weight)
    both = combine_networks(members, AnswerSection(size_px=48), np.zeros(7)).eval()
    assert both.input_spec.size_px == 48
    faces = torch.randn(3, 1, 48, 48)
    large = torch.nn.functional.interpolate(faces, size=(96, 96), mode="bilinear")
    logits, cam = both(faces)
    torch.testing.assert_close(logits, (members[0](faces) + members[1](large)) / 2)
    # Cells of 16 px of different sides lie in different places, so there are twice as many.
    assert cam.shape == (3, 7, 12, 12)
    assert LogitsAndCam(members).input_spec.size_px == 96


def test_networks_that_want_faces_prepared_otherwise_cannot_answer_together() -> None:
    other = network_of({"kind": "backbone", "name": "resnet18", "size_px": 48, "weights": "random"})
    with pytest.raises(ConfigError, match="normalise faces differently"):
        LogitsAndCam([network_of(SMALL_NETWORK), other])


def test_classes_not_told_apart_get_the_probability_zero() -> None:
    network = network_of(SMALL_NETWORK, classes=["happy", "neutral"])
    shares = network(torch.randn(3, 1, 48, 48)).softmax(dim=1)
    happy, neutral = LABELS.index("happy"), LABELS.index("neutral")
    torch.testing.assert_close(shares[:, happy] + shares[:, neutral], torch.ones(3))


def test_dense_layers_leave_no_activation_map() -> None:
    network = network_of({"kind": "backbone", "name": "resnet18", "hidden": [16], "size_px": 32})
    assert not network.has_cam
    (logits,) = LogitsAndCam([network])(torch.rand(2, 1, 32, 32))
    assert logits.shape == (2, 7)


@pytest.mark.parametrize(
    ("network", "n_stages"), [(SMALL_NETWORK, 5), (SMALL_VIT, 3)], ids=["resnet", "vit"]
)
def test_frozen_stages_neither_learn_nor_count(network: dict[str, object], n_stages: int) -> None:
    built = network_of(network)
    assert built.n_stages == n_stages
    built.freeze(1)
    built.train()
    learning = {name for name, p in built.named_parameters() if p.requires_grad}
    assert {built.stage_of(name) for name in learning} == {n_stages - 1, n_stages}
    for name, module in built.named_modules():
        # Containers of stages have no mode that matters.
        if name.startswith("backbone.") and not list(module.children()):
            assert module.training == (built.stage_of(name) == n_stages - 1), name
    built.freeze(None)
    assert all(p.requires_grad for p in built.parameters())
    assert all(module.training for module in built.modules())


def test_a_frozen_backbone_stays_bit_for_bit() -> None:
    network = network_of(SMALL_NETWORK)
    before = {k: v.clone() for k, v in network.backbone.state_dict().items()}
    network.freeze(0)
    network.train()
    network(torch.randn(8, 1, 48, 48)).sum().backward()
    for key, value in network.backbone.state_dict().items():
        assert torch.equal(value, before[key])
    assert all(p.grad is None for p in network.backbone.parameters())
