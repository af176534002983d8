from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.errors import EmptyFileError, InputNotFoundError, ProcessingError
from emolens.core.face import FaceDetection
from emolens.jobs.images import ImageTotals, analyze_encoded, analyze_images, named_error
from emolens.media.images import encode_image, write_image
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.testing import FakeClassifier, FakeDetector


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


def images_in_memory(astronaut: npt.NDArray[np.uint8]) -> dict[str, tuple[str, bytes]]:
    """Name and bytes of a file for each outcome."""
    portrait = encode_image(astronaut, ".jpg")
    dim = encode_image((astronaut // 24).astype(np.uint8), ".png")
    return {
        "a face": ("a.jpg", portrait),
        "a dark face": ("a.png", dim),
        "no face": ("a.png", encode_image(np.full((64, 64, 3), 127, np.uint8), ".png")),
        "another suffix": ("a.png", portrait),
        "no suffix": ("a", portrait),
        "damaged": ("b.jpg", portrait[: len(portrait) // 2]),
        "cut before its size": ("b.jpg", portrait[:20]),
        "unsupported": ("b.png", b"%PDF-1.7"),
        "unknown": ("b.png", b"no image at all"),
        "raw by its name": ("b.nef", b"no image at all"),
        "raw in a TIFF file": ("b.nef", b"II*\0" + bytes(60)),
        "empty": ("it's empty.png", b""),
        "too large": ("b.png", encode_image(np.zeros((600, 600, 3), np.uint8), ".png")),
    }


OUTCOMES = tuple(images_in_memory(np.zeros((64, 64, 3), np.uint8)))


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_image_in_memory_has_the_record_of_its_file(
    outcome: str,
    analyzer: ImageAnalyzer,
    astronaut: npt.NDArray[np.uint8],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, encoded = images_in_memory(astronaut)[outcome]
    (tmp_path / name).write_bytes(encoded)
    monkeypatch.chdir(tmp_path)
    (of_file,) = analyze_images(analyzer, [name], max_pixels=512 * 512)
    in_memory = analyze_encoded(analyzer, name, encoded, max_pixels=512 * 512)
    assert in_memory.record.to_dict() == of_file.record.to_dict()
    assert in_memory.path == name
    assert type(in_memory.error) is type(of_file.error)


def test_images_in_memory_have_every_kind_of_outcome(
    analyzer: ImageAnalyzer, astronaut: npt.NDArray[np.uint8]
) -> None:
    codes = {}
    for outcome, (name, encoded) in images_in_memory(astronaut).items():
        record = analyze_encoded(analyzer, name, encoded, max_pixels=512 * 512).record
        codes[outcome] = record.error.code if record.error else len(record.faces)
    assert codes == {
        "a face": 1,
        "a dark face": 1,
        "no face": 0,
        "another suffix": 1,
        "no suffix": 1,
        "damaged": "damaged_image",
        "cut before its size": "damaged_image",
        "unsupported": "unsupported_format",
        "unknown": "unsupported_format",
        "raw by its name": "unsupported_format",
        "raw in a TIFF file": "unsupported_format",
        "empty": "empty_file",
        "too large": "image_too_large",
    }


def test_errors_of_libraries_are_those_of_the_image_in_memory(
    astronaut: npt.NDArray[np.uint8],
) -> None:
    class FailingDetector(FakeDetector):
        def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
            raise ValueError("out of range")

    analyzer = ImageAnalyzer(FailingDetector(), FakeClassifier())
    outcome = analyze_encoded(analyzer, "a.png", encode_image(astronaut, ".png"))
    assert isinstance(outcome.error, ProcessingError)
    assert "ValueError: out of range" in str(outcome.error)
