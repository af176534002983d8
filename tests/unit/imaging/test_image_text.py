import io

import cv2
import numpy as np
import pytest
from PIL import Image

from emolens.core.errors import InputError
from emolens.imaging.decode import decode_image
from emolens.imaging.image_text import text_in, with_text

TEXT = '{"emolens": "1.2.3"}'
IMAGE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.fixture(params=[".png", ".jpg"])
def encoded(request: pytest.FixtureRequest) -> bytes:
    return cv2.imencode(str(request.param), IMAGE)[1].tobytes()


def test_the_text_is_found_again_and_the_pixels_stay(encoded: bytes) -> None:
    written = with_text(encoded, "emolens", TEXT)
    assert text_in(written, "emolens") == TEXT
    assert text_in(written, "other") is None
    before, after = decode_image(encoded), decode_image(written)
    np.testing.assert_array_equal(after.image, before.image)
    assert after.warnings == before.warnings


def test_other_programs_read_the_text(encoded: bytes) -> None:
    image = Image.open(io.BytesIO(with_text(encoded, "emolens", TEXT)))
    image.load()
    comment = image.info.get("comment", b"").decode()
    assert image.info.get("emolens", comment.removeprefix("emolens ")) == TEXT


def test_an_image_without_the_text_has_none(encoded: bytes) -> None:
    assert text_in(encoded, "emolens") is None


@pytest.mark.parametrize("share", np.linspace(0, 1, 40))
def test_a_damaged_image_gives_no_error(encoded: bytes, share: float) -> None:
    written = with_text(encoded, "emolens", TEXT)
    found = text_in(written[: round(share * len(written))], "emolens")
    assert found is None or TEXT.startswith(found)


def test_what_is_no_image_is_refused() -> None:
    assert text_in(b"GIF89a", "emolens") is None
    with pytest.raises(InputError, match="PNG and JPEG"):
        with_text(b"GIF89a", "emolens", TEXT)


def test_a_text_too_long_for_jpeg_is_refused() -> None:
    encoded = cv2.imencode(".jpg", IMAGE)[1].tobytes()
    with pytest.raises(InputError, match="65,000"):
        with_text(encoded, "emolens", "a" * 66_000)
