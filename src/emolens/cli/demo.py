"""`emolens demo`: the main job on a bundled image and clip."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.signals import stopping_on_signals
from emolens.cli.terminal import PartialFailureError, progress, say, say_error, show
from emolens.jobs.demo import CLIP_FILES, IMAGE_FILES, demo_clip, demo_image
from emolens.pipeline.models import Models
from emolens.reports.images_text import images_table
from emolens.reports.session_text import session_text


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("emolens-demo"),
) -> None:
    """Analyse a bundled image and a clip: annotated copies, data and a page with time lines."""
    models = Models()
    show([images_table([demo_image(models, out)])])
    shown = partial(progress, quiet=False)
    recorded = demo_clip(models, out, progress=shown, stopping=stopping_on_signals)
    show(session_text(recorded.session))
    say(str(recorded))
    for failure in recorded.failures:
        say_error(failure)
    if recorded.failures:
        raise PartialFailureError
    say(f"wrote {', '.join(str(out / name) for name in (*IMAGE_FILES, *CLIP_FILES))}")
