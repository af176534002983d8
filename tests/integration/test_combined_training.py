"""Training from several data sets at once, and from what raters saw."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from emolens.classification import OnnxEmotionClassifier
from emolens.datasets.faces import Split
from emolens.datasets.readers import expw, raf_db
from emolens.datasets.votes import VOTE_NAMES
from emolens.testing.layouts.expw import write_expw
from emolens.testing.layouts.raf_db import write_raf_db
from emolens.testing.layouts.samples import draw_samples
from emolens.training.checkpoint import load_checkpoint
from emolens.training.export import export_checkpoint
from emolens.training.fit import fit
from emolens.training.module import ExpressionModule
from emolens.training.recipe import Recipe
from tests.recipes import small_recipe

SIDE_PX = 16
N_RAF, N_EXPW = 42, 28


@dataclass(frozen=True)
class Run:
    """A finished run of three sources, and its recipe."""

    folder: Path
    recipe: Recipe

    @property
    def metrics(self) -> dict[str, Any]:
        """What `metrics.json` says."""
        metrics: dict[str, Any] = json.loads((self.folder / "metrics.json").read_text())
        return metrics


def losses(run_dir: Path) -> list[str]:
    """Training losses of all epochs of a run, in order."""
    found = []
    for log in sorted(run_dir.glob("phase-*/logs/*/metrics.csv")):
        with log.open() as file:
            found += [row.get("train_loss_epoch", "") for row in csv.DictReader(file)]
    return [loss for loss in found if loss]


def recipe_of(
    sections: Sequence[Mapping[str, object]],
    *,
    epochs: int,
    loss: Mapping[str, object],
    **sections_of_all: object,
) -> Recipe:
    network = {
        "blocks": [1, 1, 1, 1],
        "channels": [8, 8, 8, 8],
        "stem_channels": 4,
        "stem_stride": 1,
        "size_px": SIDE_PX,
    }
    return small_recipe(
        Path("unused"),
        epochs=epochs,
        batch_size=64,
        network=network,
        phases=({},),
        data=sections,
        loss=loss,
        **sections_of_all,
    )


@pytest.fixture(scope="module")
def run(generated_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two epochs on generated faces with votes, RAF-DB and ExpW, an image of which is missing."""
    folder = tmp_path_factory.mktemp("combined")
    splits = (Split.TRAIN, Split.TEST)
    raf = write_raf_db(folder / "raf", draw_samples(raf_db.SHEET, splits, per_class=N_RAF // 7))
    drawn = draw_samples(expw.SHEET, (None,), per_class=N_EXPW // 7, seed=1)
    scenes = write_expw(folder / "expw", drawn)
    (scenes / "image/origin/drawn_faces_2.jpg").unlink()
    sections = (
        {"name": "generated", "source": generated_data, "drop": ["not_a_face", "duplicates"]},
        {"name": "RAF-DB", "source": raf, "hold_out": 0.3, "weight": 2, "repeat": 2},
        {
            "name": "ExpW",
            "source": scenes,
            "hold_out": 0.3,
            "damaged": "skip",
            "label_smoothing": 0.25,
            "crop": 0.9,
        },
    )
    recipe = recipe_of(sections, epochs=2, loss={"vote_weight": 1.0}, faces={"sampling": "sqrt"})
    fit(recipe, folder / "run", show_progress=False)
    return Run(folder / "run", recipe)


def test_metrics_report_every_source(run: Run) -> None:
    metrics = run.metrics
    generated, raf, scenes = metrics["sources"]
    assert [one["name"] for one in metrics["sources"]] == ["generated", "RAF-DB", "ExpW"]
    assert (generated["n_training"], generated["n_validation"]) == (280, 140)
    assert raf["n_training"] + raf["n_validation"] == N_RAF
    # The missing image shows two faces.
    assert scenes["n_training"] + scenes["n_validation"] == N_EXPW - 2
    assert [one["n_damaged"] for one in metrics["sources"]] == [0, 0, 2]
    assert all("drawn_faces_2.jpg is missing" in message for message in scenes["damaged"])
    assert generated["n_dropped"] == {"not_a_face": 0, "duplicates": 0, "leaks_across_sources": 0}
    assert metrics["n_dropped"] == generated["n_dropped"]
    assert metrics["n_training"] == sum(one["n_training"] for one in metrics["sources"])


def test_every_source_is_measured_on_its_own_faces(run: Run) -> None:
    metrics = run.metrics
    sources = metrics["sources"]
    assert metrics["n"] == sum(one["n_validation"] for one in sources)
    n_hits = [one["accuracy"] * one["n_validation"] for one in sources]
    assert n_hits == pytest.approx([round(n) for n in n_hits])
    assert sum(n_hits) == pytest.approx(metrics["accuracy"] * metrics["n"])
    # Votes are known of the first source alone.
    assert metrics["ferplus"]["n_with_majority"] == 140


class _KilledError(RuntimeError):
    pass


def test_a_killed_run_of_several_sources_goes_on_as_if_it_never_stopped(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = ExpressionModule.training_step

    def dying_step(self: ExpressionModule, batch: object, index: int) -> torch.Tensor:
        if (self.current_epoch, index) == (1, 2):
            raise _KilledError
        return step(self, batch, index)  # type: ignore[arg-type]

    monkeypatch.setattr(ExpressionModule, "training_step", dying_step)
    with pytest.raises(_KilledError):
        fit(run.recipe, tmp_path, show_progress=False)
    monkeypatch.undo()
    fit(run.recipe, tmp_path, resume=True, show_progress=False)
    assert len(losses(run.folder)) == 2
    assert losses(tmp_path) == losses(run.folder)
    once, again = (
        load_checkpoint(path / "best.ckpt").networks[0] for path in (run.folder, tmp_path)
    )
    for key, value in once.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
    assert json.loads((tmp_path / "metrics.json").read_text()) == run.metrics


def test_a_run_is_exported_with_the_metrics_of_all_sources_or_of_one(
    run: Run, generated_data: Path, tmp_path: Path
) -> None:
    checkpoint, metrics = run.folder / "best.ckpt", run.metrics
    everywhere = export_checkpoint(checkpoint, tmp_path / "all.onnx").manifest
    assert everywhere.dataset == "generated + RAF-DB + ExpW"
    assert everywhere.metrics["accuracy"] == pytest.approx(metrics["accuracy"], abs=0.01)
    on_one = export_checkpoint(
        checkpoint, tmp_path / "one.onnx", validation=generated_data
    ).manifest
    written = OnnxEmotionClassifier.load(str(tmp_path / "one.onnx")).manifest
    assert written.metrics == on_one.metrics
    # Of 140 faces.
    n_hits = on_one.metrics["accuracy"] * 140
    assert n_hits == pytest.approx(round(n_hits))
    assert on_one.metrics != everywhere.metrics


def test_a_model_names_all_it_learnt_from_wherever_it_was_validated(
    run: Run, generated_data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "one.onnx"
    exported = export_checkpoint(run.folder / "best.ckpt", out, validation=generated_data)
    assert exported.manifest.dataset == "generated + RAF-DB + ExpW"


@pytest.fixture(scope="module")
def rated_data(generated_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated faces, of which six raters of ten see the class and four see neutral."""
    table = pq.read_table(generated_data)
    for name in VOTE_NAMES:
        column = f"ferplus_{name}"
        votes = table[column].to_numpy()
        seen = np.select([votes == 8, votes == 2], [6, 4], votes)
        table = table.set_column(table.schema.get_field_index(column), column, pa.array(seen))
    path = tmp_path_factory.mktemp("rated") / "rated.parquet"
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize("target", ["soft", "multi"])
def test_what_raters_saw_is_learnt(rated_data: Path, tmp_path: Path, target: str) -> None:
    section = {"name": "votes", "source": rated_data, "target": target}
    recipe = recipe_of(
        [section],
        epochs=6,
        loss={"label_smoothing": 0},
        augment={"mix": 0, "erase": 0, "rotation_deg": 0, "shear_deg": 0, "zoom": 0},
    )
    fit(recipe, tmp_path, show_progress=False)
    found = [float(loss) for loss in losses(tmp_path)]
    assert len(found) == 6
    assert found[-1] < 0.9 * found[0]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert (metrics["n_training"], metrics["n"]) == (280, 140)
    assert metrics["sources"][0]["n_dropped"] == {}
    assert metrics["ferplus"]["n_with_majority"] == 140
