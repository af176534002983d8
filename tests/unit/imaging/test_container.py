import pytest

from emolens.core.errors import DamagedImageError, ImageTooLargeError
from emolens.imaging.container import Container, check_size, cut_off, damaged


@pytest.mark.parametrize("size_wh", [(0, 5), (5, 0), (-4, 5), (0, 0)])
def test_empty_and_negative_sizes_are_damage(size_wh: tuple[int, int]) -> None:
    with pytest.raises(DamagedImageError, match="declares a size"):
        check_size("PNG", size_wh, 100)


def test_the_limit_counts_pixels() -> None:
    check_size("PNG", (10, 10), 100)
    with pytest.raises(ImageTooLargeError, match=r"11 x 10 px = 110 pixels; allowed: up to 100\."):
        check_size("PNG", (11, 10), 100)


def test_errors_say_what_and_what_next() -> None:
    assert "PNG" in str(damaged("PNG", "why"))
    assert "Copy or download it again." in str(cut_off("GIF", "here"))


def test_notes_name_frames_or_pages() -> None:
    assert Container("GIF", (1, 1), b"", n_frames=12).warnings == (
        "only the first of 12 frames is used",
    )
    assert Container("TIFF", (1, 1), b"", n_frames=2).warnings == (
        "only the first of 2 pages is used",
    )
    assert Container("TIFF", (1, 1), b"").warnings == ()
