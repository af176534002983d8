"""Single images: each analysed by itself, and what goes wrong with one concerns that one alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2

from emolens.core.errors import EmolensError, ProcessingError
from emolens.core.frame import FrameResult
from emolens.imaging.decode import MAX_PIXELS, DecodedImage, read_image
from emolens.imaging.listing import no_images
from emolens.media.annotated_image_sink import AnnotatedImageSink
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.rendering.overlay import draw_faces

if TYPE_CHECKING:
    from emolens.contract import ImageRecord

TABLE_LIMIT: Final = 100
"""A table of more images than this is no longer read; a line of totals is."""
# What libraries may raise on one image and not on the next.
_UNEXPECTED = (cv2.error, MemoryError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class ImageOutcome:
    """What came out of one image.

    Attributes:
        path: The image, as it was asked for.
        result: What was found; None where it could not be read.
        error: Why it could not be read; None where it could.
        copy_error: Why its annotated copy could not be written; None where it could, or nobody
            wanted one.
    """

    path: str
    result: FrameResult | None = None
    error: EmolensError | None = None
    copy_error: EmolensError | None = None

    @property
    def record(self) -> "ImageRecord":
        """The line of it."""
        # Loaded on use: who wants a table alone does not wait for it.
        from emolens.contract import image_error_record, image_record  # noqa: PLC0415

        if self.result is None:
            return image_error_record(self.path, self.error or ProcessingError("no result"))
        return image_record(self.path, self.result)


class ImageTotals:
    """Adds up what people are told at the end; of many images no more than that is kept."""

    def __init__(self) -> None:
        self.results: list[tuple[str, FrameResult]] = []
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.n_images = 0
        self.n_faces = 0

    @property
    def is_long(self) -> bool:
        """Whether there are more results than a table shows."""
        return len(self.results) > TABLE_LIMIT

    def add(self, outcome: ImageOutcome) -> None:
        """Take what came out of the next image."""
        self.n_images += 1
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
) -> Iterator[ImageOutcome]:
    """Analyse images one after the other, when their outcomes are asked for.

    Args:
        analyzer: Analyses them.
        paths: Image files; a folder among them is one in which no image was found.
        max_pixels: Largest width x height of an image that is decoded.
        annotated: Folder for copies with boxes and labels, or None.

    Returns:
        One outcome for each path, in order.

    Raises:
        OutputError: The folder cannot be made.
    """
    drawings = AnnotatedImageSink(annotated, paths) if annotated else None
    return _outcomes(analyzer, paths, max_pixels, drawings)


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
            copy_error = _draw(drawings, path, decoded, result) if drawings else None
            yield ImageOutcome(path, result, copy_error=copy_error)


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
) -> EmolensError | None:
    """Write the annotated copy; what went wrong concerns the copy alone, not the faces."""
    try:
        drawings.write(path, draw_faces(decoded.image, result.faces))
    except EmolensError as error:
        return error
    except _UNEXPECTED as error:
        return _unexpected(error)
    return None


def _unexpected(error: Exception) -> ProcessingError:
    return ProcessingError(f"the image could not be processed: {type(error).__name__}: {error}")
