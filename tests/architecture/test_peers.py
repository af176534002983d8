"""What docs/benchmarks/peers.py shows to all programs, and how it counts what they find."""

from pathlib import Path
from types import ModuleType

import pytest

from emolens.imaging.decode import read_image
from tests.scripts import load_script

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "docs" / "benchmarks" / "peer_images.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script(SCRIPT)


def test_images_are_the_same_every_time_and_hold_their_faces(
    script: ModuleType, tmp_path: Path
) -> None:
    folders = [tmp_path / "first", tmp_path / "again"]
    for folder in folders:
        folder.mkdir()
    first, again = (script.sample_scenes(folder, 3) for folder in folders)
    assert [scene.faces for scene in first] == [scene.faces for scene in again]
    for scene, copy in zip(first, again, strict=True):
        assert Path(scene.path).read_bytes() == Path(copy.path).read_bytes()
        height, width = read_image(scene.path).image.shape[:2]
        assert 1 <= len(scene.faces) <= 3
        for face in scene.faces:
            left, top, right, bottom = face.box
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height


def test_each_box_counts_for_one_face_and_others_are_false(script: ModuleType) -> None:
    face = script.ShownFace((100.0, 100.0, 200.0, 220.0), "happy")
    scene = script.Scene("a.jpg", (face,))
    close, wrong = (95.0, 110.0, 195.0, 210.0, "happy"), (105.0, 105.0, 190.0, 215.0, "sad")
    beside, huge = (300.0, 100.0, 400.0, 220.0, "happy"), (0.0, 0.0, 300.0, 320.0, "happy")

    def counts(*boxes: tuple[float, float, float, float, str | None]) -> tuple[int, ...]:
        of = script.compare([scene], [list(boxes)])
        return of["shown"], of["found"], of["false"], of["right"], of["unnamed"]

    assert counts() == (1, 0, 0, 0, 0)
    assert counts(close) == (1, 1, 0, 1, 0)
    assert counts(wrong) == (1, 1, 0, 0, 0)
    assert counts((*close[:4], None)) == (1, 1, 0, 0, 1)
    assert counts(close, wrong) == (1, 1, 1, 1, 0)
    assert counts(beside, huge) == (1, 0, 2, 0, 0)
