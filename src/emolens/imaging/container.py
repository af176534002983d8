"""Shared parts of the image file parsers: their result and their errors.

Each format has its own parser, which walks through the file before a decoder opens it. The parser
reads the size early, so that an image that is too large is refused before memory is allocated. It
checks that the file is complete, because decoders silently fill missing pixels with grey or black.
It returns a file that contains only what the pixels need.
"""

from dataclasses import dataclass

from emolens.core.errors import DamagedImageError, ImageTooLargeError


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """An image file that was parsed to its end, but not decoded.

    Attributes:
        format_name: One of `emolens.imaging.decode.FORMATS`.
        size_wh: (width, height) in stored pixels, before the orientation is applied.
        pixel_file: A file of the same format with the first image and without metadata.
        orientation: EXIF orientation, 1..8; 1 means upright.
        n_frames: Number of frames or pages in the file.
        shown_xyxy: The visible part of the stored image, in pixels; None for all of it.
        other_warnings: Warnings in addition to the one about frames or pages.
        declared_white: Largest sample value that the file declares, or None.
    """

    format_name: str
    size_wh: tuple[int, int]
    pixel_file: bytes
    orientation: int = 1
    n_frames: int = 1
    shown_xyxy: tuple[int, int, int, int] | None = None
    other_warnings: tuple[str, ...] = ()
    declared_white: int | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the file for the user."""
        if self.n_frames <= 1:
            return self.other_warnings
        unit = "pages" if self.format_name == "TIFF" else "frames"
        return (f"only the first of {self.n_frames} {unit} is used", *self.other_warnings)


def check_size(format_name: str, size_wh: tuple[int, int], max_pixels: int) -> None:
    """Reject a declared size that is empty, negative or too large.

    Raises:
        DamagedImageError: A side is below one pixel.
        ImageTooLargeError: There are more than `max_pixels` pixels.
    """
    width, height = size_wh
    if width < 1 or height < 1:
        raise damaged(format_name, f"it declares a size of {width} x {height} px")
    if width * height > max_pixels:
        raise ImageTooLargeError(
            f"the {format_name} image is {width} x {height} px = {width * height:,} pixels; "
            f"allowed: up to {max_pixels:,}. Shrink it, or raise max_pixels (--max-megapixels)."
        )


def damaged(format_name: str, reason: str) -> DamagedImageError:
    """Create the error for a damaged file."""
    return DamagedImageError(
        f"the {format_name} file is damaged: {reason}. Copy or download it again."
    )


def cut_off(format_name: str, where: str) -> DamagedImageError:
    """Create the error for a file that ends early."""
    return damaged(format_name, f"it ends {where}")
