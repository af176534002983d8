import threading

import pytest
from PIL import Image

from emolens.imaging.decode import decode_image
from emolens.imaging.pillow_limit import pillow_limit_lifted
from tests.unit.imaging.images import draw, encode, pillow


@pytest.mark.parametrize("limit", [100, 1500])  # an error and a warning of Pillow's own
@pytest.mark.parametrize("format_name", ["TIFF", "WebP", "PNG", "JPEG", "GIF"])
def test_pillows_own_limit_does_not_count(
    format_name: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = encode(pillow(draw()), format_name)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert decode_image(encoded).image.shape == (40, 56, 3)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_the_limit_comes_back_when_the_last_thread_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pillow_limit_lifted(200):
        with pillow_limit_lifted(50), pillow_limit_lifted(300):
            seen: list[int | None] = []
            thread = threading.Thread(target=lambda: seen.append(Image.MAX_IMAGE_PIXELS))
            thread.start()
            thread.join()
            assert seen == [None]
        assert Image.MAX_IMAGE_PIXELS is None
    assert Image.MAX_IMAGE_PIXELS == 100


def test_the_limit_comes_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match="broken"), pillow_limit_lifted(200):
        raise ValueError("broken")
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("limit", [None, 200])
def test_a_limit_that_is_not_exceeded_stays(
    limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pillow_limit_lifted(200):
        assert limit == Image.MAX_IMAGE_PIXELS
