"""A landmark network from its recipe to a model file, taught by a detector that knows nobody."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import ConfigError, DatasetError, ModelError
from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.runtime.model_file import LANDMARK_OUTPUTS, load_emotion_model, load_landmark_model
from emolens.training.landmarks import teaching
from emolens.training.landmarks.checkpoint import is_landmark_checkpoint, load_landmarks
from emolens.training.landmarks.export import export_landmarks
from emolens.training.landmarks.fit import fit_landmarks, load_landmark_recipe
from emolens.training.landmarks.recipe import LandmarkRecipe

RECIPE = Path(__file__).parents[2] / "recipes/landmarks.toml"
POINTS = np.array([[-1, -0.6], [1, -0.6], [0, 0.2], [-0.7, 1], [0.7, 1]])


class MiddleDetector:
    """Sees a face in the middle of every image."""

    name = "middle"

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        side = image.shape[0]
        box = Box.from_center((side / 2, side / 2), side / 2)
        points = (POINTS * side / 10 + side / 2).astype(np.float32)
        return [FaceDetection(box, 0.9, points)]


class BlindDetector(MiddleDetector):
    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        return []


@pytest.fixture(autouse=True)
def teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teaching, "load_detector", lambda _name, *, long_side_px: MiddleDetector())


def small(source: Path, *, ema_decay: float = 0.999, **phase: object) -> LandmarkRecipe:
    """The shipped recipe with a small network, on other images."""
    values: dict[str, Any] = load_landmark_recipe(RECIPE).model_dump()
    values["images"] = [{"name": "drawn", "source": source, "split": "Training"}]
    values["validation"] = [{"source": source, "split": "PublicTest"}]
    values["teachers"] = [{"detector": "centerface", "sides_px": [64]}]
    values["network"] = {"size_px": 32, "channels": [4, 4, 8, 8], "hidden": 8}
    values["schedule"] |= {"batch_size": 40, "ema_decay": ema_decay}
    short = {"epochs": 2, "warmup_epochs": 1}
    values["phases"] = [section | short | phase for section in values["phases"]]
    values["hardware"]["precision"] = "fp32"
    return LandmarkRecipe.model_validate(values)


@pytest.fixture
def run(generated_data: Path, tmp_path: Path) -> Path:
    fit_landmarks(small(generated_data), tmp_path / "run", show_progress=False)
    return tmp_path / "run"


def test_from_recipe_to_model_file(run: Path, tmp_path: Path) -> None:
    loaded = load_landmarks(run / "best.ckpt")
    assert 0 < loaded.metrics["val_error"] < 1
    exported = export_landmarks(run / "best.ckpt", tmp_path / "small.onnx")
    assert exported.parity < 1e-5
    assert exported.size_bytes == (tmp_path / "small.onnx").stat().st_size
    model = load_landmark_model(tmp_path / "small.onnx")
    assert model.manifest.size_px == 32
    assert model.manifest.dataset == "drawn"
    closeup = np.zeros((1, 1, 32, 32), np.float32)
    landmarks, boxes, is_face = model.session.run({"faces": closeup}, LANDMARK_OUTPUTS)
    assert landmarks.shape == (1, 5, 2)
    assert boxes.shape == (1, 4)
    assert 0 <= float(is_face[0]) <= 1


def test_it_learns(generated_data: Path, tmp_path: Path) -> None:
    errors = [
        fit_landmarks(
            small(generated_data, epochs=epochs, ema_decay=0.5),
            tmp_path / str(epochs),
            show_progress=False,
        ).val_error
        for epochs in (1, 12)
    ]
    # Stripes tell little of where a face is, but its usual place can be learnt.
    assert errors[1] < 0.97 * errors[0]


def test_a_finished_run_is_resumed_to_the_same_network(generated_data: Path, run: Path) -> None:
    before = (run / "best.ckpt").read_bytes()
    error = load_landmarks(run / "best.ckpt").metrics["val_error"]
    again = fit_landmarks(small(generated_data), run, resume=True, show_progress=False)
    assert again.val_error == pytest.approx(error)
    assert len(before) == len((run / "best.ckpt").read_bytes())


def test_a_resumed_run_asks_the_teachers_once(
    generated_data: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_name: str, *, long_side_px: int) -> None:
        raise AssertionError(long_side_px)

    monkeypatch.setattr(teaching, "load_detector", refuse)
    fit_landmarks(small(generated_data), run, resume=True, show_progress=False)


@pytest.mark.parametrize(
    ("changes", "is_resumed", "message"),
    [
        ({}, False, "already holds a run"),
        ({"peak_rate": 0.5}, True, "another recipe: phases.0.peak_rate"),
    ],
)
def test_a_folder_with_another_run_is_refused(
    generated_data: Path, run: Path, changes: dict[str, float], is_resumed: bool, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        fit_landmarks(small(generated_data, **changes), run, resume=is_resumed)


def test_there_must_be_a_run_to_resume(generated_data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no run to resume"):
        fit_landmarks(small(generated_data), tmp_path, resume=True)


def test_teachers_that_see_no_face_teach_nothing(
    generated_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teaching, "load_detector", lambda _name, *, long_side_px: BlindDetector())
    with pytest.raises(DatasetError, match="the teachers agree on no face"):
        fit_landmarks(small(generated_data), tmp_path / "run", show_progress=False)


def test_kinds_of_models_are_told_apart(run: Path, small_run: Path, tmp_path: Path) -> None:
    assert is_landmark_checkpoint(run / "best.ckpt")
    assert not is_landmark_checkpoint(small_run / "best.ckpt")
    assert not is_landmark_checkpoint(tmp_path / "none.ckpt")
    with pytest.raises(ConfigError, match="not a landmark checkpoint"):
        load_landmarks(small_run / "best.ckpt")
    export_landmarks(run / "best.ckpt", tmp_path / "small.onnx")
    with pytest.raises(ModelError, match="manifest"):
        load_emotion_model(tmp_path / "small.onnx")
    emotion = Path(__file__).parents[2] / "src/emolens/models/everyday.onnx"
    with pytest.raises(ModelError, match="manifest"):
        load_landmark_model(emotion)


def test_an_unknown_key_is_told_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.read_text().replace("hidden =", "hiden ="))
    with pytest.raises(ConfigError, match=r"unknown key 'network.hiden'; allowed: size_px"):
        load_landmark_recipe(path)
