import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from emolens import ImageAnalyzer
from emolens.contract import CROP_COLUMNS
from emolens.core.errors import ConfigError, EmptyFileError
from emolens.imaging.decode import read_image
from emolens.jobs.cite import read_provenance
from emolens.jobs.crops import CropJob, check_crop_folder, crop_images
from emolens.media.images import write_image
from emolens.reports.methods_text import methods_text, references


@pytest.fixture
def images(tmp_path: Path, astronaut: npt.NDArray[np.uint8]) -> list[str]:
    """A face, an empty file, an image without a face, a rolled face of the first one's name."""
    write_image(tmp_path / "a.png", astronaut)
    (tmp_path / "b.jpg").touch()
    write_image(tmp_path / "c.png", np.full((64, 80, 3), 127, np.uint8))
    (tmp_path / "more").mkdir()
    write_image(tmp_path / "more/a.png", np.ascontiguousarray(np.rot90(astronaut, -1)))
    return [str(tmp_path / name) for name in ("a.png", "b.jpg", "c.png", "more/a.png")]


def rows_in(folder: Path) -> list[dict[str, str]]:
    with (folder / "crops.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_face_is_a_file_and_every_image_a_row(
    analyzer: ImageAnalyzer, images: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "new/out"
    outcomes = list(crop_images(analyzer, images, out))
    assert [(one.n_faces, one.n_files) for one in outcomes] == [(1, 1), (0, 0), (0, 0), (1, 1)]
    assert isinstance(outcomes[1].error, EmptyFileError)
    assert outcomes[1].message.startswith(f"'{images[1]}': the file is empty")
    rows = rows_in(out)
    assert list(rows[0]) == list(CROP_COLUMNS)
    assert [row["path"] for row in rows] == images
    assert [row["file"] for row in rows] == ["a-1.png", "", "", "more/a-1.png"]
    assert [row["face"] for row in rows] == ["1", "", "", "1"]
    assert [row["error"] for row in rows] == ["", "empty_file", "", ""]
    assert (rows[2]["width"], rows[2]["height"]) == ("80", "64")
    files = ["a-1.png", "crops.csv", "crops.csv.emolens.json", "more/a-1.png"]
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*")) == files
    assert float(rows[3]["turn_degrees"]) == pytest.approx(90, abs=10)


def test_a_crop_is_what_the_classifier_receives(
    analyzer: ImageAnalyzer, images: list[str], tmp_path: Path
) -> None:
    list(crop_images(analyzer, images, tmp_path / "out"))
    of_crops = ImageAnalyzer.load(face_crops=True)
    for path, name in ((images[0], "a-1.png"), (images[3], "more/a-1.png")):
        (face,) = analyzer.analyze(path).faces
        (cropped,) = of_crops.analyze(tmp_path / "out" / name).faces
        np.testing.assert_array_equal(cropped.raw.probabilities, face.raw.probabilities)


def test_the_table_says_where_a_face_comes_from(
    analyzer: ImageAnalyzer, images: list[str], tmp_path: Path
) -> None:
    list(crop_images(analyzer, images[:1], tmp_path / "out", CropJob(size_px=108, color=True)))
    (row,) = rows_in(tmp_path / "out")
    (face,) = analyzer.analyze(images[0]).faces
    corners = ("x_min", "y_min", "x_max", "y_max")
    assert tuple(float(row[name]) for name in corners) == face.box.to_tuple()
    assert float(row["detection_score"]) == face.detection_score
    assert float(row["sharpness"]) == face.quality.sharpness
    assert float(row["crop_side"]) == pytest.approx(108, abs=0.5)
    left, top = (round(float(row[name])) for name in ("crop_x_min", "crop_y_min"))
    crop = read_image(tmp_path / "out/a-1.png").image
    part = read_image(images[0]).image[top : top + 108, left : left + 108]
    assert crop.shape == (108, 108, 3)
    assert np.abs(crop.astype(int) - part).mean() < 6


def test_a_small_face_has_a_row_but_no_file(
    analyzer: ImageAnalyzer, images: list[str], tmp_path: Path
) -> None:
    (one,) = crop_images(analyzer, images[:1], tmp_path / "out", CropJob(min_size_px=150))
    assert (one.n_faces, one.n_files) == (1, 0)
    (row,) = rows_in(tmp_path / "out")
    assert (row["file"], row["face"], row["assessable"]) == ("", "1", "True")
    assert [path.name for path in (tmp_path / "out").glob("*.csv")] == ["crops.csv"]


def test_who_stops_keeps_what_was_done(
    analyzer: ImageAnalyzer, images: list[str], tmp_path: Path
) -> None:
    outcomes: Any = crop_images(analyzer, images, tmp_path / "out")
    next(outcomes)
    outcomes.close()
    assert [row["file"] for row in rows_in(tmp_path / "out")] == ["a-1.png"]


def test_nothing_is_replaced_by_accident(
    analyzer: ImageAnalyzer, images: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    list(crop_images(analyzer, images[:1], out))
    (out / "mine.txt").touch()
    with pytest.raises(ConfigError, match=r"not empty.*--force"):
        list(crop_images(analyzer, images[3:], out))
    list(crop_images(analyzer, images[3:], out, CropJob(force=True)))
    assert [row["path"] for row in rows_in(out)] == images[3:]
    assert (out / "mine.txt").exists()
    with pytest.raises(ConfigError, match="is a file; the last argument is the folder"):
        check_crop_folder(Path(images[0]), CropJob(force=True))


@pytest.mark.parametrize("size_px", [0, 7, 2049])
def test_sizes_out_of_range_are_refused(size_px: int) -> None:
    with pytest.raises(ConfigError, match="allowed: 8 to 2048"):
        CropJob(size_px=size_px)


def test_the_record_names_the_image_and_claims_no_classification(
    analyzer: ImageAnalyzer, images: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    list(crop_images(analyzer, images, out, CropJob(size_px=90, color=True, min_size_px=12)))
    of_crop, of_table = (read_provenance(out / name) for name in ("a-1.png", "crops.csv"))
    assert of_crop.input is not None
    assert (of_crop.input.name, of_crop.input.width, of_crop.input.height) == ("a.png", 512, 512)
    assert of_table.input is not None
    assert of_table.input.n_files == len(images)
    for made in (of_crop, of_table):
        text = methods_text(made)
        assert made.model is None
        assert "classified" not in text
        assert "label" not in text
        assert "framing of FER2013 (Goodfellow et al., 2013)" in text
        assert any(one.startswith("Goodfellow") for one in references(made))
        assert "scaled to 90 x 90 px in colour. Faces whose square was smaller than 12 px" in text


def test_the_record_has_the_size_and_colour_of_default_crops(
    analyzer: ImageAnalyzer, images: list[str], tmp_path: Path
) -> None:
    list(crop_images(analyzer, images[:1], tmp_path / "out"))
    text = methods_text(read_provenance(tmp_path / "out/crops.csv"))
    side_px = analyzer.crop_px
    assert f"scaled to {side_px} x {side_px} px in grey." in text
    assert "left out" not in text
