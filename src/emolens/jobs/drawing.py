"""Drawing on images and frames: blur, heat maps, and tags with boxes, labels and bars."""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from emolens.core.frame import Frame, FrameResult
from emolens.core.geometry import Framing
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.pipeline.models import Models
from emolens.rendering.blur import FaceBlur
from emolens.rendering.overlay import check_style, draw_faces

if TYPE_CHECKING:
    from emolens.pipeline.outputs import Layer
    from emolens.pipeline.stream_settings import StreamSettings

Pixels = npt.NDArray[np.uint8]
Draw = Callable[[Pixels, FrameResult], Pixels]
"""A function that draws the result of a uint8 (H, W, 3) BGR image on a copy of it."""


@dataclass(frozen=True, slots=True)
class DrawOptions:
    """Options for drawing images and frames.

    Attributes:
        blur: Whether to make all detected faces unrecognisable, also those without a label.
        heatmap: Whether to draw heat maps over faces.
        style: The style of the tags, see `emolens.draw_faces`.
        tags: Whether to draw boxes, labels and bars, and the time line and status of a stream.

    Raises:
        ConfigError: The style is unknown.
    """

    blur: bool = False
    heatmap: bool = False
    style: str = "auto"
    tags: bool = True

    def __post_init__(self) -> None:
        check_style(self.style)

    def layers(
        self, models: Models, framing: Framing, overlay: "Layer", *, is_live: bool = False
    ) -> "list[Layer]":
        """Create the layers to draw over the frames of one stream, or over one image.

        Args:
            models: Models of the analysis.
            framing: Framing of the crops relative to the detector's boxes.
            overlay: Layer that draws the tags.
            is_live: Limit the predictions per frame, so that heat maps do not slow a camera down.

        Returns:
            The layers, bottom layer first.

        Raises:
            ModelError: The model does not support heat maps.
        """
        layers: list[Layer] = [FaceBlur()] if self.blur else []
        if self.heatmap:
            layers += _heat_layers(models, framing, is_live=is_live)
        return [*layers, overlay] if self.tags else layers

    def settings_of(self, settings: "StreamSettings") -> "StreamSettings":
        """Return the settings of a stream that is drawn with these options.

        With blurred faces, a full detection runs in every frame. Otherwise, a new face would be
        shown unblurred until the next one.

        Args:
            settings: The settings without regard to drawing.
        """
        return replace(settings, detect_hz=None, detect_share=None) if self.blur else settings

    def notes(self, models: Models) -> tuple[str, ...]:
        """Describe the measured agreement of the heat maps; nothing without heat maps.

        Raises:
            ModelError: The model cannot be loaded.
        """
        if not self.heatmap:
            return ()
        from emolens.explanation.agreement import agreement_text  # noqa: PLC0415 (rarely used)

        kind = models.default_map_kind
        return (f"{kind} maps: {agreement_text(kind, models.classifier.model_sha256)}",)


def _heat_layers(models: Models, framing: Framing, *, is_live: bool) -> "list[Layer]":
    """Create the heat maps and their scale."""
    from emolens.explanation.heat_layer import (  # noqa: PLC0415 (rarely used)
        LIVE_CROPS,
        STREAM_SCALE,
        HeatLayer,
    )
    from emolens.explanation.legend import legend  # noqa: PLC0415 (rarely used)
    from emolens.rendering.heat_strip import HeatStrip  # noqa: PLC0415 (rarely used)

    heat = HeatLayer(models.explainer, framing, crops_per_frame=LIVE_CROPS if is_live else None)
    if is_live:
        heat.warm_up()
    meaning = legend(models.default_map_kind, None, STREAM_SCALE)
    return [heat, HeatStrip(meaning, short="drop when blurred")]


@dataclass(frozen=True, slots=True)
class _Tags:
    """A layer that draws boxes, labels and bars on an image."""

    style: str

    def apply(self, image: Pixels, result: FrameResult) -> Pixels:
        return draw_faces(image, result.faces, style=self.style)


def draw_tags(image: Pixels, result: FrameResult) -> Pixels:
    """Draw boxes, labels and bars (a `Draw`)."""
    return draw_faces(image, result.faces)


def image_drawing(options: DrawOptions, models: Models, analyzer: ImageAnalyzer) -> Draw:
    """Return a function that draws the result of any image.

    Args:
        options: Options for drawing.
        models: Models of the analysis.
        analyzer: The analyzer of the images.

    Raises:
        ModelError: The model does not support heat maps.
    """
    # Report a problem before any image is read.
    options.layers(models, analyzer.framing, _Tags(options.style))

    def draw(image: Pixels, result: FrameResult) -> Pixels:
        frame = Frame(image)
        of_frame = replace(result, frame_reference=weakref.ref(frame))
        # Layers remember the faces of the last frames, which are not those of the next image.
        for layer in options.layers(models, analyzer.framing, _Tags(options.style)):
            image = layer.apply(image, of_frame)
        return image

    return draw
