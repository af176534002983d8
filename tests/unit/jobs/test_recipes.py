"""The list of shipped recipes and the copies to work with."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest

from emolens.core.errors import ConfigError
from emolens.jobs.recipes import ShippedRecipe, copy_recipe, shipped_recipes

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def recipes() -> dict[str, ShippedRecipe]:
    return {recipe.name: recipe for recipe in shipped_recipes()}


def test_every_recipe_and_the_notebook_are_listed(recipes: dict[str, ShippedRecipe]) -> None:
    files = sorted(path.stem for path in (ROOT / "recipes").glob("*.toml"))
    assert list(recipes) == [*files, "tutorial"]


def test_every_recipe_has_a_summary_and_a_time(recipes: dict[str, ShippedRecipe]) -> None:
    for recipe in recipes.values():
        assert 20 < len(recipe.summary) < 200, recipe.name
        assert "\n" not in recipe.summary
        assert recipe.time, recipe.name


def test_what_a_recipe_needs_is_read_from_it(recipes: dict[str, ShippedRecipe]) -> None:
    assert recipes["resnet18-48px"].needs == "fer2013"
    assert recipes["own-images"].needs == "my-images; checkpoints teacher-3"
    assert recipes["transfer-resnet34"].needs.endswith("ImageNet weights from the Hugging Face hub")
    assert recipes["face-resnet"].needs == "fer2013; dlib_face_recognition_resnet_model_v1.dat"
    assert recipes["landmarks"].sources == ("fer2013", "wild/more.parquet", "wild/dev.parquet")
    assert recipes["tutorial"].needs == "nothing"


def test_a_copy_has_its_checkpoints_beside_it(tmp_path: Path) -> None:
    copied = copy_recipe("taught", tmp_path / "new")
    names = [path.relative_to(tmp_path / "new").as_posix() for path in copied.written]
    assert names == ["taught.toml", *(f"checkpoints/teacher-{n}.ckpt" for n in (1, 2, 3))]
    assert copied.missing == ()
    teacher = tomllib.loads(copied.written[0].read_text())["teacher"]
    assert teacher["checkpoints"] == names[1:]
    assert copied.written[1].read_bytes() == (ROOT / names[1]).read_bytes()


def test_checkpoints_that_exist_are_kept(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    mine = tmp_path / "checkpoints/teacher-3.ckpt"
    mine.write_bytes(b"mine")
    assert copy_recipe("own-images", tmp_path).written == (tmp_path / "own-images.toml",)
    assert mine.read_bytes() == b"mine"


def test_missing_files_are_listed(tmp_path: Path) -> None:
    copied = copy_recipe("face-resnet.toml", tmp_path)
    assert copied.missing == (tmp_path / "dlib_face_recognition_resnet_model_v1.dat",)
    assert "face_recognition_models" in copied.written[0].read_text()
    assert copied.advice == (
        f"{tmp_path}/face-resnet.toml needs dlib_face_recognition_resnet_model_v1.dat beside it. "
        "Its first lines state the origin of the file."
    )


def test_an_installed_package_has_no_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "emolens/recipes"
    shutil.copytree(ROOT / "recipes", installed)
    monkeypatch.setattr("emolens.jobs.recipes._FOLDERS", (installed,))
    copied = copy_recipe("fast", tmp_path / "new")
    assert copied.written == (tmp_path / "new/fast.toml",)
    assert copied.missing == (tmp_path / "new/checkpoints/teacher-3.ckpt",)
    assert "fast.toml needs teacher-3.ckpt, not in the installed package. Copy" in copied.advice


def test_the_notebook_is_copied_unchanged(tmp_path: Path) -> None:
    written = copy_recipe("tutorial", tmp_path).written
    assert [path.name for path in written] == ["tutorial.ipynb"]
    assert json.loads(written[0].read_text(encoding="utf-8"))["nbformat"] == 4
    assert written[0].read_bytes() == (ROOT / "notebooks/tutorial.ipynb").read_bytes()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "taught.toml").write_text("mine")
    with pytest.raises(ConfigError, match=r"taught\.toml: already exists\. Choose another folder"):
        copy_recipe("taught", tmp_path)
    assert (tmp_path / "taught.toml").read_text() == "mine"


@pytest.mark.parametrize("name", ["none", "", "../recipes/taught", "tutorial.toml.ipynb"])
def test_an_unknown_name_is_told_with_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="allowed: accurate, combined, .*, tutorial"):
        copy_recipe(name, tmp_path)
    assert not list(tmp_path.iterdir())
