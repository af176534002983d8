"""`emolens demo`: the main job on a bundled picture and clip."""

from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.image import result_record, result_table
from emolens.cli.streams import run_recorded, show_session, try_report
from emolens.cli.terminal import PartialFailureError, say, say_error, stdout_console, write_json
from emolens.imaging.decode import read_image
from emolens.media.pictures import write_picture
from emolens.media.recording import Recording
from emolens.media.sample import sample_picture
from emolens.media.table_writer import TableWriter
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.pipeline.outputs import Outputs
from emolens.pipeline.stream import StreamAnalyzer
from emolens.rendering.overlay import draw_faces
from emolens.rendering.stream_overlay import StreamOverlay
from emolens.runtime.catalogue import DEFAULT_EMOTION_MODEL
from emolens.sessions.session import SessionSummary
from emolens.testing.sample_clip import crossing_clip

_CLIP_S = 5.0


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("emolens-demo"),
) -> None:
    """Analyse a bundled picture and a clip: annotated copies, data and a page with time lines."""
    written = [*_picture(out), *_clip(out)]
    say(f"wrote {', '.join(map(str, written))}")


def _picture(out: Path) -> list[Path]:
    source = sample_picture()
    decoded = read_image(source)
    result = ImageAnalyzer.load().analyze_image(decoded.image)
    annotated, record = out / "astronaut.png", out / "astronaut.json"
    write_picture(annotated, draw_faces(decoded.image, result.faces))
    write_json(str(record), result_record(source.name, result))
    stdout_console().print(result_table([(source.name, result)]))
    return [annotated, record]


def _clip(out: Path) -> list[Path]:
    """Two people who pass each other, from two pictures in the public domain."""
    annotated, table, page = (out / f"crossing.{suffix}" for suffix in ("mkv", "csv", "html"))
    summary = SessionSummary()
    outputs = Outputs(
        data=[summary, TableWriter(table)],
        pictures=[Recording(annotated)],
        layers=[StreamOverlay()],
    )
    with crossing_clip(duration_s=_CLIP_S) as source:
        recorded = run_recorded(source, StreamAnalyzer.load(), outputs, summary, quiet=False)
    failures = recorded.failures + try_report(
        page, recorded, source="crossing (generated)", model=DEFAULT_EMOTION_MODEL
    )
    show_session(recorded.session)
    say(str(recorded))
    for failure in failures:
        say_error(failure)
    if failures:
        raise PartialFailureError
    return [annotated, table, page]
