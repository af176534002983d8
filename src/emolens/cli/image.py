"""`emolens image`: name the expressions of every face in pictures."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from emolens.cli.terminal import (
    PartialFailureError,
    one_line,
    progress,
    say,
    say_error,
    stdout_console,
)
from emolens.core.errors import EmolensError
from emolens.core.frame import FrameResult
from emolens.detection import DEFAULT_DETECTOR
from emolens.imaging.decode import read_image
from emolens.media.annotated import AnnotatedPictures
from emolens.media.jsonl_writer import WriteRecord, jsonl_writing
from emolens.media.pictures import find_pictures
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.rendering.overlay import draw_faces, label_text

# A table of more pictures than this is no longer read; a line of totals is.
_TABLE_LIMIT = 100


def image(
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
    model: Annotated[str, typer.Option(help="Model name or .onnx file.")] = "default",
    detector: Annotated[
        str, typer.Option(help="Face detector: centerface, yunet, or the path of YuNet's file.")
    ] = DEFAULT_DETECTOR,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No table, progress or remarks.")
    ] = False,
) -> None:
    """Name the apparent expression of every face in pictures.

    A picture that cannot be read is reported and the others go on (exit code 2).
    """
    analyzer = ImageAnalyzer.load(model=model, detector=detector, face_crops=face_crops)
    pictures = list(find_pictures(paths))
    report = _Report()
    drawings = AnnotatedPictures(annotated) if annotated else None
    with (
        _lines_to(jsonl) as write,
        progress("pictures", len(pictures), quiet=quiet) as done,
    ):
        for index, path in enumerate(pictures, start=1):
            try:
                result = _analyze(analyzer, path, drawings)
            except EmolensError as error:
                write(error_record(path, error))
                report.add_error(path, error)
            else:
                write(result_record(path, result))
                report.add_result(path, result)
            done(index)
    report.show(table=jsonl != "-" and not quiet, remarks=not quiet)
    if report.n_failed:
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
    for heading in ("picture", "face", "apparent expression"):
        table.add_column(heading, overflow="fold")
    table.add_column("next", style="dim")
    table.add_column("box (px)", justify="right", style="dim")
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
        self.errors: list[tuple[str, EmolensError]] = []
        self.n_failed = 0
        self.n_pictures = 0
        self.n_faces = 0

    def add_result(self, path: str, result: FrameResult) -> None:
        self.n_pictures += 1
        self.n_faces += len(result.faces)
        if len(self.results) <= _TABLE_LIMIT:
            self.results.append((path, result))

    def add_error(self, path: str, error: EmolensError) -> None:
        self.n_pictures += 1
        self.n_failed += 1
        if len(self.errors) < _TABLE_LIMIT:
            self.errors.append((path, error))

    def show(self, *, table: bool, remarks: bool) -> None:
        if table and 0 < len(self.results) <= _TABLE_LIMIT:
            stdout_console().print(result_table(self.results))
        for path, error in self.errors:
            message = str(error)
            say_error(message if path in message else f"{path}: {message}")
        if remarks:
            for path, result in self.results:
                for note in result.notes:
                    say(f"{one_line(path)}: {note}")
            if self.n_pictures > 1 or self.n_failed:
                say(f"{self.n_pictures} pictures, {self.n_faces} faces, {self.n_failed} failed")


def _drop(_record: Mapping[str, object]) -> None:
    """Take a record that nobody asked for."""


@contextlib.contextmanager
def _lines_to(target: str | None) -> Iterator[WriteRecord]:
    if target is None:
        yield _drop
    else:
        with jsonl_writing(target) as write:
            yield write


def _analyze(analyzer: ImageAnalyzer, path: str, drawings: AnnotatedPictures | None) -> FrameResult:
    decoded = read_image(path)
    result = analyzer.analyze_image(decoded.image, notes=decoded.notes)
    if drawings:
        drawings.write(path, draw_faces(decoded.image, result.faces))
    return result
