"""Where the relative paths of a recipe start, whatever the current folder."""

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from emolens.training.landmarks.recipe import LandmarkRecipe
from emolens.training.recipe import Recipe
from emolens.training.recipe_file import load_recipe, to_toml
from emolens.training.recipe_paths import FILE_KEYS, SOURCE_KEYS, paths_at, strip_folders

RECIPE = """
name = "x"
start = "start.ckpt"
ensemble = ["one.ckpt", "two.ckpt"]
[data]
source = "faces"
clean = "clean.json"
[teacher]
checkpoints = ["deep/teacher.ckpt"]
[network]
kind = "backbone"
name = "resnet18"
weights = "hub"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe; the current folder is another one."""
    (tmp_path / "recipes").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "recipes/x.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def test_paths_start_at_the_recipe(folder: Path) -> None:
    (folder / "recipes/faces").mkdir()
    recipe = load_recipe(Path("../recipes/x.toml"))
    beside = Path.cwd() / "../recipes"
    assert recipe.data[0].source == beside / "faces"
    # Missing files too, so that a message says where they belong.
    assert recipe.data[0].clean == beside / "clean.json"
    assert recipe.start == beside / "start.ckpt"
    assert recipe.ensemble == (beside / "one.ckpt", beside / "two.ckpt")
    assert recipe.teacher is not None
    assert recipe.teacher.checkpoints == (beside / "deep/teacher.ckpt",)
    assert recipe.network.weights == "hub"  # type: ignore[union-attr]


def test_what_exists_only_in_the_current_folder_is_found_there(folder: Path) -> None:
    """As before paths started at the recipe."""
    for name in ("faces", "start.ckpt"):
        Path(name).touch()
    recipe = load_recipe(folder / "recipes/x.toml")
    assert recipe.data[0].source == Path.cwd() / "faces"
    assert recipe.start == Path.cwd() / "start.ckpt"
    (folder / "recipes/faces").touch()
    assert load_recipe(folder / "recipes/x.toml").data[0].source == folder / "recipes/faces"


def test_overrides_start_at_the_current_folder(folder: Path) -> None:
    for start in (folder / "recipes", Path.cwd()):
        (start / "mine").mkdir()
    recipe = load_recipe(
        folder / "recipes/x.toml",
        ["data.source=mine", "start=other.ckpt", "network.weights=own.pth"],
    )
    assert recipe.data[0].source == Path.cwd() / "mine"
    assert recipe.start == Path.cwd() / "other.ckpt"
    assert recipe.network.weights == str(Path.cwd() / "own.pth")  # type: ignore[union-attr]


def test_a_data_set_that_is_missing_keeps_its_name(folder: Path) -> None:
    """It may be below EMOLENS_DATA, on another device too."""
    assert load_recipe(folder / "recipes/x.toml").data[0].source == Path("faces")


def test_a_recipe_with_all_defaults_can_be_moved(folder: Path) -> None:
    (folder / "recipes/faces").mkdir()
    loaded = load_recipe(folder / "recipes/x.toml")
    moved = folder / "moved.toml"
    moved.write_text(to_toml(loaded))
    assert load_recipe(moved) == loaded


def test_paths_are_listed_once_and_stripped_to_names() -> None:
    values = {
        "start": "/a/start.ckpt",
        "data": [{"source": "fer2013"}, {"source": "/b/mine", "clean": None}],
        "teacher": {"checkpoints": ("/a/start.ckpt", "/a/other.ckpt")},
        "network": {"weights": "random"},
    }
    assert paths_at(values, FILE_KEYS) == ["/a/start.ckpt", "/a/other.ckpt"]
    assert paths_at(values, SOURCE_KEYS) == ["fer2013", "/b/mine"]
    stripped = strip_folders(values)
    assert stripped["start"] == "start.ckpt"
    assert [section["source"] for section in stripped["data"]] == ["fer2013", "mine"]
    assert stripped["teacher"]["checkpoints"] == ["start.ckpt", "other.ckpt"]


@pytest.mark.parametrize("odd", [{"data": 3}, {"data": [3]}, {"start": 3}, {"teacher": None}])
def test_what_is_no_path_is_left_to_the_validation(odd: dict[str, Any]) -> None:
    assert paths_at(odd, (*FILE_KEYS, *SOURCE_KEYS)) == []
    assert strip_folders(dict(odd)) == odd


def path_fields(annotation: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places of all paths in a recipe class."""
    if annotation is Path:
        yield place
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from path_fields(field.annotation, (*place, name))
    elif get_origin(annotation) in {Annotated, Union, UnionType, tuple}:
        for part in get_args(annotation):
            yield from path_fields(part, place)


@pytest.mark.parametrize("recipe", [Recipe, LandmarkRecipe])
def test_every_path_of_a_recipe_is_listed(recipe: type[BaseModel]) -> None:
    found = set(path_fields(recipe))
    assert len(found) > 2
    assert found <= {*FILE_KEYS, *SOURCE_KEYS}
