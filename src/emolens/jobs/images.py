"""Analysis of single images; an error in one does not affect the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2

from emolens.core.errors import EmolensError, ProcessingError
from emolens.core.frame import FrameResult
from emolens.core.records import public_name
from emolens.imaging.decode import MAX_PIXELS, DecodedImage, read_image
from emolens.imaging.listing import no_images
from emolens.media.annotated_image_sink import AnnotatedImageSink
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.rendering.overlay import draw_faces

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


class ImageTotals:
    """Totals of all images for the final output; a long run keeps only these totals."""

    def __init__(self) -> None:
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
            message = str(outcome.error)
            self.errors.append(message if path in message else f"{path}: {message}")
        if outcome.copy_error is not None:
            self.errors.append(f"{path}: {outcome.copy_error}")
        if result is not None:
            self.n_faces += len(result.faces)
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
) -> Iterator[ImageOutcome]:
    """Analyse images lazily, in order.

    Args:
        analyzer: Analyzer for single images.
        paths: Image files. A folder in the list is a folder without images.
        max_pixels: Maximum number of pixels (width x height) of an image.
        annotated: Folder for copies with boxes and labels, or None.
        root: Folder of the images, whose subfolders the copies keep. Default: their common folder.

    Returns:
        One outcome per path, in order.

    Raises:
        OutputError: The folder cannot be created.
    """
    drawings = None
    if annotated:
        drawings = AnnotatedImageSink(annotated, paths, root=root, made=analyzer.provenance)
    return _outcomes(analyzer, paths, max_pixels, drawings)


def images_provenance(analyzer: ImageAnalyzer, paths: Sequence[str]) -> "Provenance":
    """Return the record of how the results of images are made.

    A single image is named. Of several, only the number is recorded.
    """
    from emolens.contract import InputRecord  # noqa: PLC0415 (pydantic is slow to load)

    name = public_name(Path(paths[0]).name) if len(paths) == 1 else None
    source = InputRecord(kind="images", name=name, n_files=len(paths))
    return analyzer.provenance.model_copy(update={"input": source})


def _outcomes(
    analyzer: ImageAnalyzer,
    paths: Sequence[str],
    max_pixels: int,
    drawings: AnnotatedImageSink | None,
) -> Iterator[ImageOutcome]:
    for path in paths:
        try:
            decoded, result = _analyze(analyzer, path, max_pixels)
        except EmolensError as error:
            yield ImageOutcome(path, error=error)
        else:
            copied = _draw(drawings, path, decoded, result) if drawings else False
            if isinstance(copied, bool):
                yield ImageOutcome(path, result, is_replaced=copied)
            else:
                yield ImageOutcome(path, result, copy_error=copied)


def _analyze(
    analyzer: ImageAnalyzer, path: str, max_pixels: int
) -> tuple[DecodedImage, FrameResult]:
    try:
        if Path(path).is_dir():
            raise no_images(path)
        decoded = read_image(path, max_pixels=max_pixels)
        return decoded, analyzer.analyze_image(decoded.image, warnings=decoded.warnings)
    except EmolensError:
        raise
    except _UNEXPECTED as error:
        raise _unexpected(error) from error


def _draw(
    drawings: AnnotatedImageSink, path: str, decoded: DecodedImage, result: FrameResult
) -> EmolensError | bool:
    """Write the annotated copy; return whether it replaced a file, or its error.

    An error does not affect the result.
    """
    try:
        return drawings.write(path, draw_faces(decoded.image, result.faces)).is_replaced
    except EmolensError as error:
        return error
    except _UNEXPECTED as error:
        return _unexpected(error)


def _unexpected(error: Exception) -> ProcessingError:
    return ProcessingError(f"the image cannot be processed: {type(error).__name__}: {error}")
