from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from emolens import DrawOptions, ImageAnalyzer, Models
from emolens.core.errors import ConfigError
from emolens.core.face import FaceQuality, FaceResult, QualityReason
from emolens.core.frame import FrameResult
from emolens.core.geometry import Box
from emolens.imaging.decode import read_image
from emolens.jobs.drawing import draw_tags, image_drawing
from emolens.jobs.images import analyze_images
from emolens.media.images import write_image
from emolens.rendering.blur import FaceBlur
from emolens.rendering.stream_overlay import StreamOverlay
from tests.results import tracked_face

Pixels = npt.NDArray[np.uint8]
TINY, UNCLEAR = Box(20, 20, 29, 31), Box(300, 300, 360, 380)


@pytest.fixture(scope="module")
def models() -> Models:
    return Models()


@pytest.fixture
def noise() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (400, 500, 3)).astype(np.uint8)


def face_at(box: Box, *reasons: QualityReason) -> FaceResult:
    quality = FaceQuality(box.width, 0.5, reasons)
    plain = replace(tracked_face(1), track_id=None, smoothed=None, box=box, quality=quality)
    return replace(plain, label=None)


def part(image: Pixels, box: Box) -> Pixels:
    x_min, y_min, x_max, y_max = map(int, box.to_tuple())
    return image[y_min:y_max, x_min:x_max]


def test_tiny_and_unclear_faces_are_blurred_and_nothing_else_is_changed(
    models: Models, analyzer: ImageAnalyzer, noise: Pixels
) -> None:
    faces = (face_at(TINY, QualityReason.TOO_SMALL), face_at(UNCLEAR, QualityReason.BLURRED))
    draw = image_drawing(DrawOptions(blur=True, tags=False), models, analyzer)
    drawn = draw(noise, FrameResult((500, 400), faces))
    changed = (drawn != noise).any(axis=2)
    for box in (TINY, UNCLEAR):
        assert part(changed, box).mean() > 0.95
        assert part(drawn, box).reshape(-1, 3).std(axis=0).max() < 40
        changed[
            int(box.y_min - 0.5 * box.height) : int(box.y_max + 0.5 * box.height),
            int(box.x_min - 0.6 * box.width) : int(box.x_max + 0.6 * box.width),
        ] = False
    assert not changed.any()


def test_faces_of_one_image_are_not_drawn_on_the_next(
    models: Models, analyzer: ImageAnalyzer, astronaut: Pixels, noise: Pixels
) -> None:
    options = DrawOptions(blur=True, heatmap=True, tags=False)
    draw = image_drawing(options, models, analyzer)
    result = analyzer.analyze_image(astronaut)
    moved = np.roll(astronaut, 100, axis=1)
    before = draw(moved, analyzer.analyze_image(moved))
    assert (draw(astronaut, result) != astronaut).any()
    np.testing.assert_array_equal(draw(noise, FrameResult((500, 400), ())), noise)
    np.testing.assert_array_equal(draw(moved, analyzer.analyze_image(moved)), before)


def test_each_option_draws_its_own(
    models: Models, analyzer: ImageAnalyzer, astronaut: Pixels
) -> None:
    result = analyzer.analyze_image(astronaut)
    draw = partial(image_drawing, models=models, analyzer=analyzer)
    tags, heat, both, none = (
        draw(options)(astronaut, result)
        for options in (
            DrawOptions(),
            DrawOptions(heatmap=True, tags=False),
            DrawOptions(heatmap=True),
            DrawOptions(tags=False),
        )
    )
    np.testing.assert_array_equal(tags, draw_tags(astronaut, result))
    np.testing.assert_array_equal(none, astronaut)
    box = result.faces[0].box.pad(-0.2)
    assert (part(tags, box) == part(astronaut, box)).all()
    assert (part(heat, box) != part(astronaut, box)).any(axis=2).mean() > 0.9
    # Beside the face, only the scale of the colours is drawn, in the upper left corner.
    assert (heat[40:60] == astronaut[40:60]).all()
    assert (heat[300:] == astronaut[300:]).all()
    np.testing.assert_array_equal(part(both, box), part(heat, box))
    assert (both != heat).any()


def test_heat_maps_of_face_crops_cover_the_image(models: Models, gray_faces: Pixels) -> None:
    analyzer = models.image_analyzer(face_crops=True)
    crop = np.repeat(gray_faces[0][..., None], 3, axis=2)
    draw = image_drawing(DrawOptions(heatmap=True, tags=False), models, analyzer)
    drawn = draw(crop, analyzer.analyze_image(crop))
    assert (drawn != crop).any(axis=2).mean() > 0.9


def test_a_stream_without_tags_has_no_overlay(models: Models, analyzer: ImageAnalyzer) -> None:
    overlay = StreamOverlay()
    (layer,) = DrawOptions(blur=True, tags=False).layers(models, analyzer.framing, overlay)
    assert isinstance(layer, FaceBlur)
    layers = DrawOptions(blur=True).layers(models, analyzer.framing, overlay)
    assert layers[1:] == [overlay]


def test_copies_are_drawn_as_chosen(
    models: Models, analyzer: ImageAnalyzer, astronaut: Pixels, tmp_path: Path
) -> None:
    write_image(tmp_path / "a.png", astronaut)
    draw = image_drawing(DrawOptions(blur=True, tags=False), models, analyzer)
    (outcome,) = analyze_images(
        analyzer, [str(tmp_path / "a.png")], annotated=tmp_path / "out", draw=draw
    )
    assert outcome.result is not None
    copy = read_image(tmp_path / "out/a.png").image
    np.testing.assert_array_equal(copy, draw(astronaut, outcome.result))
    assert analyzer.analyze_image(copy).faces == ()


def test_an_unknown_style_is_refused_before_any_image_is_read() -> None:
    with pytest.raises(ConfigError, match="style is 'bold'; allowed: auto, full"):
        DrawOptions(style="bold")
