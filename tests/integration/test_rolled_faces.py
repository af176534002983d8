"""Faces that are rolled towards a shoulder, in images, streams and explanations."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from emolens.core.emotion import Emotion
from emolens.core.face import FaceDetection, FaceRoll, QualityReason
from emolens.core.frame import Frame
from emolens.core.geometry import Box
from emolens.imaging.decode import read_image
from emolens.pipeline.stream import StreamAnalyzer
from emolens.pipeline.stream_settings import StreamSettings
from emolens.testing import FakeClassifier, FakeDetector
from tests.command_line import run_emolens
from tests.turned import turned

Pixels = npt.NDArray[np.uint8]


@pytest.mark.parametrize("settings", [StreamSettings(), StreamSettings.for_live()])
def test_a_head_that_tilts_in_a_stream_keeps_its_label(
    astronaut: Pixels, settings: StreamSettings
) -> None:
    head = np.ascontiguousarray(astronaut[:300, 80:380])
    stream = StreamAnalyzer.load(settings=settings)
    rolls = []
    for index, degrees in enumerate((0, 15, 30, 45, 60, 75, 90)):
        canvas = np.full((480, 640, 3), 128, np.uint8)
        image = turned(head, degrees)
        top, left = (480 - image.shape[0]) // 2, (640 - image.shape[1]) // 2
        canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
        (face,) = stream.step(Frame(canvas, index=index, media_time_s=index / 5)).faces
        assert face.label is Emotion.HAPPY
        rolls.append(face.roll_degrees)
    assert rolls == pytest.approx([0, 15, 30, 45, 60, 75, 90], abs=20)


def test_a_stream_does_not_name_a_face_whose_roll_is_not_known() -> None:
    box = Box(100, 60, 180, 140)
    detection = FaceDetection(box, 0.9, checked_roll=FaceRoll(100.0, box, is_certain=False))
    stream = StreamAnalyzer(FakeDetector([detection]), FakeClassifier())
    image = np.random.default_rng(0).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    (face,) = stream.step(Frame(image)).faces
    assert face.label is None
    assert face.smoothed is None
    assert face.quality.reasons == (QualityReason.TILTED,)


@pytest.mark.parametrize("n_quarters", [1, 3])
def test_a_face_on_its_side_is_explained_upright(
    tmp_path: Path, astronaut: Pixels, n_quarters: int
) -> None:
    cv2.imwrite(str(tmp_path / "upright.png"), astronaut)
    cv2.imwrite(str(tmp_path / "aside.png"), np.rot90(astronaut, n_quarters))
    faces = []
    for name in ("upright", "aside"):
        done = run_emolens("explain", f"{name}.png", "--emotion", "happy", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "happy" in done.stdout
        faces.append(read_image(tmp_path / f"{name}-explained.png").image)
    upright, aside = (cv2.resize(face, (64, 64)).astype(float).ravel() for face in faces)
    assert np.corrcoef(upright, aside)[0, 1] > 0.9
