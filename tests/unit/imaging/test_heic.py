import io
import random
import sys
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from emolens.core.errors import DamagedImageError, EmolensError, UnsupportedFormatError
from emolens.imaging.decode import decode_image
from emolens.imaging.heic import open_heic
from tests.unit.imaging.heif_files import (
    HeifFile,
    coded,
    heic,
    heic_with_alpha,
    ispe,
    nclx,
    tiled_heic,
)
from tests.unit.imaging.images import draw, encode, pillow

pytestmark = pytest.mark.slow

IMAGE = draw(48, 64)


@pytest.mark.parametrize("pixel_format", ["yuv444p", "yuv420p", "yuv422p", "yuv420p10le", "gray"])
def test_common_pixel_formats_become_8_bit_rgb(pixel_format: str) -> None:
    image = open_heic(io.BytesIO(heic(IMAGE, pixel_format=pixel_format)))
    assert image.mode == "RGB"
    bgr = np.asarray(image)[..., ::-1].astype(int)
    if pixel_format == "gray":
        gray = np.asarray(pillow(IMAGE).convert("L"))[..., None]
        assert np.abs(bgr - gray).mean() < 2
    else:
        # Colour is stored coarsely in most of them, brightness is not.
        assert np.abs(bgr.mean(axis=2) - IMAGE.mean(axis=2)).mean() < 4


def test_transparency_is_blended_with_white() -> None:
    alpha = np.full((48, 64), 255, np.uint8)
    alpha[:, 32:] = 0
    image = decode_image(heic_with_alpha(IMAGE, alpha)).image.astype(int)
    assert np.abs(image[:, :30] - IMAGE[:, :30]).mean() < 2
    assert image[:, 34:].min() > 250


def test_the_files_word_on_colours_goes_before_the_tiles() -> None:
    plain = decode_image(heic(IMAGE)).image
    same = decode_image(heic(IMAGE, nclx(6, is_full=True))).image
    other = decode_image(heic(IMAGE, nclx(1, is_full=False))).image
    assert (same == plain).all()
    assert np.abs(other.astype(int) - plain).mean() > 3


def test_a_tile_that_is_larger_than_the_file_says_is_refused_before_it_is_decoded() -> None:
    configuration, content = coded(draw(512, 512))
    file = HeifFile()
    file.add(b"hvc1", content, ispe(16, 16), configuration)
    with pytest.raises(DamagedImageError, match="HEIC file is damaged"):
        decode_image(file.encoded())


def test_a_tile_that_is_smaller_than_the_file_says_is_refused() -> None:
    configuration, content = coded(IMAGE)
    file = HeifFile()
    file.add(b"hvc1", content, ispe(640, 480), configuration)
    with pytest.raises(DamagedImageError, match="a tile is 64 x 48 px, expected"):
        decode_image(file.encoded())


def test_a_tile_without_an_image_is_refused() -> None:
    configuration, _ = coded(IMAGE)
    file = HeifFile()
    file.add(b"hvc1", bytes(4), ispe(64, 48), configuration)
    with pytest.raises(DamagedImageError):
        decode_image(file.encoded())


def test_without_pyav_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "emolens.imaging.pyav", raising=False)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UnsupportedFormatError, match="pip install av"):
        decode_image(heic(IMAGE))


FUZZED: dict[str, Callable[[], bytes]] = {
    "heic": lambda: heic(IMAGE, pixel_format="yuv420p"),
    "tiles": lambda: tiled_heic(IMAGE, 32),
    "alpha": lambda: heic_with_alpha(IMAGE, IMAGE[..., 0].copy()),
    "avif": lambda: encode(pillow(IMAGE), "AVIF"),
}


@pytest.mark.parametrize("name", FUZZED)
def test_damaged_files_raise_our_errors_at_once_and_need_little_memory(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    encoded = FUZZED[name]()
    rng = random.Random(5)  # noqa: S311 (no secret)
    changed = [encoded[: len(encoded) * part // 50] for part in range(50)]
    for _ in range(200):
        one = bytearray(encoded)
        for _ in range(rng.choice([1, 2, 8])):
            # The boxes stand in front, the coded image behind them.
            place = rng.randrange(len(one)) if rng.random() < 0.5 else rng.randrange(600)
            one[place % len(one)] ^= 1 << rng.randrange(8)
        changed.append(bytes(one))
    n_refused = 0
    tracemalloc.start()
    began_s = time.monotonic()
    for one_changed in changed:
        try:
            decode_image(one_changed, max_pixels=1_000_000)
        except EmolensError:
            n_refused += 1
    assert time.monotonic() - began_s < 30
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()
    assert n_refused >= 50
    assert capfd.readouterr() == ("", "")
