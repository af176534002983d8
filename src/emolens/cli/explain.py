"""`emolens explain`: where in each face the evidence for a class lies."""

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich.markup import escape
from rich.table import Table

from emolens.cli.extras import require_gradcam
from emolens.cli.options import (
    DEFAULT_MAX_MEGAPIXELS,
    MEGAPIXEL,
    DetectorOption,
    DetectorPxOption,
    MaxMegapixelsOption,
    SidewaysOption,
)
from emolens.cli.terminal import one_line, say, stdout_console
from emolens.core.emotion import Emotion
from emolens.core.face import FaceResult
from emolens.detection import DEFAULT_DETECTOR, build_detector, check_detector_name, detection_notes
from emolens.explanation import ActivationExplainer, ActivationMaps, FaceExplainer
from emolens.explanation.places import evidence_places
from emolens.imaging.decode import read_image
from emolens.imaging.exposure import light_notes
from emolens.imaging.turn import crop_turned
from emolens.media.addresses import refuse_addresses
from emolens.media.pictures import write_picture
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.pipeline.framed_face import FramedFace
from emolens.rendering.heatmap import ExplainedFace, draw_all_classes, draw_one_class
from emolens.rendering.overlay import label_text

_CHECKPOINT_SUFFIX = ".ckpt"
# The face below a heat map, larger than any that is drawn.
_CROP_PX = 560
# Places are read off a map of this side, which three divides.
_PLACES_PX = 48
_N_PLACES = 3
_MIN_SHARE = 0.1


def explain(  # noqa: PLR0913 (one option each)
    image: Annotated[str, typer.Argument(help="A picture.", metavar="IMAGE")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The picture to write; by default the input's name and -explained.png, in the "
            "current folder.",
            metavar="FILE.png",
        ),
    ] = None,
    emotion: Annotated[
        str | None, typer.Option(help="Draw this class alone, large; by default all seven.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model name, .onnx file, or .ckpt file of emolens train.")
    ] = "default",
    detector: DetectorOption = DEFAULT_DETECTOR,
    detector_px: DetectorPxOption = None,
    sideways: SidewaysOption = True,
    max_megapixels: MaxMegapixelsOption = DEFAULT_MAX_MEGAPIXELS,
    face_crops: Annotated[
        bool, typer.Option("--face-crops", help="The picture is one face, cut out already.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table, no remarks.")] = False,
) -> None:
    """Show where in each face the evidence for a class lies.

    The places are where the network looks, not a reason why a face shows what it shows.
    """
    refuse_addresses([image])
    asked = None if emotion is None else Emotion.from_label(emotion)
    check_detector_name(detector)
    explainer = _load_explainer(model)
    decoded = read_image(image, max_pixels=max_megapixels * MEGAPIXEL)
    finder = (
        None
        if face_crops
        else build_detector(detector, long_side_px=detector_px, sideways=sideways)
    )
    framed = ImageAnalyzer(finder, explainer).frame_faces(decoded.image)
    maps = explainer.explain([face.crop for face in framed])
    results = [face.named(of_face.scores) for face, of_face in zip(framed, maps, strict=True)]
    target = out or Path(f"{Path(image).stem}-explained.png")
    if framed:
        write_picture(target, _figure(decoded.image, framed, maps, results, asked))
    if quiet:
        return
    image_notes = light_notes(decoded.image, has_faces=bool(framed))
    left_out = detection_notes(finder, decoded.image.shape[1::-1]) if finder else ()
    for note in decoded.notes + image_notes + left_out:
        say(f"{one_line(image)}: {note}")
    if not framed:
        say(f"{one_line(image)}: no face found, nothing written")
        return
    stdout_console().print(_table(maps, results, asked))
    say(f"wrote {target}")


def _load_explainer(model: str) -> FaceExplainer:
    if not model.endswith(_CHECKPOINT_SUFFIX):
        return ActivationExplainer.load(model)
    require_gradcam("emolens explain with a checkpoint")
    from emolens.training.gradcam import GradCamExplainer  # noqa: PLC0415 (torch is optional)

    return GradCamExplainer.load(Path(model))


def _figure(
    image: npt.NDArray[np.uint8],
    framed: list[FramedFace],
    maps: list[ActivationMaps],
    results: list[FaceResult],
    asked: Emotion | None,
) -> npt.NDArray[np.uint8]:
    faces = []
    for index, (face, of_face, result) in enumerate(zip(framed, maps, results, strict=True)):
        crop = crop_turned(image, face.square, _CROP_PX, roll_degrees=face.turn_degrees)
        heats = (
            of_face.heat_maps(_CROP_PX)
            if asked is None
            else of_face.heat_map(asked, _CROP_PX)[np.newaxis]
        )
        faces.append(ExplainedFace(_title(index, result), crop, of_face.scores, heats))
    return draw_all_classes(faces) if asked is None else draw_one_class(faces, asked)


def _title(index: int, result: FaceResult) -> str:
    x, y = round(result.box.x_min), round(result.box.y_min)
    return f"face {index + 1} at ({x}, {y}): {label_text(result)}"


def _table(maps: list[ActivationMaps], results: list[FaceResult], asked: Emotion | None) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("face")
    table.add_column("class")
    table.add_column("probability", justify="right")
    table.add_column("evidence lies")
    for index, (of_face, result) in enumerate(zip(maps, results, strict=True)):
        for emotion in Emotion:
            is_chosen = emotion is (asked or result.top)
            probability = float(of_face.scores.probabilities[emotion])
            table.add_row(
                escape(_title(index, result)) if emotion is Emotion.ANGRY else "",
                emotion.label,
                f"{probability:.1%}",
                _places(of_face, emotion),
                style="bold" if is_chosen else None,
            )
    return table


def _places(of_face: ActivationMaps, emotion: Emotion) -> str:
    places = evidence_places(of_face.heat_map(emotion, _PLACES_PX))[:_N_PLACES]
    shown = [f"{place.name} {place.share:.0%}" for place in places if place.share >= _MIN_SHARE]
    return ", ".join(shown) or "nowhere"
