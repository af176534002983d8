import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion
from emolens.explanation import MapKind
from emolens.imaging.decode import DecodedImage
from emolens.jobs.explain import Explanation, explain_faces
from emolens.pipeline.models import Models


@pytest.fixture(scope="module")
def models() -> Models:
    return Models(n_threads=1)


@pytest.fixture(scope="module")
def two(astronaut: npt.NDArray[np.uint8]) -> DecodedImage:
    """A large and a small face."""
    image = np.full((512, 780, 3), 120, np.uint8)
    image[:, :512], image[100:356, 520:776] = astronaut, astronaut[::2, ::-2]
    return DecodedImage(image, ("only the first of 2 frames is used",))


def explain(models: Models, decoded: DecodedImage, max_faces: int | None) -> Explanation:
    return explain_faces(decoded, models.explainer, models.detector(), max_faces=max_faces)


@pytest.mark.parametrize(("max_faces", "n_faces"), [(None, 2), (8, 2), (2, 2), (1, 1)])
def test_the_largest_faces_are_explained_and_the_others_counted(
    max_faces: int | None, n_faces: int, models: Models, two: DecodedImage
) -> None:
    found = explain(models, two, max_faces)
    assert (len(found.faces), found.n_left_out) == (n_faces, 2 - n_faces)
    assert found.faces[0].result.box.x_max < 512
    assert found.faces[0].title.startswith("face 1 at ")
    assert found.warnings[0] == two.warnings[0]
    assert len(found.table().rows) == 7 * n_faces


def test_a_limit_does_not_change_the_maps(models: Models, two: DecodedImage) -> None:
    one, both = explain(models, two, 1), explain(models, two, None)
    assert one.faces[0].record() == both.faces[0].record()


@pytest.mark.parametrize("kind", MapKind)
def test_the_record_has_the_maps_and_their_position(
    kind: MapKind, models: Models, two: DecodedImage
) -> None:
    found = explain_faces(two, models.explainer_of(kind), models.detector())
    record = found.record("two.gif", kind, "For 72% of 439 faces")
    assert (record.path, record.width, record.height) == ("two.gif", 780, 512)
    assert (record.kind, record.agreement) == (kind.value, "For 72% of 439 faces")
    assert record.warnings == list(found.warnings)
    for of_face, explained in zip(record.faces, found.faces, strict=True):
        for emotion in Emotion:
            rows = np.array(of_face.maps[emotion.label], np.float32)
            assert np.array_equal(rows, explained.maps.maps[emotion.index])
        assert len(of_face.centers) == explained.maps.maps.shape[-1]
        assert of_face.probabilities == explained.maps.scores.to_dict()


def test_an_image_without_faces_has_an_empty_record(models: Models) -> None:
    plain = DecodedImage(np.tile(np.arange(64, dtype=np.uint8)[:, None, None] * 4, (1, 64, 3)))
    found = explain(models, plain, None)
    assert found.faces == ()
    record = found.record("a", MapKind.OCCLUSION, "not measured").to_dict()
    assert (record["faces"], record["n_left_out"]) == ([], 0)
    assert "warnings" not in record


def test_drawings_differ_by_class_and_number_of_faces(models: Models, two: DecodedImage) -> None:
    one, both = explain(models, two, 1), explain(models, two, None)
    assert both.draw().shape[0] > one.draw().shape[0]
    happy, angry = one.draw(Emotion.HAPPY), one.draw(Emotion.ANGRY)
    assert happy.shape == angry.shape
    assert (happy != angry).any()
    assert one.draw(Emotion.HAPPY, note="measured").shape > happy.shape
