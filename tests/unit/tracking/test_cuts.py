"""Cuts and what is none; more kinds of clips are measured in docs/experiments/cuts.py."""

import math
import tracemalloc
from collections.abc import Callable, Iterable

import cv2
import numpy as np
import pytest

from emolens.testing import Shot, cut_clip, drawn_place
from emolens.testing.edited_clip import EditedSource
from emolens.tracking import CutDetector
from emolens.tracking.views import Pixels

WH = (320, 180)
Draw = Callable[[float], Pixels]
Timed = Iterable[tuple[float, Pixels]]


def cuts(frames: Timed) -> list[float]:
    detector = CutDetector()
    return [round(at_s, 3) for at_s, image in frames if detector.is_cut(image, at_s)]


def timed(draw: Draw, *, duration_s: float = 3.0, rate_hz: float = 25.0) -> Timed:
    times = (np.arange(round(duration_s * rate_hz)) / rate_hz).tolist()
    return ((at_s, draw(at_s)) for at_s in times)


def place(seed: int) -> Pixels:
    return drawn_place(seed, size_wh=WH)


def still(seed: int) -> Draw:
    image = place(seed)
    return lambda _at_s: image


def lit(image: Pixels, factor: float, added: float = 0) -> Pixels:
    return np.asarray(cv2.convertScaleAbs(image, alpha=factor, beta=added), np.uint8)


def dim(image: Pixels, rng: np.random.Generator) -> Pixels:
    noise = rng.normal(0, 8, image.shape)
    return np.clip(0.15 * image + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("rate_hz", [10.0, 25.0, 60.0])
def test_a_cut_is_found_in_its_first_frame_at_any_rate(rate_hz: float) -> None:
    source = cut_clip(size_wh=WH, shot_s=1.0, n_shots=4, rate_hz=rate_hz)
    assert cuts(timed(source.draw, duration_s=4, rate_hz=rate_hz)) == [1, 2, 3]


def test_memory_is_constant_while_the_time_stands_still() -> None:
    detector, image = CutDetector(), np.zeros((48, 64, 3), np.uint8)
    tracemalloc.start()
    for number in range(2000):
        detector.is_cut(image, 0.0)
        if number == 500:
            before, _ = tracemalloc.get_traced_memory()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 100_000


def test_dropped_frames_hide_no_cut() -> None:
    source = cut_clip(size_wh=WH, shot_s=1.0, n_shots=4)
    rng = np.random.default_rng(1)
    kept = [moment for moment in timed(source.draw, duration_s=4) if rng.random() > 0.6]
    times = [at_s for at_s, _ in kept]
    assert cuts(kept) == [min(at_s for at_s in times if at_s >= cut) for cut in (1, 2, 3)]


def test_a_face_at_the_same_place_of_the_same_wall_is_a_cut() -> None:
    from emolens.testing import SyntheticSource, collins, hopper

    scenes = [
        SyntheticSource([who(lambda _at_s: (160, 95, 95))], size_wh=WH) for who in (collins, hopper)
    ]
    source = EditedSource([Shot(scene.draw, 1.0) for scene in scenes])
    assert cuts(timed(source.draw, duration_s=2)) == [1]


def test_every_unrelated_image_is_a_shot() -> None:
    images = [place(seed) for seed in range(12)]
    assert len(cuts((index / 25, image) for index, image in enumerate(images))) == 11


def test_low_light_noise_is_no_cut_and_hides_none() -> None:
    rng = np.random.default_rng(0)
    one, other = place(1), place(2)
    frames = timed(lambda at_s: dim(one if at_s < 1.5 else other, rng))
    assert cuts(frames) == [1.52]


@pytest.mark.parametrize("n_frames", [1, 2, 3])
@pytest.mark.parametrize("light", [(1.6, 0), (2.2, 60), (1, 255)], ids=["weak", "strong", "white"])
def test_a_flash_is_no_cut(n_frames: int, light: tuple[float, float]) -> None:
    image = place(4)
    flash = lit(image, *light)
    lasts_s = n_frames / 25 - 1e-6
    assert cuts(timed(lambda at_s: flash if 0 <= at_s % 1 - 0.5 < lasts_s else image)) == []


def test_a_cut_into_white_is_found_a_little_later() -> None:
    bright = lit(place(5), 2.5, 90)
    (found,) = cuts(timed(lambda at_s: lit(place(4), 0.3) if at_s < 1 else bright))
    assert 1 <= found <= 1.25


def test_steps_of_exposure_are_no_cuts() -> None:
    image = place(6)
    assert cuts(timed(lambda at_s: lit(image, (1, 0.5, 1.5)[int(at_s)]))) == []


@pytest.mark.parametrize(("after", "found"), [(7, []), (8, [2.12])], ids=["back", "elsewhere"])
def test_black_frames_are_skipped(after: int, found: list[float]) -> None:
    """Fade to black from 1 s to 1.5 s, and back from 2 s to 2.5 s."""

    def draw(at_s: float) -> Pixels:
        image = place(7 if at_s < 1.75 else after)
        return lit(image, min(1.0, max(0.0, (abs(at_s - 1.75) - 0.25) / 0.5)))

    assert cuts(timed(draw)) == pytest.approx(found, abs=0.1)


@pytest.mark.parametrize("rate_hz", [10.0, 25.0, 60.0])
def test_a_fast_pan_is_no_cut(rate_hz: float) -> None:
    wide = drawn_place(9, size_wh=(4 * WH[0], WH[1]))

    def draw(at_s: float) -> Pixels:
        x = round(1.2 * WH[0] * (at_s - math.sin(math.pi * at_s) / math.pi))
        return np.ascontiguousarray(wide[:, x : x + WH[0]])

    assert cuts(timed(draw, duration_s=2, rate_hz=rate_hz)) == []


def test_a_shaking_camera_is_no_cut() -> None:
    large = drawn_place(10, size_wh=(WH[0] + 40, WH[1] + 40))

    def draw(at_s: float) -> Pixels:
        x, y = round(20 + 18 * math.sin(31 * at_s)), round(20 + 18 * math.cos(23 * at_s))
        return np.ascontiguousarray(large[y : y + WH[1], x : x + WH[0]])

    assert cuts(timed(draw)) == []


def test_something_that_passes_close_to_the_camera_is_no_cut() -> None:
    image, cover = place(11), place(12)[:, :160]

    def draw(at_s: float) -> Pixels:
        drawn = image.copy()
        left = round((at_s - 1) * 2 * 480) - 160
        shown = cover[:, max(0, -left) : max(0, min(160, 320 - left))]
        if left < 320 and shown.size:
            drawn[:, max(0, left) : max(0, left) + shown.shape[1]] = shown
        return drawn

    assert not np.array_equal(draw(1.2), image)
    assert cuts(timed(draw)) == []


@pytest.mark.parametrize("dissolve_s", [0.5, 1.0, 2.0])
def test_a_dissolve_becomes_one_cut_before_it_ends(dissolve_s: float) -> None:
    source = cut_clip(size_wh=WH, shot_s=3.0, n_shots=2, dissolve_s=dissolve_s)
    (found,) = cuts(timed(source.draw, duration_s=6))
    assert 3 < found <= 3 + dissolve_s


def test_one_damaged_frame_is_one_cut_at_most() -> None:
    image, other = place(13), place(14)
    assert len(cuts(timed(lambda at_s: other if at_s == 1 else image))) == 1


def test_another_shape_of_frames_is_a_cut_and_another_size_is_none() -> None:
    image = place(15)
    smaller = np.asarray(cv2.resize(image, (160, 90), interpolation=cv2.INTER_AREA), np.uint8)
    upright = np.ascontiguousarray(image.transpose(1, 0, 2))
    assert cuts(timed(lambda at_s: image if at_s < 1 else smaller)) == []
    assert cuts(timed(lambda at_s: image if at_s < 1 else upright)) == [1]


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (7, 5, 3), (2160, 3840, 3)])
def test_odd_frames(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, shape, np.uint8) for _ in range(3)]
    detector = CutDetector()
    assert not detector.is_cut(images[0], 0.0)
    # The same time twice, and a long pause.
    for at_s, image in ((0.0, images[1]), (900.0, images[2])):
        assert isinstance(detector.is_cut(image, at_s), bool)


def test_after_a_reset_the_next_frame_is_no_cut() -> None:
    detector = CutDetector()
    detector.is_cut(place(1), 0.0)
    detector.reset()
    assert not detector.is_cut(place(2), 0.04)
    assert detector.is_cut(place(3), 0.5)
