"""Checkpoints: finished networks with their recipe, and how any checkpoint is written."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from pydantic import ValidationError
from torch import Tensor

from emolens.core.errors import ConfigError
from emolens.storage.files import write_bytes
from emolens.training.architectures import NOT_A_TORCH_FILE, build_network
from emolens.training.compact_weights import as_bytes, rounded_to_bytes
from emolens.training.networks import ExpressionNetwork
from emolens.training.recipe import Recipe
from emolens.training.recipe_file import changed_for_export, differing_keys
from emolens.training.revision import UNKNOWN_REVISION

StateDict = Mapping[str, Tensor]
_NETWORK_PREFIX = "network."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Finished networks.

    Attributes:
        recipe: What they were trained with.
        networks: One or, for an ensemble, several, in evaluation mode.
        code_revision: Git revision of the code that trained them.
    """

    recipe: Recipe
    networks: tuple[ExpressionNetwork, ...]
    code_revision: str


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's way to write checkpoints, but never half of one under its final name."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint; raises `OutputError` if that fails, the old file staying."""
        del storage_options
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_bytes(path, buffer.getvalue())


def save_checkpoint(
    path: Path,
    recipe: Recipe,
    states: Sequence[Mapping[str, Tensor | dict[str, Tensor]]],
    code_revision: str,
) -> None:
    """Write finished networks, without what only training needs.

    Raises:
        OutputError: The folder cannot be written to, or the disk is full; nothing is left behind.
    """
    content = {
        "recipe": recipe.model_dump(mode="json"),
        "networks": [dict(state) for state in states],
        "code_revision": code_revision,
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path) -> Checkpoint:
    """Rebuild the networks of a checkpoint, without running any code from the file.

    Args:
        path: A file of `save_checkpoint`.

    Raises:
        ConfigError: There is no such file, or it is not a checkpoint of ours.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        recipe = Recipe.model_validate(content["recipe"])
        networks = []
        for state in content["networks"]:
            network = build_network(recipe)
            network.load_state_dict({key: _unpacked(value) for key, value in state.items()})
            networks.append(network.eval())
        revision = str(content.get("code_revision", UNKNOWN_REVISION))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such checkpoint") from error
    except (ConfigError, ValidationError, *NOT_A_TORCH_FILE) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path}: not a checkpoint of emolens train: {reason}") from error
    return Checkpoint(recipe, tuple(networks), revision)


def save_small(checkpoint: Path, out: Path, changes: Sequence[str] = ()) -> int:
    """Write a checkpoint at a quarter of its size, to start other runs from or to teach them.

    Filters are rounded to one byte a weight, the rest to float16.

    Args:
        checkpoint: A file of `save_checkpoint`.
        out: The file to write.
        changes: As `changed_for_export` takes them; later exports of the file begin with these.

    Returns:
        The size of the file in bytes.

    Raises:
        ConfigError: There is no such checkpoint, or it is not one of ours.
        OutputError: The file cannot be written.
    """
    loaded = load_checkpoint(checkpoint)
    states = [
        {key: _packed(value) for key, value in network.state_dict().items()}
        for network in loaded.networks
    ]
    recipe = changed_for_export(loaded.recipe, changes)
    save_checkpoint(out, recipe, states, loaded.code_revision)
    return out.stat().st_size


def _packed(value: Tensor) -> Tensor | dict[str, Tensor]:
    """A parameter in a smaller form, which `_unpacked` reads."""
    if not value.is_floating_point():
        return value
    found = as_bytes(rounded_to_bytes(value.numpy())) if value.ndim == 4 else None
    if found is None:
        return value.half()
    return {"bytes": torch.from_numpy(found[0]), "steps": torch.from_numpy(found[1])}


def _unpacked(value: Tensor | Mapping[str, Tensor]) -> Tensor:
    return value if isinstance(value, Tensor) else value["bytes"] * value["steps"]


def averaged_state(path: Path) -> dict[str, Tensor]:
    """The averaged network's weights from a checkpoint that Lightning wrote in a phase."""
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return {
        key.removeprefix(_NETWORK_PREFIX): value
        for key, value in content["state_dict"].items()
        if key.startswith(_NETWORK_PREFIX)
    }


def start_from(network: ExpressionNetwork, path: Path, recipe: Recipe) -> None:
    """Copy the weights of a finished network into a new one.

    Raises:
        ConfigError: No checkpoint of ours, or one of another architecture.
    """
    _take_over(network, _of_same_architecture(path, recipe, key="start")[-1])


def load_members(paths: Sequence[Path], recipe: Recipe) -> list[ExpressionNetwork]:
    """Finished networks as the recipe's own would be, to be shipped together with these.

    Raises:
        ConfigError: No checkpoint of ours, or one of another architecture.
    """
    members = []
    for path in paths:
        for finished in _of_same_architecture(path, recipe, key="ensemble"):
            network = build_network(recipe)
            _take_over(network, finished)
            members.append(network.eval())
    return members


def _of_same_architecture(path: Path, recipe: Recipe, *, key: str) -> tuple[ExpressionNetwork, ...]:
    checkpoint = load_checkpoint(path)
    theirs, ours = (
        # Where weights come from is no part of what they are for.
        {"network": one.network.model_dump(mode="json", exclude={"weights"})}
        for one in (checkpoint.recipe, recipe)
    )
    differing = differing_keys(theirs, ours)
    if differing:
        raise ConfigError(
            f"{key}: {path} holds another architecture: {', '.join(differing)}; "
            "take over its [network] section"
        )
    return checkpoint.networks


def _take_over(network: ExpressionNetwork, finished: ExpressionNetwork) -> None:
    wanted = network.state_dict()
    state = finished.state_dict()
    # A head for votes may be there on one side only.
    network.load_state_dict({**wanted, **{k: v for k, v in state.items() if k in wanted}})
