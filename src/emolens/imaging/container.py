"""What the parsers of image files share: their result, and how they refuse a file.

Every format has a parser of its own that walks through the file before any decoder sees it. It
finds the size early (so an image that is too large is refused before memory is asked for), makes
sure that the file reaches its own end (decoders fill what is missing with grey or black and say
nothing), and hands on a file that holds nothing but what the pixels need.
"""

from dataclasses import dataclass

from emolens.core.errors import DamagedImageError, ImageTooLargeError


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """An image file that was read up to its end, but not decoded.

    Attributes:
        format_name: One of `emolens.imaging.decode.FORMATS`.
        size_wh: (width, height) in stored pixels, before the orientation is applied.
        pixel_file: A file of the same format with the first image and without metadata.
        orientation: EXIF orientation 1..8; 1 means upright.
        n_frames: Frames or pages in the file.
        shown_xyxy: The part of the stored image that is shown, in pixels; None for all of it.
        other_warnings: What else a user should know.
        declared_white: Largest value of a sample according to the file, if it says so.
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
        """What a user should know of how the file is read."""
        if self.n_frames <= 1:
            return self.other_warnings
        unit = "pages" if self.format_name == "TIFF" else "frames"
        return (f"first of {self.n_frames} {unit}", *self.other_warnings)


def check_size(format_name: str, size_wh: tuple[int, int], max_pixels: int) -> None:
    """Refuse a declared size that is empty, negative or too large.

    Raises:
        DamagedImageError: A side is below one pixel.
        ImageTooLargeError: There are more than `max_pixels` pixels.
    """
    width, height = size_wh
    if width < 1 or height < 1:
        raise damaged(format_name, f"it declares a size of {width} x {height} px")
    if width * height > max_pixels:
        raise ImageTooLargeError(
            f"the {format_name} image declares {width} x {height} px = {width * height:,} "
            f"pixels; allowed are {max_pixels:,}; shrink it, or allow more with max_pixels "
            "(--max-megapixels)"
        )


def damaged(format_name: str, reason: str) -> DamagedImageError:
    """An error that says what is broken and what to do next."""
    return DamagedImageError(
        f"the {format_name} image is damaged: {reason}; copy or download the file again"
    )


def cut_off(format_name: str, where: str) -> DamagedImageError:
    """An error for a file that ends too early."""
    return damaged(format_name, f"the file ends too early, {where}")
