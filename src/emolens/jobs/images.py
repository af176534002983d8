"""Analysis of single images; an error in one does not affect the others."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import cv2

from emolens.core.errors import EmolensError, ProcessingError
from emolens.core.frame import Cell, FrameResult
from emolens.core.records import public_name
from emolens.imaging.decode import (
    MAX_PIXELS,
    DecodedImage,
    decode_named,
    read_image,
    read_stream,
)
from emolens.imaging.listing import no_images
from emolens.jobs.drawing import Draw, draw_tags
from emolens.media.annotated_image_sink import AnnotatedImageSink
from emolens.media.standard_input import STDIN, STDIN_NAME
from emolens.pipeline.analyzer import ImageAnalyzer

if TYPE_CHECKING:
    from emolens.contract import ImageRecord, Provenance

TABLE_LIMIT: Final = 100
"""Maximum number of images in a table; for more, only the totals are printed."""
# Errors that libraries may raise for a single image.
_UNEXPECTED = (cv2.error, MemoryError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class ImageOutcome:
    """The outcome of one image.

    Attributes:
        path: Path of the image, as given.
        result: The result, or None if the image cannot be analysed.
        error: The error, or None on success.
        copy_error: The error of writing the annotated copy, or None on success or without a copy.
        is_replaced: Whether the annotated copy replaced a file of an earlier run.
    """

    path: str
    result: FrameResult | None = None
    error: EmolensError | None = None
    copy_error: EmolensError | None = None
    is_replaced: bool = False

    @property
    def record(self) -> "ImageRecord":
        """The JSON record of the image."""
        # Loaded on use, because a table does not need it and pydantic is slow to import.
        from emolens.contract import image_error_record, image_record  # noqa: PLC0415 (pydantic is slow to load)

        if self.result is None:
            return image_error_record(self.path, self.error or ProcessingError("no result"))
        return image_record(self.path, self.result)

    @property
    def rows(self) -> list[dict[str, Cell]]:
        """The rows of the image in a table, with `emolens.IMAGE_TABLE_COLUMNS`."""
        from emolens.contract import image_error_rows, image_rows  # noqa: PLC0415 (pydantic is slow to load)

        if self.result is None:
            return image_error_rows(self.path, self.error or ProcessingError("no result"))
        return image_rows(self.path, self.result)


class ImageTotals:
    """Totals of all images for the final output; a long run keeps only these totals.

    Args:
        blurs: Whether faces are blurred, so that a copy without a detected face needs a warning.
    """

    def __init__(self, *, blurs: bool = False) -> None:
        self._blurs = blurs
        self.results: list[tuple[str, FrameResult]] = []
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.n_images = 0
        self.n_faces = 0
        self.n_replaced = 0

    @property
    def is_long(self) -> bool:
        """Whether there are too many results for a table."""
        return len(self.results) > TABLE_LIMIT

    def add(self, outcome: ImageOutcome) -> None:
        """Add the outcome of the next image."""
        self.n_images += 1
        self.n_replaced += outcome.is_replaced
        path, result = outcome.path, outcome.result
        if outcome.error is not None:
            self.errors.append(named_error(path, outcome.error))
        if outcome.copy_error is not None:
            self.errors.append(f"{path}: {outcome.copy_error}")
        if result is not None:
            self.n_faces += len(result.faces)
            if self._blurs and not result.faces:
                self.warnings.append(f"{path}: no face detected, so nothing is blurred")
            self.warnings += [f"{path}: {warning}" for warning in result.warnings]
            if len(self.results) <= TABLE_LIMIT:
                self.results.append((path, result))


def analyze_images(
    analyzer: ImageAnalyzer,
    paths: Sequence[str],
    *,
    max_pixels: int = MAX_PIXELS,
    annotated: Path | None = None,
    root: Path | None = None,
    draw: Draw = draw_tags,
    standard_input: BinaryIO | None = None,
) -> Iterator[ImageOutcome]:
    """Analyse images lazily, in order.

    Args:
        analyzer: Analyzer for single images.
        paths: Image files. A folder in the list is a folder without images.
        max_pixels: Maximum number of pixels (width x height) of an image.
        annotated: Folder for annotated copies, or None.
        root: Folder of the images, whose subfolders the copies keep. Default: their common folder.
        draw: Draws the result on an annotated copy.
        standard_input: File with the bytes of the image `-`, or None if `-` is a usual name.

    Returns:
        One outcome per path, in order.

    Raises:
        OutputError: The folder cannot be created.
    """
    drawings = None
    if annotated:
        drawings = AnnotatedImageSink(annotated, paths, root=root, made=analyzer.provenance)
    read = partial(read_one, max_pixels=max_pixels, standard_input=standard_input)
    write = None if drawings is None else partial(_draw, drawings, draw)
    return _outcomes(analyzer, paths, read, write)


def analyze_encoded(
    analyzer: ImageAnalyzer, name: str, encoded: bytes, *, max_pixels: int = MAX_PIXELS
) -> ImageOutcome:
    """Analyse the bytes of an image file, as `analyze_images` analyses the file.

    Args:
        analyzer: Analyzer for single images.
        name: Name of the file, which nothing opens.
        encoded: The whole file.
        max_pixels: Maximum number of pixels (width x height) of the image.

    Returns:
        The outcome. Its record is that of a file with this path and these bytes.
    """
    decode = partial(decode_named, encoded=encoded, max_pixels=max_pixels)
    return next(_outcomes(analyzer, [name], decode, None))


def images_provenance(made: "Provenance", paths: Sequence[str]) -> "Provenance":
    """Return the record of how the results of images are made.

    A single image is named. Of several, only the number is recorded.

    Args:
        made: The record without an input.
        paths: The images.
    """
    from emolens.contract import InputRecord  # noqa: PLC0415 (pydantic is slow to load)

    name = public_name(Path(paths[0]).name) if len(paths) == 1 else None
    source = InputRecord(kind="images", name=name, n_files=len(paths))
    return made.model_copy(update={"input": source})


def _outcomes(
    analyzer: ImageAnalyzer,
    paths: Sequence[str],
    read: Callable[[str], DecodedImage],
    write: Callable[[str, DecodedImage, FrameResult], EmolensError | bool] | None,
) -> Iterator[ImageOutcome]:
    for path in paths:
        try:
            decoded, result = _analyze(analyzer, path, read)
        except EmolensError as error:
            yield ImageOutcome(path, error=error)
        else:
            copied = write(path, decoded, result) if write else False
            if isinstance(copied, bool):
                yield ImageOutcome(path, result, is_replaced=copied)
            else:
                yield ImageOutcome(path, result, copy_error=copied)


def named_error(path: str, error: EmolensError | None) -> str:
    """Return the message of an error, which begins with the path unless it contains it."""
    message, name = str(error or ""), STDIN_NAME if path == STDIN else path
    return message if name in message else f"{name}: {message}"


def read_one(
    path: str, *, max_pixels: int = MAX_PIXELS, standard_input: BinaryIO | None = None
) -> DecodedImage:
    """Read one image of a list; see `analyze_images`.

    Raises:
        InputError: The image cannot be read.
    """
    if path == STDIN and standard_input is not None:
        return read_stream(standard_input, max_pixels=max_pixels, shown=STDIN_NAME)
    if Path(path).is_dir():
        raise no_images(path)
    return read_image(path, max_pixels=max_pixels)


def _analyze(
    analyzer: ImageAnalyzer, path: str, read: Callable[[str], DecodedImage]
) -> tuple[DecodedImage, FrameResult]:
    with explaining_errors():
        decoded = read(path)
        return decoded, analyzer.analyze_image(decoded.image, warnings=decoded.warnings)


def _draw(
    drawings: AnnotatedImageSink, draw: Draw, path: str, decoded: DecodedImage, result: FrameResult
) -> EmolensError | bool:
    """Write the annotated copy; return whether it replaced a file, or its error.

    An error does not affect the result.
    """
    name = STDIN_NAME if path == STDIN else path
    try:
        with explaining_errors():
            return drawings.write(name, draw(decoded.image, result)).is_replaced
    except EmolensError as error:
        return error


@contextlib.contextmanager
def explaining_errors() -> Iterator[None]:
    """Convert errors of libraries about one image to `ProcessingError`."""
    try:
        yield
    except EmolensError:
        raise
    except _UNEXPECTED as error:
        raise ProcessingError(
            f"the image cannot be processed: {type(error).__name__}: {error}"
        ) from error
