"""`emolens demo`: analysis of a bundled image and clip."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.options import folder_named
from emolens.cli.signals import stopping_on_signals
from emolens.cli.terminal import PartialFailureError, echo, echo_error, progress, show
from emolens.jobs.demo import CLIP_FILES, IMAGE_FILES, demo_clip, demo_image
from emolens.pipeline.models import Models
from emolens.reports.images_text import images_table
from emolens.reports.session_text import session_text


def demo(
    out: Annotated[Path, typer.Option(help="Output folder.", callback=folder_named)] = Path(
        "emolens-demo"
    ),
) -> None:
    """Analyse a bundled image and clip; write annotated copies, data and a report."""
    models = Models()
    show([images_table([demo_image(models, out)])])
    shown = partial(progress, quiet=False)
    recorded = demo_clip(models, out, progress=shown, stopping=stopping_on_signals)
    show(session_text(recorded.session))
    echo(str(recorded))
    for failure in recorded.failures:
        echo_error(failure)
    if recorded.failures:
        raise PartialFailureError
    echo(f"wrote {', '.join(str(out / name) for name in (*IMAGE_FILES, *CLIP_FILES))}")
