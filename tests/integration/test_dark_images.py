"""Dark, washed-out and deep images: the label of the bright one, or a reason, never another."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from skimage import data

from emolens.core.emotion import Emotion
from emolens.core.face import QualityReason
from emolens.core.frame import Frame, FrameResult
from emolens.pipeline import ImageAnalyzer
from emolens.pipeline.stream import StreamAnalyzer
from tests.command_line import run_emolens

Pixels = npt.NDArray[np.uint8]
STEPS = [1, 2, 4, 8, 16, 32]


@pytest.fixture(scope="module")
def stream() -> StreamAnalyzer:
    return StreamAnalyzer.load()


def assert_happy_or_said_so(result: FrameResult) -> None:
    for face in result.faces:
        assert face.label in {Emotion.HAPPY, None}
        assert face.label is not None or not face.quality.is_assessable
    assert result.faces or result.warnings


def darken(image: Pixels, step: float) -> Pixels:
    return np.asarray(image / step, np.uint8)


def with_noise(image: Pixels, step: int, sigma: float) -> Pixels:
    noise = np.random.default_rng(0).normal(0, sigma, image.shape)
    return np.clip(np.round(image / step + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("step", STEPS)
def test_less_light_gives_the_same_label(
    astronaut: Pixels, analyzer: ImageAnalyzer, step: int
) -> None:
    for dark in (darken(astronaut, step), np.round(astronaut / step).astype(np.uint8)):
        result = analyzer.analyze(dark)
        assert [face.label for face in result.faces] == [Emotion.HAPPY]
        # A quarter is just at the limit.
        assert step == 4 or bool(result.warnings) == (step > 4)


@pytest.mark.parametrize("step", [16, 24, 32, 48, 64, 100, 128, 255, 300])
def test_hardly_any_light_gives_no_other_label(
    astronaut: Pixels, analyzer: ImageAnalyzer, step: int
) -> None:
    result = analyzer.analyze(darken(astronaut, step))
    assert_happy_or_said_so(result)
    assert result.warnings[0].startswith("very dark")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("sigma", [1, 2, 4])
def test_noise_gives_no_other_label(
    astronaut: Pixels, analyzer: ImageAnalyzer, step: int, sigma: int
) -> None:
    assert_happy_or_said_so(analyzer.analyze(with_noise(astronaut, step, sigma)))


@pytest.mark.parametrize("gamma", [2, 3, 4, 6])
def test_a_dark_tone_curve_gives_no_other_label(
    astronaut: Pixels, analyzer: ImageAnalyzer, gamma: int
) -> None:
    dark = (255 * (astronaut / 255) ** gamma).astype(np.uint8)
    assert_happy_or_said_so(analyzer.analyze(dark))


@pytest.mark.parametrize("step", [8, 16, 32])
def test_washed_out_and_foggy_images_give_the_same_label(
    astronaut: Pixels, analyzer: ImageAnalyzer, step: int
) -> None:
    for image in (255 - darken(255 - astronaut, step), 120 + darken(astronaut, step)):
        result = analyzer.analyze(image)
        assert [face.label for face in result.faces] == [Emotion.HAPPY]
        assert result.warnings[0].startswith("very low contrast")


@pytest.mark.parametrize("step", [8, 16, 32])
def test_a_dark_face_beside_bright_things_has_the_same_label(
    astronaut: Pixels, analyzer: ImageAnalyzer, step: int
) -> None:
    dark = darken(astronaut, step)
    lamp = np.asarray(cv2.circle(dark.copy(), (430, 60), 40, (255, 255, 255), -1), np.uint8)
    for image in (lamp, np.hstack([astronaut, dark])):
        result = analyzer.analyze(image)
        assert result.faces
        assert {face.label for face in result.faces} == {Emotion.HAPPY}


@pytest.mark.parametrize("step", [8, 32])
def test_streams_cut_faces_grey_images_and_bytes_are_read_too(
    astronaut: Pixels, analyzer: ImageAnalyzer, stream: StreamAnalyzer, step: int
) -> None:
    dark = darken(astronaut, step)
    stream.restart()
    assert [face.label for face in stream.step(Frame(dark, 0, 0.0)).faces] == [Emotion.HAPPY]
    cut = ImageAnalyzer.load(face_crops=True).analyze(dark[40:190, 150:300])
    assert [face.label for face in cut.faces] == [Emotion.HAPPY]
    gray = np.asarray(cv2.cvtColor(dark, cv2.COLOR_BGR2GRAY), np.uint8)
    for image in (gray, cv2.imencode(".png", dark)[1].tobytes()):
        assert [face.label for face in analyzer.analyze(image).faces] == [Emotion.HAPPY]


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("ending", [".png", ".tiff"])
@pytest.mark.parametrize("is_grey", [False, True])
def test_deep_images_give_the_same_label(
    astronaut: Pixels, analyzer: ImageAnalyzer, bits: int, ending: str, is_grey: bool
) -> None:
    image = cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY) if is_grey else astronaut
    for light in (1, 1 / 16):
        values = np.round(image / 255 * ((1 << bits) - 1) * light).astype(np.uint16)
        result = analyzer.analyze(cv2.imencode(ending, values)[1].tobytes())
        assert [face.label for face in result.faces] == [Emotion.HAPPY]
        assert bool(result.warnings) == (bits < 16 or light < 1)


@pytest.mark.parametrize("top", [0, 1, 2, 4, 6])
def test_noise_in_the_dark_has_no_face(
    analyzer: ImageAnalyzer, stream: StreamAnalyzer, top: int
) -> None:
    stream.restart()
    rng = np.random.default_rng(top)
    for index, size in enumerate([(480, 640, 3), (90, 120, 3), (240, 320, 1)]):
        noise = rng.integers(0, top + 1, size).astype(np.uint8)
        image = np.ascontiguousarray(np.broadcast_to(noise, (*size[:2], 3)))
        result = analyzer.analyze(image)
        assert result.faces == ()
        assert result.warnings[0].startswith("very dark")
        assert stream.step(Frame(image, index, 0.1 * index)).faces == ()
        cut = ImageAnalyzer(None, analyzer._classifier).analyze(image).faces[0]
        assert cut.label is None
        assert QualityReason.TOO_DARK in cut.quality.reasons


@pytest.mark.parametrize("name", ["chelsea", "coffee", "rocket", "coins", "brick"])
def test_dark_images_without_faces_have_none(analyzer: ImageAnalyzer, name: str) -> None:
    image = getattr(data, name)()
    bgr = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image[..., ::-1].copy()
    for dark in (darken(bgr, 16), with_noise(bgr, 16, 2), 255 - darken(bgr, 32)):
        assert analyzer.analyze(dark).faces == ()


def test_explain_reads_and_warnings_on_a_dark_image(astronaut: Pixels, tmp_path: Path) -> None:
    (tmp_path / "dark.png").write_bytes(cv2.imencode(".png", darken(astronaut, 32))[1].tobytes())
    done = run_emolens("explain", "dark.png", "--emotion", "happy", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "happy 100%" in done.stdout
    assert "very dark" in done.stderr
    assert (tmp_path / "dark-explained.png").exists()
