"""`emolens demo`: the main job on a bundled picture and clip."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.image_tables import result_table
from emolens.cli.sessions import show_session
from emolens.cli.signals import stopping_on_signals
from emolens.cli.terminal import (
    PartialFailureError,
    progress,
    say,
    say_error,
    stdout_console,
    write_json,
)
from emolens.contract import image_record
from emolens.imaging.decode import read_image
from emolens.jobs.video import VideoJob, analyze_video
from emolens.media.open_source import plan_of_frames
from emolens.media.pictures import write_picture
from emolens.media.sample import sample_picture
from emolens.pipeline.models import Models
from emolens.rendering.overlay import draw_faces
from emolens.runtime.catalogue import DEFAULT_EMOTION_MODEL
from emolens.testing.sample_clip import crossing_clip

_CLIP_S = 5.0


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("emolens-demo"),
) -> None:
    """Analyse a bundled picture and a clip: annotated copies, data and a page with time lines."""
    models = Models()
    written = [*_picture(models, out), *_clip(models, out)]
    say(f"wrote {', '.join(map(str, written))}")


def _picture(models: Models, out: Path) -> list[Path]:
    source = sample_picture()
    decoded = read_image(source)
    result = models.image_analyzer().analyze_image(decoded.image)
    annotated, record = out / "astronaut.png", out / "astronaut.json"
    write_picture(annotated, draw_faces(decoded.image, result.faces))
    write_json(str(record), image_record(source.name, result).to_dict())
    stdout_console().print(result_table([(source.name, result)]))
    return [annotated, record]


def _clip(models: Models, out: Path) -> list[Path]:
    """Two people who pass each other, from two pictures in the public domain."""
    annotated, table, page = (out / f"crossing.{suffix}" for suffix in ("mkv", "csv", "html"))
    recorded = analyze_video(
        plan_of_frames(crossing_clip(duration_s=_CLIP_S), name="crossing (generated)"),
        VideoJob(tables=[table], annotated=annotated, report=page),
        models=models,
        model_name=DEFAULT_EMOTION_MODEL,
        progress=partial(progress, quiet=False),
        stopping=stopping_on_signals,
    )
    show_session(recorded.session)
    say(str(recorded))
    for failure in recorded.failures:
        say_error(failure)
    if recorded.failures:
        raise PartialFailureError
    return [annotated, table, page]
