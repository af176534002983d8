"""Every recipe that is shipped runs from beginning to end, on drawn images."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.training.architectures import build_network
from emolens.training.checkpoint import save_checkpoint
from emolens.training.fit import fit
from emolens.training.network_sections import BackboneSection, FaceResNetSection
from emolens.training.recipe import Recipe
from emolens.training.recipe_file import load_recipe
from tests.recipes import small_recipe
from tests.scripts import load_script

ROOT = Path(__file__).parents[2]
# The landmark network has a recipe of another kind: test_landmark_training.py.
RECIPES = sorted(set((ROOT / "recipes").glob("*.toml")) - {ROOT / "recipes/landmarks.toml"})


@pytest.fixture(scope="session")
def training_rows(generated_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training rows of the generated data alone."""
    table = pq.read_table(generated_data)
    path = tmp_path_factory.mktemp("training") / "training.parquet"
    pq.write_table(table.filter(pa.compute.equal(table["usage"], "Training")), path)
    return path


@pytest.fixture(scope="session")
def stand_in(generated_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a checkpoint, untrained, that stands in for one that a recipe builds upon."""

    def make(recipe: Recipe) -> Path:
        path = tmp_path_factory.mktemp("stand-in") / "best.ckpt"
        save_checkpoint(path, recipe, [build_network(recipe).state_dict()], "none")
        return path

    return make


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_run(
    path: Path,
    generated_data: Path,
    training_rows: Path,
    tmp_path: Path,
    stand_in: Callable[..., Path],
) -> None:
    """Every recipe as it is, but for the data, the time it takes and what others must have made."""
    recipe = load_recipe(path)
    values = recipe.model_dump(exclude_none=True)
    values["data"] = [
        # What has no validation split of its own gets one, so that the key for it stays as it is.
        section | {"source": training_rows if section["hold_out"] else generated_data}
        for section in values["data"]
    ]
    values["schedule"]["batch_size"] = 140 if len(recipe.class_indices) == 7 else 60
    values["phases"] = [
        {**phase, "epochs": 1 + len(phase["sizes"]), "sizes": [(s, 1) for s, _ in phase["sizes"]]}
        for phase in values["phases"]
    ]
    if isinstance(recipe.network, BackboneSection):
        # No network in tests, and a large image takes long.
        values["network"] |= {"weights": "random", "size_px": 32}
    if isinstance(recipe.network, FaceResNetSection):
        values["network"]["weights"] = "random"
    if recipe.start:
        values["start"] = ROOT / recipe.start
    values["ensemble"] = [ROOT / member for member in recipe.ensemble]
    if recipe.teacher:
        small = small_recipe(generated_data)
        values["teacher"]["checkpoints"] = [stand_in(small)]
    result = fit(Recipe.model_validate(values), tmp_path, show_progress=False)
    assert result.best.exists()
    assert 0 <= result.val_accuracy <= 1


def test_times_of_recipes_are_as_measured() -> None:
    script = load_script(ROOT / "docs/experiments/recipe_times.py")
    measured = json.loads((ROOT / "docs/metrics/recipe-times.json").read_text())
    paths = sorted((ROOT / "recipes").glob("*.toml"))
    assert [path.stem for path in paths] == sorted(measured)
    for path in paths:
        assert script.time_line(measured[path.stem]) in path.read_text().splitlines(), path.stem
