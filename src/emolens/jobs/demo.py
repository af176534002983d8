"""The analysis of a bundled image and clip."""

from pathlib import Path
from typing import Final

from emolens.contract import image_record
from emolens.core.frame import FrameResult
from emolens.core.progress import Progress, silently
from emolens.imaging.decode import read_image
from emolens.jobs.streams import Stopping, never
from emolens.jobs.video import Recorded, VideoJob, analyze_video
from emolens.media.images import write_image
from emolens.media.open_source import plan_of_frames
from emolens.media.sample import sample_image
from emolens.pipeline.models import Models
from emolens.rendering.overlay import draw_faces
from emolens.storage.files import write_bytes
from emolens.storage.jsonl import to_line
from emolens.storage.side_files import write_side_file
from emolens.testing.sample_clip import crossing_clip

_CLIP_S: Final = 5.0
IMAGE_FILES: Final = ("astronaut.png", "astronaut.json")
CLIP_FILES: Final = ("crossing.mkv", "crossing.csv", "crossing.html")


def demo_image(models: Models, out: Path) -> tuple[str, FrameResult]:
    """Analyse the bundled portrait and write `IMAGE_FILES` to a folder."""
    source = sample_image()
    decoded = read_image(source)
    analyzer = models.image_analyzer()
    result = analyzer.analyze_image(decoded.image)
    made = analyzer.provenance.of_image(source.name, result.size_wh)
    annotated, record = (out / name for name in IMAGE_FILES)
    write_image(annotated, draw_faces(decoded.image, result.faces), made=made)
    write_bytes(record, to_line(image_record(source.name, result).to_dict()).encode("ascii"))
    write_side_file(record, made.to_dict())
    return source.name, result


def demo_clip(
    models: Models, out: Path, *, progress: Progress = silently, stopping: Stopping = never
) -> Recorded:
    """Track two faces that cross, generated from two images in the public domain.

    The results are written to a folder as `CLIP_FILES`.
    """
    annotated, table, page = (out / name for name in CLIP_FILES)
    return analyze_video(
        plan_of_frames(crossing_clip(duration_s=_CLIP_S), name="crossing (generated)"),
        VideoJob(tables=[table], annotated=annotated, report=page),
        models=models,
        progress=progress,
        stopping=stopping,
    )
