from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import EmptyFileError, InputNotFoundError
from emolens.jobs.images import ImageTotals, analyze_images, named_error
from emolens.media.images import write_image
from emolens.pipeline.analyzer import ImageAnalyzer


@pytest.fixture
def images(tmp_path: Path, astronaut: npt.NDArray[np.uint8]) -> list[str]:
    """A face, an empty file, a missing one, an image without a face."""
    write_image(tmp_path / "a.png", astronaut)
    (tmp_path / "b.jpg").touch()
    write_image(tmp_path / "d.png", np.full((64, 64, 3), 127, np.uint8))
    return [str(tmp_path / name) for name in ("a.png", "b.jpg", "c.jpg", "d.png")]


def test_what_is_wrong_with_one_image_concerns_that_one_alone(
    analyzer: ImageAnalyzer, images: list[str], tmp_path: Path
) -> None:
    outcomes = list(analyze_images(analyzer, images, annotated=tmp_path / "drawn"))
    assert [outcome.path for outcome in outcomes] == images
    assert [len(one.result.faces) if one.result else None for one in outcomes] == [1, None, None, 0]
    assert isinstance(outcomes[1].error, EmptyFileError)
    assert isinstance(outcomes[2].error, InputNotFoundError)
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["a.png", "d.png"]
    records = [outcome.record for outcome in outcomes]
    assert [record.error.code if record.error else None for record in records] == [
        *(None, "empty_file", "not_found", None)
    ]
    assert records[0].width == 512


def test_a_copy_that_cannot_be_written_does_not_lose_the_faces(
    analyzer: ImageAnalyzer, images: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "drawn"
    (out / "a.png").mkdir(parents=True)
    (outcome,) = analyze_images(analyzer, images[:1], annotated=out)
    assert outcome.result is not None
    assert outcome.error is None
    assert "it is a folder" in str(outcome.copy_error)


def test_images_are_read_one_by_one(analyzer: ImageAnalyzer, images: list[str]) -> None:
    outcomes = analyze_images(analyzer, images)
    Path(images[3]).unlink()
    assert next(outcomes).error is None
    *_, last = outcomes
    assert isinstance(last.error, InputNotFoundError)


def test_an_image_on_standard_input(
    analyzer: ImageAnalyzer, images: list[str], tmp_path: Path
) -> None:
    with Path(images[0]).open("rb") as file:
        outcomes = list(
            analyze_images(analyzer, ["-", "-"], standard_input=file, annotated=tmp_path / "drawn")
        )
    first, second = outcomes
    assert first.path == "-"
    assert first.result is not None
    assert len(first.result.faces) == 1
    assert isinstance(second.error, EmptyFileError)
    assert str(second.error).startswith("standard input: the file is empty")
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["standard input.png"]


def test_a_copy_in_which_nothing_is_blurred_has_a_warning(
    analyzer: ImageAnalyzer, images: list[str]
) -> None:
    outcomes = list(analyze_images(analyzer, images))
    for blurs, warnings in ((False, 0), (True, 1)):
        totals = ImageTotals(blurs=blurs)
        for outcome in outcomes:
            totals.add(outcome)
        assert sum("nothing is blurred" in warning for warning in totals.warnings) == warnings
    assert totals.warnings[-1].startswith(images[3])


def test_an_error_has_the_name_of_its_image_once() -> None:
    assert named_error("a.jpg", EmptyFileError("'a.jpg': empty")) == "'a.jpg': empty"
    assert named_error("a.jpg", EmptyFileError("empty")) == "a.jpg: empty"
    error = EmptyFileError("standard input: the file is empty")
    assert named_error("-", error) == "standard input: the file is empty"
