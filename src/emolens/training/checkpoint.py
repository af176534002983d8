"""Checkpoints of trained networks with their recipe."""

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
from emolens.training.recipe_paths import strip_folders
from emolens.training.revision import UNKNOWN_REVISION

StateDict = Mapping[str, Tensor]
_NETWORK_PREFIX = "network."
# The folder of the checkpoints that the recipes of emolens build upon.
_SHIPPED = "checkpoints"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Trained networks.

    Attributes:
        recipe: Recipe of the training.
        networks: One network, or several of an ensemble, in evaluation mode.
        code_revision: Git revision of the training code.
    """

    recipe: Recipe
    networks: tuple[ExpressionNetwork, ...]
    code_revision: str


class AtomicCheckpointIO(TorchCheckpointIO):
    """Lightning's checkpoint writer with atomic writes."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a checkpoint; on failure keep the old file and raise `OutputError`."""
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
    """Write trained networks without the state of the optimiser.

    Raises:
        OutputError: The folder is not writable, or the disk is full. No partial file remains.
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
    """Load the networks of a checkpoint without running code from the file.

    Args:
        path: A file of `save_checkpoint`.

    Raises:
        ConfigError: The file does not exist, or is not a checkpoint of emolens.
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
        raise ConfigError(f"{path}: no such checkpoint{_advice(path)}") from error
    except (ConfigError, ValidationError, *NOT_A_TORCH_FILE) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path}: not a checkpoint of emolens train: {reason}") from error
    return Checkpoint(recipe, tuple(networks), revision)


def _advice(path: Path) -> str:
    """Return where the checkpoints of the shipped recipes are, for a path in `checkpoints/`."""
    if path.parent.name != _SHIPPED:
        return ""
    return (
        f". The folder {_SHIPPED}/ is in the repository and the source distribution of emolens, "
        f"not in the installed package. Copy it to {path.parent.parent}."
    )


def save_small(checkpoint: Path, out: Path, changes: Sequence[str] = ()) -> int:
    """Write a checkpoint at a quarter of its size, for `start` or `teacher` of other recipes.

    Filters are rounded to one byte per weight, other weights to float16. The recipe in the file
    keeps the names of its data sets and files without their folders.

    Args:
        checkpoint: A file of `save_checkpoint`.
        out: The file to write.
        changes: Changes of the recipe as in `changed_for_export`, kept for later exports.

    Returns:
        The size of the file in bytes.

    Raises:
        ConfigError: The file does not exist, or is not a checkpoint of emolens.
        OutputError: The file cannot be written.
    """
    loaded = load_checkpoint(checkpoint)
    states = [
        {key: _packed(value) for key, value in network.state_dict().items()}
        for network in loaded.networks
    ]
    changed = changed_for_export(loaded.recipe, changes)
    recipe = Recipe.model_validate(strip_folders(changed.model_dump(mode="json")))
    save_checkpoint(out, recipe, states, loaded.code_revision)
    return out.stat().st_size


def _packed(value: Tensor) -> Tensor | dict[str, Tensor]:
    """Compress a parameter for `_unpacked`."""
    if not value.is_floating_point():
        return value
    packed = as_bytes(rounded_to_bytes(value.numpy())) if value.ndim == 4 else None
    if packed is None:
        return value.half()
    return {"bytes": torch.from_numpy(packed[0]), "steps": torch.from_numpy(packed[1])}


def _unpacked(value: Tensor | Mapping[str, Tensor]) -> Tensor:
    return value if isinstance(value, Tensor) else value["bytes"] * value["steps"]


def averaged_state(path: Path) -> dict[str, Tensor]:
    """Load the averaged weights from a checkpoint that Lightning wrote in a phase."""
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return {
        key.removeprefix(_NETWORK_PREFIX): value
        for key, value in content["state_dict"].items()
        if key.startswith(_NETWORK_PREFIX)
    }


def start_from(network: ExpressionNetwork, path: Path, recipe: Recipe) -> None:
    """Initialise a network with the weights of a trained one.

    Raises:
        ConfigError: The file is not a checkpoint of emolens, or has another architecture.
    """
    _copy_weights(network, _of_same_architecture(path, recipe, key="start")[-1])


def load_members(paths: Sequence[Path], recipe: Recipe) -> list[ExpressionNetwork]:
    """Load the trained networks of an ensemble.

    Raises:
        ConfigError: A file is not a checkpoint of emolens, or has another architecture.
    """
    members = []
    for path in paths:
        for finished in _of_same_architecture(path, recipe, key="ensemble"):
            network = build_network(recipe)
            _copy_weights(network, finished)
            members.append(network.eval())
    return members


def _of_same_architecture(path: Path, recipe: Recipe, *, key: str) -> tuple[ExpressionNetwork, ...]:
    checkpoint = load_checkpoint(path)
    theirs, ours = (
        # The origin of the weights does not matter.
        {"network": one.network.model_dump(mode="json", exclude={"weights"})}
        for one in (checkpoint.recipe, recipe)
    )
    differing = differing_keys(theirs, ours)
    if differing:
        raise ConfigError(
            f"{key}: {path} has another architecture: {', '.join(differing)}. Copy its [network] "
            "section into the recipe."
        )
    return checkpoint.networks


def _copy_weights(network: ExpressionNetwork, finished: ExpressionNetwork) -> None:
    own = network.state_dict()
    state = finished.state_dict()
    # Only one of the networks may have a head for votes.
    network.load_state_dict({**own, **{k: v for k, v in state.items() if k in own}})
