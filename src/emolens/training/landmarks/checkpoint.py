"""Checkpoints of trained landmark networks with their recipe."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import ValidationError

from emolens.core.errors import ConfigError
from emolens.storage.files import write_bytes
from emolens.training.architectures import NOT_A_TORCH_FILE
from emolens.training.checkpoint import StateDict
from emolens.training.landmarks.network import LandmarkNetwork
from emolens.training.landmarks.recipe import KIND, LandmarkRecipe
from emolens.training.revision import UNKNOWN_REVISION

_KIND_KEY: Final = "kind"


@dataclass(frozen=True, slots=True)
class LandmarkCheckpoint:
    """A trained landmark network.

    Attributes:
        recipe: Recipe of the training.
        network: The network, in evaluation mode.
        metrics: Metrics on the validation images, by name.
        code_revision: Git revision of the training code.
    """

    recipe: LandmarkRecipe
    network: LandmarkNetwork
    metrics: dict[str, float]
    code_revision: str


def save_landmarks(
    path: Path,
    recipe: LandmarkRecipe,
    state: StateDict,
    metrics: dict[str, float],
    code_revision: str,
) -> None:
    """Write a trained network without the state of the optimiser.

    Raises:
        OutputError: The folder is not writable, or the disk is full. No partial file remains.
    """
    content = {
        _KIND_KEY: KIND,
        "recipe": recipe.model_dump(mode="json"),
        "network": dict(state),
        "metrics": metrics,
        "code_revision": code_revision,
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def is_landmark_checkpoint(path: Path) -> bool:
    """Return whether a file is a landmark checkpoint; False for other or missing files."""
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, *NOT_A_TORCH_FILE):
        return False
    return isinstance(content, dict) and content.get(_KIND_KEY) == KIND


def load_landmarks(path: Path) -> LandmarkCheckpoint:
    """Load the network of a checkpoint without running code from the file.

    Raises:
        ConfigError: The file does not exist, or is not a file of `save_landmarks`.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        recipe = LandmarkRecipe.model_validate(content["recipe"])
        network = LandmarkNetwork(recipe.network)
        network.load_state_dict(content["network"])
        metrics = {str(name): float(value) for name, value in content["metrics"].items()}
        revision = str(content.get("code_revision", UNKNOWN_REVISION))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such checkpoint") from error
    except (ValidationError, *NOT_A_TORCH_FILE) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(
            f"{path}: not a landmark checkpoint of emolens train: {reason}"
        ) from error
    return LandmarkCheckpoint(recipe, network.eval(), metrics, revision)
