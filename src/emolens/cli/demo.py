"""`emolens demo`: the main job on a bundled picture."""

from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.image import result_record, result_table
from emolens.cli.terminal import say, stdout_console, write_json
from emolens.imaging.decode import read_image
from emolens.media.pictures import write_picture
from emolens.media.sample import sample_picture
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.rendering.overlay import draw_faces


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("emolens-demo"),
) -> None:
    """Analyse a bundled public-domain picture and write the annotated copy and the data."""
    source = sample_picture()
    decoded = read_image(source)
    result = ImageAnalyzer.load().analyze_image(decoded.image)
    annotated, record = out / "astronaut.png", out / "astronaut.json"
    write_picture(annotated, draw_faces(decoded.image, result.faces))
    write_json(str(record), result_record(source.name, result))
    stdout_console().print(result_table([(source.name, result)]))
    say(f"wrote {annotated} and {record}")
