"""Paths in recipes: relative ones start at the folder of the recipe.

All functions take the plain values of a recipe, before validation or after `model_dump`.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from emolens.training.network_sections import HUB, RANDOM

Places = Sequence[tuple[str, ...]]
# Data sets may be below `EMOLENS_DATA` instead, so a source that is missing stays as it is.
SOURCE_KEYS: Final[Places] = (
    ("data", "source"),
    ("data", "validation"),
    ("images", "source"),
    ("validation", "source"),
)
FILE_KEYS: Final[Places] = (
    ("start",),
    ("ensemble",),
    ("backgrounds",),
    ("data", "clean"),
    ("teacher", "checkpoints"),
    ("network", "weights"),
)
_NO_PATHS: Final = (HUB, RANDOM)


def anchor_paths(values: dict[str, Any], folder: Path) -> None:
    """Make the relative paths of a recipe absolute, in place.

    A path is looked up in `folder` first, then in the current folder. A missing file gets its place
    in `folder`. A missing data set stays as it is (`emolens.datasets.locate`).

    Args:
        values: The recipe.
        folder: The folder of the recipe.
    """

    def anchored(text: str, *, is_source: bool) -> str:
        path = Path(text)
        for start in (folder, Path()):
            if (start / path).exists():
                return str((start / path).absolute())
        return text if is_source else str((folder / path).absolute())

    _change(values, SOURCE_KEYS, lambda text: anchored(text, is_source=True))
    _change(values, FILE_KEYS, lambda text: anchored(text, is_source=False))


def strip_folders(values: dict[str, Any]) -> dict[str, Any]:
    """Reduce the absolute paths of a recipe to their last part, in place, and return the recipe."""

    def stripped(text: str) -> str:
        path = Path(text)
        return path.name if path.is_absolute() else text

    _change(values, (*SOURCE_KEYS, *FILE_KEYS), stripped)
    return values


def paths_at(values: Mapping[str, Any], places: Places) -> list[str]:
    """List the different paths of a recipe at places such as `FILE_KEYS`."""
    found: list[str] = []

    def keep(text: str) -> str:
        found.append(text)
        return text

    _change(copy.deepcopy(dict(values)), places, keep)
    return list(dict.fromkeys(found))


def downloads_weights(values: Mapping[str, Any]) -> bool:
    """Return whether a recipe downloads pretrained weights."""
    return any(section.get("weights") == HUB for section in _sections(values, ("network",)))


def _change(values: dict[str, Any], places: Places, change: Callable[[str], str]) -> None:
    def changed(value: object) -> object:
        if isinstance(value, list | tuple):
            return [changed(one) for one in value]
        return change(value) if isinstance(value, str) and value not in _NO_PATHS else value

    for keys in places:
        for section in _sections(values, keys[:-1]):
            if keys[-1] in section:
                section[keys[-1]] = changed(section[keys[-1]])


def _sections(values: Any, keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield every section at a place; a list of sections counts as all of them."""
    if isinstance(values, list | tuple):
        for one in values:
            yield from _sections(one, keys)
    elif isinstance(values, dict) and keys:
        yield from _sections(values.get(keys[0]), keys[1:])
    elif isinstance(values, dict):
        yield values
