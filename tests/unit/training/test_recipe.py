from pathlib import Path

import pytest

from emolens.core.errors import ConfigError
from emolens.training.recipe import load_recipe

RECIPES = sorted((Path(__file__).parents[3] / "recipes").glob("*.toml"))
MINIMAL = 'name = "x"\n[data]\nsource = "faces.csv"\n'


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(MINIMAL)
    return path


def test_there_are_recipes() -> None:
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_load_and_are_named_like_their_files(path: Path) -> None:
    assert load_recipe(path).name == path.stem


def test_a_resolved_recipe_reads_back(recipe: Path, tmp_path: Path) -> None:
    loaded = load_recipe(recipe, ["data.source='it\\s \"odd\".csv'", "network.blocks=[1, 2, 1, 2]"])
    resolved = tmp_path / "resolved.toml"
    resolved.write_text(loaded.to_toml())
    assert load_recipe(resolved) == loaded


def test_overrides_take_toml_values_and_bare_words(recipe: Path) -> None:
    loaded = load_recipe(recipe, ["schedule.epochs=3", "schedule.optimizer=sgd", "seed=7"])
    assert (loaded.schedule.epochs, loaded.schedule.optimizer, loaded.seed) == (3, "sgd", 7)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("schedule.epoch=3", r"unknown key 'schedule.epoch'; valid here: epochs, batch_size"),
        ("colour=1", r"unknown key 'colour'; valid here: name, seed, license, data"),
        ("schedule.epochs=0", r"schedule.epochs = 0: .*greater than or equal to 1"),
        ("schedule.epochs=many", r"schedule.epochs = 'many'"),
        ("augment.flip=2", r"augment.flip = 2"),
        ("network.blocks=[1, 2]", r"network.blocks.2' is required"),
        ("network.blocks=[1, 2, 0, 1]", r"network.blocks.2 = 0"),
        ("schedule.optimizer=lion", r"'adamw' or 'sgd'"),
        ("network.stem_stride=3", r"network.stem_stride = 3"),
        ("name=Big Model", r"name = 'Big Model'"),
        ("schedule.epochs", r"section.key=value"),
        ("name.first=x", r"name is a value, not a section"),
    ],
)
def test_wrong_values_are_named_with_the_valid_ones(
    recipe: Path, override: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipe(recipe, [override])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'name = "x"', "'data' is required"),
        (b"name = ", "not valid TOML"),
        (b"\xff\xfe", "not valid TOML"),
    ],
)
def test_files_that_are_no_recipe_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load_recipe(path)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none.toml: cannot read"):
        load_recipe(tmp_path / "none.toml")
