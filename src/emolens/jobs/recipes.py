"""The shipped recipes and the notebook: a list with their requirements, and copies to work with."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from emolens.core.errors import ConfigError
from emolens.storage.files import write_bytes
from emolens.training.recipe_paths import FILE_KEYS, SOURCE_KEYS, downloads_weights, paths_at

_PACKAGE: Final = Path(__file__).parents[1]
# In an installed package, or in a clone (`force-include` in pyproject.toml copies them).
_FOLDERS: Final = (
    _PACKAGE / "recipes",
    _PACKAGE.parents[1] / "recipes",
    _PACKAGE.parents[1] / "notebooks",
)
# Beside `recipes/` in the repository, beside the recipe in a copy.
_CHECKPOINTS: Final = "../checkpoints/"
_COPIED_CHECKPOINTS: Final = "checkpoints/"
_TIME: Final = re.compile(r"^Time: (.+?)\.?$", re.MULTILINE)
_SENTENCE: Final = re.compile(r"(.+?)\.(?=\s|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ShippedRecipe:
    """A recipe or notebook of emolens.

    Attributes:
        name: Its name.
        file: The file.
        summary: Its content in one line.
        sources: The data sets that it reads, as in the file.
        files: Checkpoints and weights that it builds upon, relative to a copy of the file.
        is_downloading: Whether it downloads ImageNet weights.
        time: The approximate time that it takes.
    """

    name: str
    file: Path
    summary: str
    sources: tuple[str, ...]
    files: tuple[str, ...]
    is_downloading: bool
    time: str

    @property
    def needs(self) -> str:
        """The data sets, files and weights that it needs, in one line."""
        paths = [Path(file) for file in self.files]
        checkpoints = sorted(path.stem for path in paths if _is_checkpoint(path))
        parts = [", ".join(self.sources), *(one.name for one in paths if not _is_checkpoint(one))]
        if checkpoints:
            parts.append(f"checkpoints {', '.join(checkpoints)}")
        if self.is_downloading:
            parts.append("ImageNet weights from the Hugging Face hub")
        return "; ".join(filter(None, parts)) or "nothing"


@dataclass(frozen=True, slots=True)
class CopiedRecipe:
    """A copy of a recipe.

    Attributes:
        written: The files, the recipe first.
        missing: Files that the recipe needs and that are not part of the package.
    """

    written: tuple[Path, ...]
    missing: tuple[Path, ...]

    @property
    def advice(self) -> str:
        """Where the missing files are; empty if none is missing."""
        recipe, names = self.written[0], ", ".join(path.name for path in self.missing)
        if not self.missing:
            return ""
        if any(_is_checkpoint(path) for path in self.missing):
            return (
                f"{recipe} needs {names}, not in the installed package. Copy the folder "
                f"{_COPIED_CHECKPOINTS} of the repository or the source distribution of emolens to "
                f"{recipe.parent}."
            )
        return f"{recipe} needs {names} beside it. Its first lines state the origin of the file."


def shipped_recipes() -> list[ShippedRecipe]:
    """List the shipped recipes in alphabetical order, and the notebook at the end."""
    files = [file for folder in _FOLDERS for file in folder.glob("*.toml")]
    notebooks = [file for folder in _FOLDERS for file in folder.glob("*.ipynb")]
    return [
        *(_read_recipe(file) for file in sorted(files, key=lambda file: file.stem)),
        *map(_read_notebook, notebooks),
    ]


def copy_recipe(name: str, folder: Path) -> CopiedRecipe:
    """Copy a recipe or the notebook, with the checkpoints that a clone has.

    Args:
        name: A name of `shipped_recipes`.
        folder: The output folder; created if missing.

    Returns:
        The written and the missing files.

    Raises:
        ConfigError: There is no such recipe, or the folder contains the file already.
        OutputError: The folder is not writable.
    """
    recipe = _find(name)
    target = folder / recipe.file.name
    if target.exists():
        raise ConfigError(f"{target}: already exists. Choose another folder, or delete the file.")
    text = recipe.file.read_text(encoding="utf-8")
    write_bytes(target, text.replace(f'"{_CHECKPOINTS}', f'"{_COPIED_CHECKPOINTS}').encode())
    written, missing = [target], []
    for needed in recipe.files:
        place = folder / needed
        shipped = recipe.file.parents[1] / needed
        if place.exists():
            continue
        if shipped.exists():
            write_bytes(place, shipped.read_bytes())
            written.append(place)
        else:
            missing.append(place)
    return CopiedRecipe(tuple(written), tuple(missing))


def _is_checkpoint(path: Path) -> bool:
    return path.suffix == ".ckpt"


def _find(name: str) -> ShippedRecipe:
    recipes = {recipe.name: recipe for recipe in shipped_recipes()}
    found = recipes.get(name.removesuffix(".toml").removesuffix(".ipynb"))
    if found is None:
        raise ConfigError(f"there is no recipe {name!r}; allowed: {', '.join(recipes)}")
    return found


def _read_recipe(file: Path) -> ShippedRecipe:
    text = file.read_text(encoding="utf-8")
    comment = re.match(r"(?:#.*\n)+", text)
    return _described(
        file, comment[0].replace("# ", "") if comment else "", values=tomllib.loads(text)
    )


def _read_notebook(file: Path) -> ShippedRecipe:
    first = json.loads(file.read_text(encoding="utf-8"))["cells"][0]["source"]
    heading, _, text = "".join(first).removeprefix("# ").partition("\n")
    return _described(file, f"Notebook: {heading}.\n{text}", values={})


def _described(file: Path, text: str, *, values: dict[str, Any]) -> ShippedRecipe:
    """Read the first sentence and the time from a comment."""
    sentence, time = _SENTENCE.match(text), _TIME.search(text)
    paths = paths_at(values, FILE_KEYS)
    return ShippedRecipe(
        name=file.stem,
        file=file,
        summary=" ".join(sentence[1].split()) if sentence else "",
        sources=tuple(paths_at(values, SOURCE_KEYS)),
        files=tuple(path.replace(_CHECKPOINTS, _COPIED_CHECKPOINTS) for path in paths),
        is_downloading=downloads_weights(values),
        time=time[1] if time else "",
    )
