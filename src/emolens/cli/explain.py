"""`emolens explain`: maps of each class."""

from pathlib import Path
from typing import Annotated

import typer

from emolens.cli import options
from emolens.cli.terminal import echo, show
from emolens.core.emotion import Emotion
from emolens.detection import DEFAULT_DETECTOR
from emolens.explanation import FaceExplainer, MapKind, OcclusionExplainer
from emolens.explanation.agreement import agreement_text, default_kind
from emolens.jobs.explain import explain_image
from emolens.jobs.extras import require_gradcam
from emolens.media.addresses import refuse_addresses
from emolens.media.images import IMAGE_SUFFIXES
from emolens.pipeline.analyzer import check_face_crops
from emolens.pipeline.models import Models
from emolens.reports.text import one_line
from emolens.runtime.catalogue import DEFAULT_ALIAS

_CHECKPOINT_SUFFIX = ".ckpt"


def explain(  # noqa: PLR0913 (one option each)
    image: Annotated[str, typer.Argument(help="Image file.", metavar="IMAGE")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Image to write. Default: the input's name with -explained.png, in the current "
            "folder.",
            metavar="FILE.png",
            callback=options.file_named(IMAGE_SUFFIXES),
        ),
    ] = None,
    emotion: Annotated[
        str | None, typer.Option(help="Draw only this class, enlarged. Default: all seven.")
    ] = None,
    kind: Annotated[
        MapKind | None,
        typer.Option(
            help="occlusion: how much a probability drops when a region is blurred. activation: "
            "class-activation map, or Grad-CAM of a checkpoint. Default: the kind that agrees best "
            "with the model."
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            *options.MODEL, help="Model name, .onnx file, or .ckpt file from emolens train."
        ),
    ] = "default",
    detector: options.DetectorOption = DEFAULT_DETECTOR,
    detector_px: options.DetectorPxOption = None,
    sideways: options.SidewaysOption = True,
    max_megapixels: options.MaxMegapixelsOption = options.DEFAULT_MAX_MEGAPIXELS,
    face_crops: options.FaceCropsOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Draw maps of each class for every face of an image.

    A map shows which regions of the face matter to the model. It does not explain why a face has
    an expression.
    """
    refuse_addresses([image])
    only = None if emotion is None else Emotion.from_label(emotion)
    check_face_crops(face_crops=face_crops, detector_px=detector_px)
    is_checkpoint = model.endswith(_CHECKPOINT_SUFFIX)
    models = Models(model=DEFAULT_ALIAS if is_checkpoint else model, detector=detector)
    sha256 = "" if is_checkpoint else models.classifier.model_sha256
    chosen = kind or default_kind(sha256)
    explainer = (
        _of_checkpoint(Path(model), chosen) if is_checkpoint else models.explainer_of(chosen)
    )
    note = agreement_text(chosen, sha256)
    target = out or Path(f"{Path(image).stem}-explained.png")
    explanation = explain_image(
        image,
        target,
        explainer,
        None if face_crops else models.detector(detector_px=detector_px, sideways=sideways),
        emotion=only,
        note=note,
        max_pixels=max_megapixels * options.MEGAPIXEL,
    )
    if quiet:
        return
    for warning in explanation.warnings:
        echo(f"{one_line(image)}: {warning}")
    if not explanation.faces:
        echo(f"{one_line(image)}: no face detected, no file written")
        return
    show([explanation.table(only)])
    echo(f"{chosen} maps: {note}")
    echo(f"wrote {target}")


def _of_checkpoint(checkpoint: Path, kind: MapKind) -> FaceExplainer:
    require_gradcam("emolens explain with a checkpoint")
    from emolens.training.gradcam import GradCamExplainer  # noqa: PLC0415 (torch is optional)

    network = GradCamExplainer.load(checkpoint)
    return network if kind is MapKind.ACTIVATION else OcclusionExplainer(network)
