"""`emolens explain` as a script sees it: table, image, exit codes."""

import re
import subprocess
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import LABELS
from emolens.explanation import MapKind
from emolens.explanation.agreement import MEASURED
from emolens.imaging.decode import read_image
from emolens.pipeline.models import Models
from tests.command_line import run_emolens
from tests.recipes import small_recipe


def explain_command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run_emolens("explain", *arguments, cwd=cwd)


@pytest.fixture
def folder(tmp_path: Path, astronaut: npt.NDArray[np.uint8]) -> Path:
    cv2.imwrite(str(tmp_path / "portrait.png"), astronaut)
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((120, 160, 3), 128, np.uint8))
    small = cv2.resize(astronaut, (320, 320), interpolation=cv2.INTER_AREA)
    two = np.full((512, 860, 3), 120, np.uint8)
    two[:, :512], two[100:420, 520:840] = astronaut, small[:, ::-1]
    cv2.imwrite(str(tmp_path / "two.png"), two)
    return tmp_path


def test_all_classes_side_by_side_beside_the_current_folder_s_other_files(folder: Path) -> None:
    done = explain_command("portrait.png", cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert re.search(r"happy (9[0-9]|100)%", lines[1])
    assert [line for line in lines if re.search(r"happy +9[0-9]\.[0-9]%", line)]
    for label in LABELS:
        assert sum(label in line for line in lines[1:]) >= 1
    assert "wrote portrait-explained.png" in done.stderr
    figure = read_image(folder / "portrait-explained.png").image
    height, width = figure.shape[:2]
    assert width > 4 * height
    # Only the class that is there glows: one of the seven maps above the words.
    maps = figure[:, width // 8 :].astype(int)
    glows = maps[:, :, 1] - maps[:, :, 0] > 40
    places = np.flatnonzero(glows[: int(0.7 * height)].any(axis=0))
    assert len(places) > width / 100
    assert np.ptp(places) < width / 8


def test_the_image_itself_is_never_overwritten(folder: Path) -> None:
    before = (folder / "portrait.png").read_bytes()
    done = explain_command("portrait.png", "--out", f"../{folder.name}/portrait.png", cwd=folder)
    assert done.returncode == 1
    assert "the output would overwrite the source. Use another name." in done.stderr
    assert (folder / "portrait.png").read_bytes() == before


def test_one_class_large(folder: Path) -> None:
    done = explain_command(
        "portrait.png",
        "--emotion",
        "Happy",
        "--out",
        "new/a.png",
        "--model",
        "labels-small",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    height, width = read_image(folder / "new/a.png").image.shape[:2]
    assert 560 <= width < height < 900
    assert not (folder / "portrait-explained.png").exists()


def test_every_face_has_its_row(folder: Path) -> None:
    one = explain_command("portrait.png", "--model", "labels-small", cwd=folder)
    two = explain_command("two.png", "--model", "labels-small", cwd=folder)
    assert one.stdout.count("face 1 at") == two.stdout.count("face 1 at") == 1
    assert two.stdout.count("face 2 at") == 1
    assert len(two.stdout.splitlines()) == 1 + 2 * 7
    heights = [
        read_image(folder / f"{name}-explained.png").image.shape[0] for name in ("portrait", "two")
    ]
    assert heights[0] < heights[1]


def test_no_face_is_an_empty_answer(folder: Path) -> None:
    done = explain_command("blank.png", "--out", "a.png", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no face detected, no file written" in done.stderr
    assert not (folder / "a.png").exists()


def test_a_face_crop_needs_no_detector_and_quiet_says_nothing(
    folder: Path, gray_faces: npt.NDArray[np.uint8]
) -> None:
    cv2.imwrite(str(folder / "crop.png"), gray_faces[0])
    done = explain_command(
        "crop.png", "--face-crops", "--quiet", "--model", "labels-small", cwd=folder
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (folder / "crop-explained.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["portrait.png", "--emotion", "joy"], "unknown emotion 'joy'; allowed: angry, disgust"),
        (["none.png"], "none.png"),
        (["."], "is a folder"),
        (["portrait.png", "--model", "huge"], "unknown emotion model 'huge'"),
        (["portrait.png", "--model", "none.ckpt"], "none.ckpt: no such checkpoint"),
        (["portrait.png", "--detector", "haar"], "unknown detector 'haar'"),
        (["portrait.png", "--out", "a.gif"], "the suffix is '.gif'; allowed: .png, .jpg"),
    ],
)
def test_what_cannot_be_done_ends_with_1_and_says_why(
    arguments: list[str], message: str, folder: Path
) -> None:
    done = explain_command(*arguments, "--quiet", cwd=folder)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert {path.name for path in folder.iterdir()} == {"portrait.png", "blank.png", "two.png"}


@pytest.mark.parametrize("kind", ["occlusion", "activation"])
def test_each_kind_of_map_tells_its_unit_and_its_agreement(kind: str, folder: Path) -> None:
    done = explain_command("portrait.png", "--kind", kind, "--out", "a.png", cwd=folder)
    assert done.returncode == 0, done.stderr
    heading = {"occlusion": "drop when blurred", "activation": "evidence"}[kind]
    assert heading in done.stdout.splitlines()[0]
    model = Models().classifier.model_sha256
    measured = MEASURED[model][MapKind(kind)]
    text = " ".join(done.stderr.split())
    assert f"{kind} maps: For {measured.share:.0%} of {measured.n_faces:,} faces" in text
    assert ("use occlusion maps" in text) is not measured.passes


def test_the_smile_matters_at_the_mouth(folder: Path) -> None:
    done = explain_command("portrait.png", cwd=folder)
    (happy,) = [line for line in done.stdout.splitlines() if re.search(r"happy +9[0-9]\.", line)]
    points = re.search(r"% +lower (centre|left|right) (\d+) points", happy)
    assert points, happy
    assert int(points[2]) > 20
    # The map of the plot is lightest at the mouth.
    explain_command("portrait.png", "--emotion", "happy", "--out", "a.png", cwd=folder)
    plot = read_image(folder / "a.png").image[60:620, 40:600].astype(int)
    light = (plot[:, :, 1] - plot[:, :, 0]).clip(0)
    upper, middle, lower = (part.sum() for part in np.array_split(light.sum(axis=1), 3))
    assert lower > upper + middle


def test_a_face_where_no_place_matters_is_dark_and_says_so(folder: Path) -> None:
    done = explain_command("portrait.png", "--emotion", "angry", "--out", "a.png", cwd=folder)
    (angry,) = [line for line in done.stdout.splitlines() if "angry" in line]
    assert "no single region (0 points at most)" in angry
    plot = read_image(folder / "a.png").image[60:560, 40:600].astype(int)
    assert (plot[:, :, 1] - plot[:, :, 0]).max() < 20


def test_models_with_dense_layers_have_occlusion_maps_and_grad_cam_of_their_checkpoint(
    folder: Path, generated_data: Path
) -> None:
    from emolens.training.export import export_checkpoint
    from emolens.training.fit import fit

    network = {
        "kind": "backbone",
        "name": "resnet18",
        "weights": "random",
        "size_px": 32,
        "hidden": [8],
    }
    fit(small_recipe(generated_data, epochs=1, network=network), folder, show_progress=False)
    export_checkpoint(folder / "best.ckpt", folder / "dense.onnx")
    for model, kind in (
        ("best.ckpt", "activation"),
        ("best.ckpt", "occlusion"),
        ("dense.onnx", "occlusion"),
    ):
        done = explain_command(
            "portrait.png", "--model", model, "--kind", kind, "--out", "a.png", cwd=folder
        )
        assert done.returncode == 0, done.stderr
        assert f"The agreement of {kind} maps" in done.stderr
        assert read_image(folder / "a.png").image.shape[1] > 8 * 168
    default = explain_command("portrait.png", "--model", "dense.onnx", cwd=folder)
    assert "drop when blurred" in default.stdout
    refused = explain_command(
        "portrait.png", "--model", "dense.onnx", "--kind", "activation", cwd=folder
    )
    assert refused.returncode == 1
    assert "no class-activation maps" in refused.stderr
    assert "use --kind occlusion" in refused.stderr
