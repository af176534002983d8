"""`emolens image`: name the expressions of every face in pictures."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.markup import escape
from rich.table import Table

from emolens.cli.options import (
    DEFAULT_MAX_MEGAPIXELS,
    MEGAPIXEL,
    DetectorOption,
    DetectorPxOption,
    MaxMegapixelsOption,
    ModelOption,
    SidewaysOption,
)
from emolens.cli.terminal import (
    PartialFailureError,
    one_line,
    progress,
    say,
    say_error,
    stdout_console,
)
from emolens.core.errors import EmolensError, ProcessingError
from emolens.core.frame import FrameResult
from emolens.detection import DEFAULT_DETECTOR
from emolens.imaging.decode import DecodedImage, read_image
from emolens.imaging.listing import LeftOut, no_pictures
from emolens.media.addresses import refuse_addresses
from emolens.media.annotated import AnnotatedPictures
from emolens.media.pictures import find_pictures
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.rendering.overlay import draw_faces, label_text
from emolens.storage.jsonl import WriteRecord, jsonl_writing

# A table of more pictures than this is no longer read; a line of totals is.
_TABLE_LIMIT = 100
# What libraries may raise on one picture and not on the next.
_UNEXPECTED = (cv2.error, MemoryError, OSError, ValueError)


def image(  # noqa: PLR0913 (one option each)
    paths: Annotated[
        list[str], typer.Argument(help="Pictures, folders or glob patterns.", metavar="PATH...")
    ],
    *,
    jsonl: Annotated[
        str | None, typer.Option(help="Write one JSON line per picture here; - is stdout.")
    ] = None,
    annotated: Annotated[
        Path | None, typer.Option(help="Write pictures with boxes and labels into this folder.")
    ] = None,
    face_crops: Annotated[
        bool, typer.Option("--face-crops", help="Each picture is one face, cut out already.")
    ] = False,
    model: ModelOption = "default",
    detector: DetectorOption = DEFAULT_DETECTOR,
    detector_px: DetectorPxOption = None,
    sideways: SidewaysOption = True,
    max_megapixels: MaxMegapixelsOption = DEFAULT_MAX_MEGAPIXELS,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No table, progress or remarks.")
    ] = False,
) -> None:
    """Name the apparent expression of every face in pictures.

    Of folders all pictures count, also in folders below and behind links, hidden ones apart. A
    picture that cannot be read is reported and the others go on (exit code 2).
    """
    refuse_addresses(paths)
    analyzer = ImageAnalyzer.load(
        model=model,
        detector=detector,
        face_crops=face_crops,
        detector_px=detector_px,
        sideways=sideways,
    )
    max_pixels = max_megapixels * MEGAPIXEL
    left_out = LeftOut()
    pictures = list(find_pictures(paths, left_out))
    report = _Report()
    drawings = AnnotatedPictures(annotated, pictures) if annotated else None
    with (
        _lines_to(jsonl) as write,
        progress("pictures", len(pictures), quiet=quiet) as done,
    ):
        for index, path in enumerate(pictures, start=1):
            try:
                decoded, result = _analyze(analyzer, path, max_pixels)
            except EmolensError as error:
                write(error_record(path, error))
                report.add_error(path, error)
            else:
                write(result_record(path, result))
                report.add_result(path, result)
                if drawings:
                    report.add_drawing(path, _draw(drawings, path, decoded, result))
            done(index)
    if left_out.remark:
        report.notes.append(left_out.remark)
    report.show(table=jsonl != "-" and not quiet, remarks=not quiet)
    if report.errors:
        raise PartialFailureError


def result_record(path: str, result: FrameResult) -> dict[str, object]:
    """The JSON line of a picture that could be read."""
    record = result.to_dict()
    return {
        "path": path,
        "width": record.pop("width"),
        "height": record.pop("height"),
        "error": None,
        **record,
    }


def error_record(path: str, error: EmolensError) -> dict[str, object]:
    """The JSON line of a picture that could not be read."""
    return {
        "path": path,
        "width": None,
        "height": None,
        "error": {"code": error.code, "message": str(error)},
        "faces": [],
    }


def result_table(results: Sequence[tuple[str, FrameResult]]) -> Table:
    """One row per face, and one per picture without faces."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("picture", overflow="fold")
    table.add_column("face", no_wrap=True)
    table.add_column("apparent expression", overflow="fold")
    table.add_column("next", style="dim", no_wrap=True)
    table.add_column("box (px)", justify="right", style="dim", no_wrap=True)
    for path, result in results:
        name = escape(one_line(path))
        if not result.faces:
            table.add_row(name, "-", "[dim]no face found[/]", "", "")
        for number, face in enumerate(result.faces, start=1):
            second = int(face.scores.probabilities.argsort()[-2])
            label, value = list(face.scores.to_dict().items())[second]
            x_min, y_min, x_max, y_max = map(round, face.box.to_tuple())
            table.add_row(
                name if number == 1 else "",
                str(number),
                escape(label_text(face)),
                f"{label} {value:.0%}",
                f"{x_max - x_min}x{y_max - y_min} at {x_min},{y_min}",
            )
    return table


class _Report:
    """Collects what people are told at the end."""

    def __init__(self) -> None:
        self.results: list[tuple[str, FrameResult]] = []
        self.notes: list[str] = []
        self.errors: list[str] = []
        self.n_pictures = 0
        self.n_faces = 0

    def add_result(self, path: str, result: FrameResult) -> None:
        self.n_pictures += 1
        self.n_faces += len(result.faces)
        self.notes += [f"{one_line(path)}: {note}" for note in result.notes]
        if len(self.results) <= _TABLE_LIMIT:
            self.results.append((path, result))

    def add_error(self, path: str, error: EmolensError) -> None:
        self.n_pictures += 1
        message = str(error)
        self.errors.append(message if path in message else f"{path}: {message}")

    def add_drawing(self, path: str, error: EmolensError | None) -> None:
        """Note whether the annotated copy of a picture that was read could be written."""
        if error is not None:
            self.errors.append(f"{path}: {error}")

    def show(self, *, table: bool, remarks: bool) -> None:
        is_short = len(self.results) <= _TABLE_LIMIT
        if table and self.results and is_short:
            stdout_console().print(result_table(self.results))
        for message in self.errors:
            say_error(message)
        if not remarks:
            return
        for note in self.notes:
            say(note)
        if table and not is_short:
            say(f"no table of more than {_TABLE_LIMIT} pictures; --jsonl FILE writes every face")
        if self.n_pictures > 1 or self.errors:
            say(f"{self.n_pictures} pictures, {self.n_faces} faces, {len(self.errors)} failed")


def _drop(_record: Mapping[str, object]) -> None:
    """Take a record that nobody asked for."""


@contextlib.contextmanager
def _lines_to(target: str | None) -> Iterator[WriteRecord]:
    if target is None:
        yield _drop
    else:
        with jsonl_writing(target) as write:
            yield write


def _analyze(
    analyzer: ImageAnalyzer, path: str, max_pixels: int
) -> tuple[DecodedImage, FrameResult]:
    try:
        if Path(path).is_dir():
            raise no_pictures(path)
        decoded = read_image(path, max_pixels=max_pixels)
        return decoded, analyzer.analyze_image(decoded.image, notes=decoded.notes)
    except EmolensError:
        raise
    except _UNEXPECTED as error:
        raise _unexpected(error) from error


def _draw(
    drawings: AnnotatedPictures, path: str, decoded: DecodedImage, result: FrameResult
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
    return ProcessingError(f"the picture could not be processed: {type(error).__name__}: {error}")
