import re
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data

from emolens.core.errors import InputError
from emolens.core.face import FaceDetection
from emolens.core.geometry import Box
from emolens.detection import build_detector, detection_warnings
from emolens.detection.centerface import CenterFaceDetector
from emolens.detection.letterbox import input_sizes
from emolens.detection.tiles import Tile, TiledDetector, lay_tiles, merge_passes
from emolens.testing import FakeDetector

pytestmark = pytest.mark.slow

Image = npt.NDArray[np.uint8]

# What one look must still see: the smallest face that the coarser look detects, and a little more.
SMALLEST_PX = 29.0
SHAPES = input_sizes(640)


def planner(detector_px: int | None = None) -> TiledDetector:
    return TiledDetector(
        FakeDetector(), long_side_px=640, smallest_px=SMALLEST_PX, detector_px=detector_px
    )


def face(*edges: float, score: float = 0.9) -> FaceDetection:
    return FaceDetection(Box(*edges), score, np.zeros((5, 2), np.float32))


@pytest.fixture(scope="module")
def detector() -> TiledDetector:
    centerface = CenterFaceDetector(n_threads=2)
    return TiledDetector(centerface, long_side_px=640, smallest_px=SMALLEST_PX)


@pytest.fixture(scope="module")
def head(astronaut: Image) -> Image:
    return astronaut[20:240, 110:330]


def lay_out(
    head: Image, size_wh: tuple[int, int], places: Sequence[tuple[int, int]], side: int
) -> Image:
    image = np.full((size_wh[1], size_wh[0], 3), 127, np.uint8)
    scaled = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    for left, top in places:
        image[top : top + side, left : left + side] = scaled
    return image


def assert_each_once(
    found: Sequence[FaceDetection], places: Sequence[tuple[int, int]], side: int
) -> None:
    """One box in each head, where the face in it is."""
    expected = [Box(x, y, x + side, y + side) for x, y in places]
    assert len(found) == len(places)
    for square in expected:
        (one,) = [each for each in found if each.box.iou(square) > 0.1]
        x, y = one.box.center_xy
        # The middle of the portrait's face, in parts of the head; see tests/contract.
        assert (x - square.x_min) / side == pytest.approx(0.53, abs=0.05)
        assert (y - square.y_min) / side == pytest.approx(0.45, abs=0.06)
        assert one.landmarks is not None
        middle = one.landmarks.mean(axis=0)
        assert (middle[0] - square.x_min) / side == pytest.approx(0.52, abs=0.06)
        assert (middle[1] - square.y_min) / side == pytest.approx(0.47, abs=0.06)


@pytest.mark.parametrize(
    "size_wh", [(1, 1), (97, 97), (640, 480), (1280, 720), (960, 1280), (1200, 300), (5000, 2)]
)
def test_images_up_to_1280_px_need_no_tiles(size_wh: tuple[int, int]) -> None:
    assert planner().plan(size_wh).tiles == ()
    assert planner().warnings(size_wh) == ()


@pytest.mark.parametrize("size_wh", [(512, 512), (640, 480), (1280, 853), (300, 1200)])
def test_without_tiles_the_result_is_that_of_the_detector_itself(
    detector: TiledDetector, astronaut: Image, size_wh: tuple[int, int]
) -> None:
    image = np.asarray(cv2.resize(astronaut, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    for ours, theirs in zip(
        detector.detect(image), CenterFaceDetector(n_threads=2).detect(image), strict=True
    ):
        assert (ours.box, ours.score) == (theirs.box, theirs.score)
        np.testing.assert_array_equal(ours.landmarks, theirs.landmarks)


@pytest.mark.parametrize("detector_px", [None, 2560, 8192])
@pytest.mark.parametrize(
    "size_wh",
    [
        *[(1400, 1050), (1920, 1080), (1080, 1920), (4000, 3000), (6000, 4000), (12000, 9000)],
        *[(8000, 1000), (9000, 3000), (300, 6000), (256, 5120), (1280, 64), (20000, 200)],
        *[(100_000, 1000), (3001, 2999), (40, 9999)],
    ],
)
def test_a_face_of_any_size_and_place_is_whole_in_a_look_that_shows_it_large_enough(
    size_wh: tuple[int, int], detector_px: int | None
) -> None:
    plan = planner(detector_px).plan(size_wh)
    rng = np.random.default_rng(0)
    looks = [Tile(0, 0, *size_wh), *plan.tiles]
    assert detector_px or len(looks) <= 25
    largest = min(size_wh)
    for drawn in np.geomspace(min(plan.smallest_px * 1.02, largest), largest, 60):
        side = min(float(drawn), largest)
        x, y = (rng.uniform(0, length - side) for length in size_wh)
        seen = Box(x, y, x + side, y + side)
        assert any(
            seen.clip((tile.right, tile.bottom)) == seen
            and x >= tile.left
            and y >= tile.top
            and _side_seen(side, tile) >= min(SMALLEST_PX, 2 * largest) * 0.99
            for tile in looks
        )


def _side_seen(side: float, tile: Tile) -> float:
    width, height = tile.right - tile.left, tile.bottom - tile.top
    return min(max(min(w / width, h / height) for w, h in SHAPES), 2.0) * side


def test_tiles_have_a_shape_of_the_detector_whatever_the_image() -> None:
    for size_wh in [(1920, 1080), (6000, 4000), (9000, 3000), (4000, 6000)]:
        for tile in planner().plan(size_wh).tiles:
            aspect = (tile.right - tile.left) / (tile.bottom - tile.top)
            is_whole = tile.right - tile.left == size_wh[0] or tile.bottom - tile.top == size_wh[1]
            assert is_whole or min(abs(aspect - w / h) for w, h in SHAPES) < 0.01


def test_tiles_cover_an_image_and_overlap() -> None:
    tiles = lay_tiles((2000, 1500), [(640, 480)], scale=0.5, overlap_px=100)
    assert len(tiles) == 4
    covered = np.zeros((1500, 2000), np.uint8)
    for tile in tiles:
        covered[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert covered.min() == 1
    assert (covered[:, 1000] >= 2).all()
    assert {(tile.right - tile.left, tile.bottom - tile.top) for tile in tiles} == {(1280, 960)}


def test_the_fewest_tiles_are_taken() -> None:
    assert len(lay_tiles((300, 3000), SHAPES, scale=1.0, overlap_px=64)) == 5
    assert len(lay_tiles((3000, 300), SHAPES, scale=1.0, overlap_px=64)) == 5


def test_a_box_at_an_edge_of_a_tile_is_cut_but_not_one_at_an_edge_of_the_image() -> None:
    tile = Tile(0, 100, 200, 300)
    assert not tile.is_cutting(Box(0, 120, 50, 180), (1000, 300))
    assert not tile.is_cutting(Box(60, 240, 120, 300), (1000, 300))
    assert tile.is_cutting(Box(60, 100.5, 120, 160), (1000, 300))
    assert tile.is_cutting(Box(150, 120, 200, 180), (1000, 300))
    assert tile.is_cutting(Box(0, 240, 50, 300), (1000, 301))


def test_faces_are_moved_back_and_those_cut_by_a_tile_left_out() -> None:
    class InEveryTile(FakeDetector):
        """One face in the middle of what it is shown, one at its left edge."""

        def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
            y, x = (length / 2 for length in image.shape[:2])
            middle = np.full((5, 2), (x, y), np.float32)
            return [
                FaceDetection(Box(x - 20, y - 20, x + 20, y + 20), 0.9, middle),
                FaceDetection(Box(0, y - 30, 50, y + 20), 0.8, None),
            ]

    tiled = TiledDetector(InEveryTile(), long_side_px=640, smallest_px=SMALLEST_PX)
    size_wh = (1920, 1080)
    tiles = tiled.plan(size_wh).tiles
    found = tiled.detect(np.zeros((1080, 1920, 3), np.uint8))
    with_landmarks = [each for each in found if each.landmarks is not None]
    assert len(with_landmarks) == 1 + len(tiles)
    for each in with_landmarks:
        assert each.landmarks is not None
        expected = np.full((5, 2), each.box.center_xy)
        np.testing.assert_allclose(each.landmarks, expected)
    # At the left edge of the image, a face is no half face.
    assert {each.box.x_min for each in found if each.landmarks is None} == {0.0}


def test_one_face_in_several_looks_is_one_face_as_the_best_look_saw_it() -> None:
    best = face(110, 100, 210, 230, score=0.95)
    looks = [[face(100, 100, 200, 220, score=0.7)], [best], [face(100, 110, 200, 225, score=0.8)]]
    assert merge_passes(looks) == [best]


def test_the_same_face_at_half_its_size_is_no_second_face() -> None:
    best = face(100, 100, 200, 200, score=0.95)
    for other in (face(120, 120, 170, 170, score=0.6), face(60, 60, 250, 250, score=0.6)):
        assert merge_passes([[best], [other]]) == [best]


def test_a_part_of_a_large_face_is_no_face() -> None:
    large = face(0, 0, 2000, 2500, score=0.9)
    assert merge_passes([[large], [face(500, 700, 800, 1000, score=0.6)]]) == [large]


def test_a_face_that_scores_better_than_what_seems_to_hold_it_stays() -> None:
    small = face(500, 700, 600, 800, score=0.9)
    assert small in merge_passes([[face(0, 0, 2000, 2500, score=0.55)], [small]])


def test_what_one_look_keeps_apart_stays_apart() -> None:
    one, other = face(0, 0, 100, 100, score=0.9), face(30, 30, 90, 90, score=0.8)
    assert merge_passes([[one, other]]) == [one, other]


def test_results_are_sorted_by_size() -> None:
    small, large = face(0, 0, 10, 10, score=0.9), face(50, 50, 90, 90, score=0.6)
    assert merge_passes([[small], [large]]) == [large, small]
    assert merge_passes([[], []]) == []


@pytest.mark.parametrize(
    ("size_wh", "side", "grid"),
    [
        ((1920, 1280), 128, (15, 10)),
        ((256, 5120), 256, (1, 20)),
        ((5120, 256), 256, (20, 1)),
        ((1280, 64), 64, (20, 1)),
        ((8000, 1000), 240, (5, 1)),
        ((300, 6000), 110, (2, 12)),
    ],
)
def test_all_heads_of_large_and_long_images_are_found_once(
    detector: TiledDetector,
    head: Image,
    size_wh: tuple[int, int],
    side: int,
    grid: tuple[int, int],
) -> None:
    n_across, n_down = grid
    step_x, step_y = size_wh[0] / n_across, size_wh[1] / n_down
    places = [
        (int(x * step_x + (step_x - side) / 2), int(y * step_y + (step_y - side) / 2))
        for x in range(n_across)
        for y in range(n_down)
    ]
    found = detector.detect(lay_out(head, size_wh, places, side))
    assert_each_once(found, places, side)
    assert detector.warnings(size_wh) == ()


def test_small_heads_of_24_megapixels_are_found_in_corners_and_between(
    detector: TiledDetector, head: Image
) -> None:
    places = [(0, 0), (5800, 0), (0, 3800), (5800, 3800), (2903, 1907), (1297, 1297), (3333, 777)]
    image = lay_out(head, (6000, 4000), places, 200)
    assert_each_once(detector.detect(image), places, 200)


@pytest.mark.parametrize("side", [130, 260, 420])
def test_a_head_across_the_edges_of_tiles_is_one_face(
    detector: TiledDetector, head: Image, side: int
) -> None:
    size_wh = (1920, 1280)
    tiles = detector.plan(size_wh).tiles
    inner = next(tile for tile in tiles if tile.left > 0 and tile.top > 0)
    for part in (0.2, 0.5, 0.8):
        place = (round(inner.left - part * side), round(inner.top - part * side))
        found = detector.detect(lay_out(head, size_wh, [place], side))
        assert_each_once(found, [place], side)


@pytest.mark.parametrize("size_wh", [(6000, 4000), (1400, 2100)])
def test_a_face_that_fills_a_large_image_is_one_face(
    detector: TiledDetector, astronaut: Image, size_wh: tuple[int, int]
) -> None:
    portrait = np.asarray(
        cv2.resize(astronaut[40:210, 120:330], size_wh, interpolation=cv2.INTER_CUBIC), np.uint8
    )
    (only,) = detector.detect(portrait)
    assert only.box.area > 0.2 * size_wh[0] * size_wh[1]


@pytest.mark.parametrize("sample", ["coffee", "rocket", "grass", None])
def test_no_face_where_there_is_none(
    detector: TiledDetector, sample: str | None, rng: np.random.Generator
) -> None:
    if sample is None:
        image = rng.integers(0, 256, (1280, 1920, 3), np.uint8)
    else:
        photograph = getattr(skimage.data, sample)()
        image = np.asarray(cv2.resize(photograph, (1920, 1280)), np.uint8)
        image = np.stack([image] * 3, axis=2) if image.ndim == 2 else image[..., ::-1].copy()
    assert detector.detect(image) == []


def test_an_input_that_is_asked_for_is_taken_whatever_the_image(head: Image) -> None:
    places = [(100, 100), (500, 400)]
    image = lay_out(head, (800, 600), places, 36)
    assert len(build_detector(long_side_px=1312, n_threads=2).detect(image)) == 2
    assert build_detector(long_side_px=320, n_threads=2).detect(image) == []


@pytest.mark.parametrize(
    ("detector_px", "size_wh", "smallest_px"),
    [
        (None, (12000, 9000), 148),
        (320, (1280, 960), 116),
        (320, (3840, 2160), 326),
        (640, (3840, 2160), 151),
        (640, (256, 5120), 202),
        (2560, (12000, 9000), 136),
        (2560, (20000, 1500), 72),
    ],
)
def test_faces_that_people_expect_to_be_found_and_are_not_looked_for_are_told(
    detector_px: int | None, size_wh: tuple[int, int], smallest_px: int
) -> None:
    (note,) = detection_warnings(planner_of(detector_px), size_wh)
    assert note.startswith(f"faces below {smallest_px} px may be missed in an image of this size")
    asked = int(re.search(r"detector_px \(--detector-px\) above (\d+) ", note)[1])  # type: ignore[index]
    finer = planner_of(2 * asked).plan(size_wh)
    assert finer.smallest_px < 0.6 * smallest_px


def planner_of(detector_px: int | None) -> TiledDetector:
    if detector_px is None or detector_px > 1280:
        return planner(detector_px)
    return TiledDetector(
        FakeDetector(),
        long_side_px=detector_px,
        smallest_px=SMALLEST_PX,
        detector_px=detector_px,
    )


@pytest.mark.parametrize(
    ("detector_px", "size_wh"),
    [(None, (4000, 3000)), (320, (640, 480)), (640, (1280, 960)), (8192, (6000, 4000))],
)
def test_nothing_is_told_where_small_faces_are_found(
    detector_px: int | None, size_wh: tuple[int, int]
) -> None:
    assert detection_warnings(planner_of(detector_px), size_wh) == ()


def test_a_detector_that_turns_faces_hands_the_notes_on() -> None:
    (note,) = detection_warnings(build_detector(), (12000, 9000))
    assert re.match(r"faces below \d{3} px may be missed in an image of this size", note)
    assert detection_warnings(build_detector(long_side_px=8192), (6000, 4000)) == ()


def test_a_detector_without_tiles_has_no_notes() -> None:
    assert detection_warnings(FakeDetector(), (12000, 9000)) == ()


def test_what_is_no_image_is_refused_before_anything_else(detector: TiledDetector) -> None:
    with pytest.raises(InputError, match="uint8"):
        detector.detect(np.zeros((4000, 6000), np.uint8))


def test_detections_of_a_tile_need_no_landmarks() -> None:
    without = FaceDetection(Box(10, 10, 60, 60), 0.9)
    tiled = TiledDetector(FakeDetector([without]), long_side_px=640, smallest_px=SMALLEST_PX)
    found = tiled.detect(np.zeros((1080, 1920, 3), np.uint8))
    assert found
    assert all(each.landmarks is None for each in found)
