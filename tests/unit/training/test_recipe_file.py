from pathlib import Path

import pytest

from emolens.core.errors import ConfigError
from emolens.training.recipe_file import load_recipe, to_toml

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
    resolved.write_text(to_toml(loaded))
    assert load_recipe(resolved) == loaded


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_read_back(path: Path, tmp_path: Path) -> None:
    loaded = load_recipe(path)
    resolved = tmp_path / "resolved.toml"
    resolved.write_text(to_toml(loaded))
    assert load_recipe(resolved) == loaded


def test_odd_text_and_random_weights_read_back(recipe: Path, tmp_path: Path) -> None:
    loaded = load_recipe(
        recipe,
        [
            'data.name="two\\nlines \\"quoted\\" \\u007f ä"',
            "network.kind=backbone",
            "network.name=resnet18",
            "network.weights=random",
        ],
    )
    resolved = tmp_path / "resolved.toml"
    resolved.write_text(to_toml(loaded), encoding="utf-8")
    assert load_recipe(resolved) == loaded
    assert "\n" in loaded.data[0].name


def test_overrides_take_toml_values_and_bare_words(recipe: Path) -> None:
    loaded = load_recipe(
        recipe,
        ["phases.0.epochs=3", "schedule.optimizer=sgd", "seed=7", "network.kind=vit"],
    )
    assert (loaded.phases[0].epochs, loaded.schedule.optimizer, loaded.seed) == (3, "sgd", 7)
    assert loaded.network.kind == "vit"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("schedule.epoch=3", r"unknown key 'schedule.epoch'; valid here: batch_size, optimizer"),
        ("colour=1", r"unknown key 'colour'; valid here: name, seed, license, start"),
        ("phases.0.rate=1", r"unknown key 'phases.0.rate'; valid here: epochs, peak_rate"),
        ("network.layers=1", r"unknown key 'network.layers'; valid here: kind, blocks"),
        ("teacher.path=1", r"unknown key 'teacher.path'; valid here: checkpoints, weight"),
        ("phases.0.epochs=0", r"phases.0.epochs = 0: .*greater than or equal to 1"),
        ("phases.0.epochs=many", r"phases.0.epochs = 'many'"),
        ("phases.1.epochs=1", r"there are 1 entries, counted from 0; got '1'"),
        ("phases.0=1", r"name the key after the number"),
        ("phases.0.sizes=[[32, 40]]", r"sizes must leave epochs"),
        ("augment.flip=2", r"augment.flip = 2"),
        ("network.blocks=[1, 2]", r"network.blocks.2' is required"),
        ("network.blocks=[1, 2, 0, 1]", r"network.blocks.2 = 0"),
        ("network.kind=cnn", r"network.kind must be one of backbone, resnet, vit"),
        ("schedule.optimizer=lion", r"'adamw', 'adam' or 'sgd'"),
        ("network.stem_stride=3", r"network.stem_stride = 3"),
        ("name=Big Model", r"name = 'Big Model'"),
        ("data.classes=['happy']", r"two or more different ones of angry, disgust"),
        ("data.classes=['happy', 'bored']", r"two or more different ones of angry, disgust"),
        ("data.drop=['blurred']", r"data.drop.0 = 'blurred'.*'not_a_face'"),
        ("loss.class_weights=heavy", r"'none', 'sqrt', 'inverse' or 'effective'"),
        ("seed=100000000000", r"seed = 100000000000"),
        ("phases.0.peak_rate=inf", r"phases.0.peak_rate = inf"),
        ("hardware.devices=3", r"batch_size 128 must give each of 3 processes the same"),
        ("data.vit=1", r"unknown key 'data.vit'; valid here: name, source"),
        ("network.vit=1", r"unknown key 'network.vit'; valid here: kind, blocks"),
        ("snapshots=true", r"snapshots needs two or more phases"),
        ("schedule.batch_size", r"section.key=value"),
        ("name.first=x", r"name is a value, not a section"),
    ],
)
def test_wrong_values_are_named_with_the_valid_ones(
    recipe: Path, override: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipe(recipe, [override])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["network.kind=vit", "network.patch_px=7"], "size_px 48 must be a multiple of patch_px 7"),
        (["network.kind=vit", "network.heads=5"], "width 192 one of heads 5"),
        (["network.kind=vit", "network.blocks=1"], "valid here: kind, patch_px, width"),
        (["network.kind=backbone"], "'network.name' is required"),
        (
            ["network.mirrored=true", "network.stem_channels=5"],
            "mirrored needs even numbers of channels, got 5",
        ),
        (
            ["teacher.checkpoints=['a']", "phases.0.learning_stages=0"],
            "a teacher needs pictures",
        ),
        (
            ["data.sampling=sqrt", "loss.class_weights=sqrt"],
            "make up for the same thing; choose sampling or one of the others",
        ),
        (
            ["network.kind=vit", "phases.0.epochs=2", "phases.0.sizes=[[32, 1]]"],
            "phases.sizes needs a network of kind resnet",
        ),
    ],
)
def test_wrong_combinations_are_named(recipe: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipe(recipe, overrides)


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
