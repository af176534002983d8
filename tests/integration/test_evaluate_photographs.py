"""`emolens evaluate` on whole photographs and by group."""

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.media.sample import sample_image, second_sample_image
from tests.command_line import run_emolens as command

SIDE_PX = 900


def on_canvas(image: npt.NDArray[np.uint8], *, x: int, y: int) -> npt.NDArray[np.uint8]:
    canvas = np.full((SIDE_PX, SIDE_PX, 3), 110, np.uint8)
    height, width = image.shape[:2]
    canvas[y : y + height, x : x + width] = image
    return canvas


def write(file: Path, image: npt.NDArray[np.uint8]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), image)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven photographs: five with one face, one with two, one without; and one blurred face."""
    folder = tmp_path_factory.mktemp("photographs")
    one, two = (
        np.asarray(cv2.imread(str(path)), np.uint8)
        for path in (sample_image(), second_sample_image())
    )
    one = np.ascontiguousarray(one[:400, :400])
    root = folder / "photos"
    write(root / "happy/one.png", on_canvas(one, x=40, y=300))
    write(root / "happy/large.png", np.asarray(cv2.resize(one, (680, 680)), np.uint8))
    write(root / "happy/lit.png", on_canvas(np.asarray(one * 0.7, np.uint8), x=400, y=20))
    write(root / "happy/two.png", on_canvas(two, x=100, y=100))
    both = on_canvas(one, x=0, y=0)
    both[500:800, 550:806] = cv2.resize(two, (256, 300))
    write(root / "happy/both.png", both)
    write(root / "sad/nobody.png", np.full((SIDE_PX, SIDE_PX, 3), 110, np.uint8))
    write(root / "sad/dark.png", on_canvas(np.asarray(one // 40, np.uint8), x=40, y=300) // 40)
    write(root / "sad/wrong.png", on_canvas(one[:, ::-1], x=10, y=250))
    table = ["path,camera", *(f"happy/{name}.png,A" for name in ("one", "large", "lit", "both"))]
    (root / "groups.csv").write_text("\n".join([*table, "sad/nobody.png,B", "sad/dark.png,B"]))
    return folder


def results(*arguments: str, cwd: Path) -> dict[str, Any]:
    done = command("evaluate", "--model", "everyday", *arguments, "--json", "-", cwd=cwd)
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record


@pytest.fixture(scope="module")
def detected(folder: Path) -> dict[str, Any]:
    return results("--data", "photos", "--detect", "--group", "camera", cwd=folder)


def test_the_results_are_those_of_emolens_image(folder: Path, detected: dict[str, Any]) -> None:
    done = command("image", "photos", "--model", "everyday", "--jsonl", "-", "-q", cwd=folder)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    faces = {Path(one["path"]).parts[-2:]: one["faces"] for one in records}
    assert len(faces) == 8
    right = {place: bool(found) and found[0]["label"] == place[0] for place, found in faces.items()}
    detection = detected["detection"]
    assert detection["n_images"] == 8
    assert detection["n_no_face"] == sum(not found for found in faces.values()) >= 1
    labelled = [found for found in faces.values() if found and found[0]["label"] is not None]
    n_faces = 8 - detection["n_no_face"]
    assert detection["n_not_assessable"] == n_faces - len(labelled)
    assert detection["n_several_faces"] == sum(len(found) > 1 for found in faces.values()) == 1
    assert detection["all_images"]["accuracy"] == pytest.approx(sum(right.values()) / 8)
    assert detection["with_label"]["accuracy"] == pytest.approx(sum(right.values()) / len(labelled))
    assert detected["n"] == detection["with_face"]["n"] == n_faces
    assert detected["detector"]


def test_an_image_without_a_face_is_no_neutral_face(detected: dict[str, Any]) -> None:
    assert detected["per_class"]["sad"]["support"] == 3 - detected["detection"]["n_no_face"]
    assert np.sum(detected["confusion_matrix"]) == detected["n"]


def test_groups_have_rows_of_their_own(detected: dict[str, Any]) -> None:
    groups = {one["name"]: one for one in detected["by_group"]["groups"]}
    assert {name: one["n_images"] for name, one in groups.items()} == {"A": 4, "B": 2, "(none)": 2}
    assert groups["A"]["accuracy"] == 1
    assert groups["B"]["detection"]["n_no_face"] >= 1
    assert detected["by_group"]["differences"] == []


def test_whole_photographs_without_detection_are_warned_about(folder: Path) -> None:
    record = results("--data", "photos", cwd=folder)
    [warning] = record["warnings"]
    assert "Add --detect (detect=True)" in warning
    assert warning.startswith("photos: ")
    assert record["detection"] is None
    assert record["detector"] is None
    assert record["n"] == 8
    done = command("evaluate", "--data", "photos", "--model", "everyday", cwd=folder)
    assert "Add --detect" in done.stdout
    again = command("evaluate", "--data", "photos", "--model", "everyday", "--detect", cwd=folder)
    assert "Add --detect" not in again.stdout
    assert re.search(r"accuracy of all images \d", again.stdout)
    assert re.search(r"accuracy of images with a face \d", again.stdout)


def test_several_sources_models_and_pages(folder: Path, detected: dict[str, Any]) -> None:
    done = command(
        "evaluate",
        *("--data", "photos", "--data", "photos", "--model", "everyday", "--model", "labels-small"),
        *("--detect", "--group", "camera", "--no-leaks", "--report", "out", "--faces"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert "accuracy, all images" in done.stdout
    assert "accuracy, images with a face" in done.stdout
    assert "camera" in done.stdout
    whole = json.loads((folder / "out/metrics.json").read_text())
    expected = detected["detection"]["all_images"]["accuracy"]
    assert whole["matrix"]["accuracy_all_images"][0] == [expected, expected]
    page = (folder / "out/report.html").read_text()
    assert "Accuracy of all images" in page
    [own] = [one for one in (folder / "out").glob("everyday*1") if one.is_dir()]
    page = (own / "report.html").read_text()
    assert "Results by group: camera" in page
    assert "images with a label" in page
    assert "<img" in page


def test_a_missing_column_ends_one_source_and_not_the_others(folder: Path) -> None:
    write(folder / "plain/happy/a.png", np.asarray(cv2.imread(str(sample_image())), np.uint8))
    done = command(
        "evaluate",
        *("--data", "photos", "--data", "plain", "--model", "everyday", "--detect"),
        *("--group", "camera"),
        cwd=folder,
    )
    assert done.returncode == 2
    assert "groups.csv is missing" in done.stderr
    assert "photos" in done.stdout


def test_drawn_faces_of_48_px_are_not_warned_about(generated_data: Path) -> None:
    record = results("--data", str(generated_data), "--no-leaks", cwd=generated_data.parent)
    assert not any("--detect" in warning for warning in record["warnings"])


def test_a_rival_is_compared_on_the_same_faces(folder: Path, detected: dict[str, Any]) -> None:
    record = results(
        "--data", "photos", "--detect", "--compare", "labels-small", "--tta", cwd=folder
    )
    assert record["comparison"]["n"] == detected["n"]
    assert record["rival"]["n"] == detected["n"]
