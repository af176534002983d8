from pathlib import Path

import pytest

from emolens.core.errors import ConfigError
from emolens.training.recipe_file import load_recipe, to_toml

FOLDER = Path(__file__).parents[3] / "recipes"
# The landmark network has a recipe of another kind.
RECIPES = sorted(set(FOLDER.glob("*.toml")) - {FOLDER / "landmarks.toml"})
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
        ("schedule.epoch=3", r"unknown key 'schedule.epoch'; allowed: batch_size, optimizer"),
        ("colour=1", r"unknown key 'colour'; allowed: name, seed, license, pretrained"),
        ("phases.0.rate=1", r"unknown key 'phases.0.rate'; allowed: epochs, peak_rate"),
        ("network.layers=1", r"unknown key 'network.layers'; allowed: kind, blocks"),
        (
            "teacher.path=1",
            r"unknown key 'teacher.path'; allowed: checkpoints, asked_about",
        ),
        ("phases.0.epochs=0", r"phases.0.epochs = 0: .*greater than or equal to 1"),
        ("phases.0.epochs=many", r"phases.0.epochs = 'many'"),
        ("phases.1.epochs=1", r"'1' is not an index of 1 entries; indices start at 0"),
        ("phases.0=1", r"phases is a list; name entry and key: phases\.0\.KEY="),
        ("phases.0.sizes=[[32, 40]]", r"sizes must leave epochs"),
        ("augment.flip=2", r"augment.flip = 2"),
        ("network.blocks=[1, 2]", r"network.blocks.2' is missing"),
        ("network.blocks=[1, 2, 0, 1]", r"network.blocks.2 = 0"),
        ("network.kind=cnn", r"network.kind must be one of backbone, face-resnet, resnet, vit"),
        ("schedule.optimizer=lion", r"'adamw', 'adam' or 'sgd'"),
        ("network.stem_stride=3", r"network.stem_stride = 3"),
        ("name=Big Model", r"name = 'Big Model'"),
        ("data.classes=['happy']", r"two or more different ones of angry, disgust"),
        ("data.classes=['happy', 'bored']", r"two or more different ones of angry, disgust"),
        ("data.drop=['blurred']", r"data.drop.0 = 'blurred'.*'not_a_face'"),
        ("loss.class_weights=heavy", r"'none', 'sqrt', 'inverse' or 'effective'"),
        ("seed=100000000000", r"seed = 100000000000"),
        ("phases.0.peak_rate=inf", r"phases.0.peak_rate = inf"),
        ("hardware.devices=3", r"batch_size 128 must be a multiple of the 3 processes"),
        ("data.vit=1", r"unknown key 'data.vit'; allowed: name, source"),
        ("network.vit=1", r"unknown key 'network.vit'; allowed: kind, blocks"),
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
        (["network.kind=vit", "network.heads=5"], "width 192 a multiple of heads 5"),
        (["network.kind=vit", "network.blocks=1"], "allowed: kind, patch_px, width"),
        (["network.kind=backbone"], "'network.name' is missing"),
        (
            ["network.kind=face-resnet", "network.foo=1"],
            "unknown key 'network.foo'; allowed: kind, ",
        ),
        (
            ["network.mirrored=true", "network.stem_channels=5"],
            "mirrored needs even numbers of channels; got 5",
        ),
        (
            ["teacher.checkpoints=['a']", "phases.0.learning_stages=0"],
            "asked_about = 'batches' does not work with learning_stages = 0",
        ),
        (
            ["data.sampling=sqrt", "loss.class_weights=sqrt"],
            "corrects for class imbalance twice .*; set sampling or the others",
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
        (b'name = "x"', "'data' is missing"),
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


SEVERAL = """
name = "x"

[faces]
sampling = "sqrt"
classes = ["happy", "sad"]

[[data]]
name = "first"
source = "a.csv"
hold_out = 0.1

[[data]]
name = "second"
source = "b"
target = "soft"
damaged = "skip"
weight = 0.5
label_smoothing = 0.25
drop = ["leaks", "duplicates"]
"""


@pytest.fixture
def several(tmp_path: Path) -> Path:
    path = tmp_path / "several.toml"
    path.write_text(SEVERAL)
    return path


def test_several_sections_read_back(several: Path, tmp_path: Path) -> None:
    loaded = load_recipe(several)
    assert [section.name for section in loaded.data] == ["first", "second"]
    resolved = tmp_path / "resolved.toml"
    resolved.write_text(to_toml(loaded))
    assert load_recipe(resolved) == loaded
    assert resolved.read_text().count("[[data]]") == 2
    assert resolved.read_text().count("label_smoothing = 0.25") == 1


def test_old_keys_are_written_where_they_belong_now(recipe: Path, tmp_path: Path) -> None:
    loaded = load_recipe(recipe, ["data.size_px=32", "data.sampling=sqrt"])
    resolved = tmp_path / "resolved.toml"
    resolved.write_text(to_toml(loaded))
    assert load_recipe(resolved) == loaded
    data, _, faces = to_toml(loaded).partition("[faces]")
    assert "size_px = 32" in faces.partition("[network]")[0]
    assert "size_px" not in data


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.1.wieght=3", r"unknown key 'data.1.wieght'; allowed: name, source, validation"),
        ("data.1.weight=0", r"data.1.weight = 0: .*greater than 0"),
        ("data.0.drop=['blurred']", r"data.0.drop.0 = 'blurred'"),
        ("data.1.classes=['happy']", r"unknown key 'data.1.classes'"),
        ("data.1.name=first", r"recipe: the names of \[\[data\]\] sections must differ"),
        ("data.1.target=multi", r"recipe: target = 'multi' .*set augment.mix = 0"),
        ("data.2.name=third", r"'2' is not an index of 2 entries; indices start at 0"),
        ("data.name=x", r"data is a list; name entry and key: data\.0\.name="),
        ("faces.classes=['happy']", r"faces: classes must be two or more"),
        ("faces.side_px=3", r"unknown key 'faces.side_px'; allowed: classes, size_px, sampling"),
    ],
)
def test_keys_of_several_sections_are_numbered(several: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipe(several, [override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.weight=0", r"toml: data.weight = 0: .*greater than 0"),
        ("data.wieght=3", r"unknown key 'data.wieght'; allowed: name, source, validation"),
        ("data.target=multi", r"recipe: target = 'multi'"),
        ("data.hold_out=1", r"toml: data.hold_out = 1: .*less than 1"),
    ],
)
def test_keys_of_one_section_are_not(recipe: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipe(recipe, [override])


def test_overrides_reach_each_section(several: Path) -> None:
    loaded = load_recipe(several, ["data.0.weight=3", "data.1.name=other", "faces.size_px=24"])
    assert [section.weight for section in loaded.data] == [3, 0.5]
    assert loaded.data[1].name == "other"
    assert loaded.faces.size_px == 24


def test_a_section_without_source_is_named(several: Path) -> None:
    several.write_text(SEVERAL.replace('source = "b"\n', ""))
    with pytest.raises(ConfigError, match=r"the key 'data.1.source' is missing"):
        load_recipe(several)


@pytest.mark.parametrize("override", ["data.wieght=3", "phases.0.epoch=3"])
def test_one_mistake_is_one_problem(recipe: Path, override: str) -> None:
    with pytest.raises(ConfigError, match="unknown key") as raised:
        load_recipe(recipe, [override])
    assert "Tuple should have" not in str(raised.value)
