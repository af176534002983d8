"""Where in the faces of an image the evidence for a class lies, as an image and as places."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import Emotion
from emolens.core.face import FaceResult
from emolens.core.ports import FaceDetector
from emolens.detection import detection_warnings
from emolens.explanation import ActivationMaps, FaceExplainer
from emolens.explanation.places import evidence_places
from emolens.imaging.decode import MAX_PIXELS, read_image
from emolens.imaging.exposure import light_warnings
from emolens.imaging.turn import crop_turned
from emolens.media.images import write_image
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.pipeline.framed_face import FramedFace
from emolens.rendering.heatmap import ExplainedFace, draw_all_classes, draw_one_class
from emolens.rendering.overlay import label_text
from emolens.reports.text import TextTable

# The face below a heat map, larger than any that is drawn.
_CROP_PX: Final = 560
# Places are read off a map of this side, which three divides.
_PLACES_PX: Final = 48
_N_PLACES: Final = 3
_MIN_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """One face and where the evidence lies in it.

    Attributes:
        title: Which face it is, and what it is named.
        result: What is said of it.
        maps: The evidence for each class.
    """

    title: str
    result: FaceResult
    maps: ActivationMaps

    def places(self, emotion: Emotion) -> str:
        """Where the evidence for a class lies, in words."""
        places = evidence_places(self.maps.heat_map(emotion, _PLACES_PX))[:_N_PLACES]
        shown = [f"{place.name} {place.share:.0%}" for place in places if place.share >= _MIN_SHARE]
        return ", ".join(shown) or "nowhere"


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """All faces of an image.

    Attributes:
        faces: The faces, largest first; empty, and nothing is written, where there is none.
        warnings: What is to be known about the image, for people.
    """

    faces: tuple[Explained, ...]
    warnings: tuple[str, ...]

    def table(self, asked: Emotion | None = None) -> TextTable:
        """Probabilities and places of all classes; the one asked for, or named, is strong."""
        rows: list[tuple[str, ...]] = []
        strong: set[tuple[int, int]] = set()
        for face in self.faces:
            for emotion in Emotion:
                if emotion is (asked or face.result.top):
                    strong |= {(len(rows), column) for column in range(4)}
                title = face.title if emotion is Emotion.ANGRY else ""
                probability = float(face.maps.scores.probabilities[emotion])
                rows.append((title, emotion.label, f"{probability:.1%}", face.places(emotion)))
        headings = ("face", "class", "probability", "evidence lies")
        return TextTable(headings, rows, frozenset({2}), frozenset(strong))


def explain_image(
    path: str,
    out: Path,
    explainer: FaceExplainer,
    detector: FaceDetector | None,
    *,
    emotion: Emotion | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Explanation:
    """Draw where the evidence lies in every face of an image.

    Args:
        path: The image.
        out: The image to write.
        explainer: Makes the maps.
        detector: Finds the faces, or None where the image is one face, cut out already.
        emotion: Draw this class alone, large; all seven unless given.
        max_pixels: Largest width x height of an image that is decoded.

    Raises:
        InputError: The image cannot be read.
        OutputError: The image cannot be written.
    """
    decoded = read_image(path, max_pixels=max_pixels)
    framed = ImageAnalyzer(detector, explainer).frame_faces(decoded.image)
    maps = explainer.explain([face.crop for face in framed])
    results = [face.named(of_face.scores) for face, of_face in zip(framed, maps, strict=True)]
    faces = tuple(
        Explained(_title(index, result), result, of_face)
        for index, (result, of_face) in enumerate(zip(results, maps, strict=True))
    )
    if faces:
        write_image(out, _figure(decoded.image, framed, faces, emotion))
    left_out = detection_warnings(detector, decoded.image.shape[1::-1]) if detector else ()
    warnings = decoded.warnings + light_warnings(decoded.image, has_faces=bool(faces)) + left_out
    return Explanation(faces, warnings)


def _figure(
    image: npt.NDArray[np.uint8],
    framed: list[FramedFace],
    faces: tuple[Explained, ...],
    asked: Emotion | None,
) -> npt.NDArray[np.uint8]:
    drawn = []
    for face, explained in zip(framed, faces, strict=True):
        crop = crop_turned(image, face.square, _CROP_PX, roll_degrees=face.turn_degrees)
        heats = (
            explained.maps.heat_maps(_CROP_PX)
            if asked is None
            else explained.maps.heat_map(asked, _CROP_PX)[np.newaxis]
        )
        drawn.append(ExplainedFace(explained.title, crop, explained.maps.scores, heats))
    return draw_all_classes(drawn) if asked is None else draw_one_class(drawn, asked)


def _title(index: int, result: FaceResult) -> str:
    x, y = round(result.box.x_min), round(result.box.y_min)
    return f"face {index + 1} at ({x}, {y}): {label_text(result)}"
