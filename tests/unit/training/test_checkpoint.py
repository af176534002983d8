import os
from pathlib import Path

import pytest
import torch

from emolens.core.errors import ConfigError, OutputError
from emolens.training.architectures import build_network
from emolens.training.checkpoint import (
    AtomicCheckpointIO,
    load_checkpoint,
    save_checkpoint,
    save_small,
    start_from,
)
from tests.recipes import SMALL_NETWORK, small_recipe

RECIPE = small_recipe(Path("x"))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "a.ckpt"
    states = [build_network(RECIPE).state_dict() for _ in range(2)]
    save_checkpoint(path, RECIPE, states, "abc")
    return path


def test_what_was_saved_comes_back(saved: Path) -> None:
    checkpoint = load_checkpoint(saved)
    assert checkpoint.recipe == RECIPE
    assert checkpoint.code_revision == "abc"
    assert len(checkpoint.networks) == 2
    assert not checkpoint.networks[0].training


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04damaged"])
def test_files_that_are_no_checkpoint_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"a.ckpt: not a checkpoint"):
        load_checkpoint(path)
    with pytest.raises(ConfigError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "none.ckpt")


def test_weights_that_do_not_fit_the_recipe_are_refused(tmp_path: Path) -> None:
    other = small_recipe(Path("x"), network={**SMALL_NETWORK, "channels": [8, 8, 16, 32]})
    save_checkpoint(tmp_path / "a.ckpt", other, [build_network(RECIPE).state_dict()], "abc")
    with pytest.raises(ConfigError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "a.ckpt")


def test_a_run_starts_from_the_last_network(saved: Path) -> None:
    network = build_network(RECIPE)
    start_from(network, saved, RECIPE)
    for key, value in load_checkpoint(saved).networks[-1].state_dict().items():
        assert torch.equal(network.state_dict()[key], value)


def test_a_small_checkpoint_holds_every_network(saved: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.ckpt"
    size_bytes = save_small(saved, small)
    # Half of such a small network's file is names.
    assert size_bytes == small.stat().st_size < 0.8 * saved.stat().st_size
    loaded, original = load_checkpoint(small), load_checkpoint(saved)
    assert (loaded.recipe, loaded.code_revision) == (RECIPE, "abc")
    for rounded, network in zip(loaded.networks, original.networks, strict=True):
        for key, value in network.state_dict().items():
            found = rounded.state_dict()[key]
            # Filters are multiples of a 127th of their largest weight.
            step = value.abs().amax() / 127 if value.ndim == 4 else 1e-4
            assert ((found - value).abs() <= 0.55 * step + 1e-3 * value.abs()).all()


def test_a_head_for_votes_may_be_new(saved: Path) -> None:
    recipe = RECIPE.model_copy(update={"loss": RECIPE.loss.model_copy(update={"vote_weight": 1.0})})
    network = build_network(recipe)
    start_from(network, saved, recipe)
    assert network.vote_head is not None


def test_another_architecture_to_start_from_is_named(saved: Path) -> None:
    other = small_recipe(Path("x"), network={**SMALL_NETWORK, "channels": [8, 8, 16, 32]})
    with pytest.raises(
        ConfigError, match=r"network.channels \(saved \[8, 8, 16, 16\], requested .*32\]\)"
    ):
        start_from(build_network(other), saved, other)


@pytest.mark.parametrize("atomic", [True, False], ids=["lightning", "finished"])
def test_a_full_disk_leaves_the_old_checkpoint(
    saved: Path, monkeypatch: pytest.MonkeyPatch, *, atomic: bool
) -> None:
    before = saved.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot write .*a.ckpt: No space left on device"):
        if atomic:
            AtomicCheckpointIO().save_checkpoint({"x": 1}, saved)
        else:
            save_checkpoint(saved, RECIPE, [], "abc")
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["a.ckpt"]
