"""Heat maps of each class over the faces of an image, and their main regions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import Emotion
from emolens.core.face import FaceResult
from emolens.core.ports import FaceDetector
from emolens.detection import detection_warnings
from emolens.explanation import FaceExplainer, FaceMaps, OcclusionMaps
from emolens.explanation.legend import full_scale, legend
from emolens.explanation.places import drop_places, evidence_places
from emolens.imaging.decode import MAX_PIXELS, read_image
from emolens.imaging.exposure import light_warnings
from emolens.imaging.turn import crop_turned
from emolens.media.images import IMAGE_SUFFIXES, write_image
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.pipeline.framed_face import FramedFace
from emolens.rendering.heatmap import ExplainedFace, draw_all_classes, draw_one_class
from emolens.rendering.wording import label_text
from emolens.reports.text import TextTable
from emolens.storage.names import check_distinct, check_suffix

# Side of the face crop below a heat map, larger than any drawn size.
_CROP_PX: Final = 560
# Side of the heat map that is split into 3 x 3 regions.
_PLACES_PX: Final = 48
_N_PLACES: Final = 3
_MIN_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """One face with a map of each class.

    Attributes:
        title: Number, position and label of the face.
        result: The result for the face.
        maps: The maps of each class.
    """

    title: str
    result: FaceResult
    maps: FaceMaps

    def places(self, emotion: Emotion) -> str:
        """Describe the regions that matter most for a class."""
        if isinstance(self.maps, OcclusionMaps):
            return _drops(self.maps, emotion)
        places = evidence_places(self.maps.heat_map(emotion, _PLACES_PX))[:_N_PLACES]
        shown = [f"{place.name} {place.share:.0%}" for place in places if place.share >= _MIN_SHARE]
        return ", ".join(shown) or "nowhere"


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """All faces of an image.

    Attributes:
        faces: The faces, largest first; if empty, no file is written.
        warnings: Warnings about the image, for users.
        heading: What the regions of the table show.
    """

    faces: tuple[Explained, ...]
    warnings: tuple[str, ...]
    heading: str

    def table(self, emphasized: Emotion | None = None) -> TextTable:
        """Format probabilities and regions of all classes; by default, emphasize the top class."""
        rows: list[tuple[str, ...]] = []
        strong: set[tuple[int, int]] = set()
        for face in self.faces:
            for emotion in Emotion:
                if emotion is (emphasized or face.result.top):
                    strong |= {(len(rows), column) for column in range(4)}
                title = face.title if emotion is Emotion.ANGRY else ""
                probability = face.maps.scores[emotion]
                rows.append((title, emotion.label, f"{probability:.1%}", face.places(emotion)))
        headings = ("face", "class", "probability", self.heading)
        return TextTable(headings, rows, frozenset({2}), frozenset(strong))


def explain_image(
    path: str,
    out: Path,
    explainer: FaceExplainer,
    detector: FaceDetector | None,
    *,
    emotion: Emotion | None = None,
    note: str = "",
    max_pixels: int = MAX_PIXELS,
) -> Explanation:
    """Draw maps of every face of an image.

    Args:
        path: Image to read.
        out: Image to write.
        explainer: Explainer that computes the heat maps.
        detector: Face detector, or None to treat the image as one face crop.
        emotion: Draw only this class, enlarged; None draws all seven.
        note: Sentence below the maps: their measured agreement.
        max_pixels: Maximum number of pixels (width x height) of the image.

    Raises:
        ConfigError: The output is the image itself, or neither a PNG nor a JPEG file.
        InputError: The image cannot be read.
        OutputError: The image cannot be written.
    """
    check_suffix(out, IMAGE_SUFFIXES, is_any_device=False)
    check_distinct([out], sources=[Path(path)])
    decoded = read_image(path, max_pixels=max_pixels)
    analyzer = ImageAnalyzer(detector, explainer)
    framed = analyzer.frame_faces(decoded.image)
    maps = explainer.explain([face.crop for face in framed])
    results = [face.to_result(of_face.scores) for face, of_face in zip(framed, maps, strict=True)]
    faces = tuple(
        Explained(_title(index, result), result, of_face)
        for index, (result, of_face) in enumerate(zip(results, maps, strict=True))
    )
    if faces:
        height, width = decoded.image.shape[:2]
        made = analyzer.provenance.of_image(path, (width, height))
        write_image(out, _draw(decoded.image, framed, faces, emotion, note), made=made)
    too_small = detection_warnings(detector, decoded.image.shape[1::-1]) if detector else ()
    warnings = decoded.warnings + light_warnings(decoded.image, has_faces=bool(faces)) + too_small
    are_drops = any(isinstance(of_face, OcclusionMaps) for of_face in maps)
    return Explanation(faces, warnings, "drop when blurred" if are_drops else "evidence")


def _draw(
    image: npt.NDArray[np.uint8],
    framed: list[FramedFace],
    faces: tuple[Explained, ...],
    emotion: Emotion | None,
    note: str,
) -> npt.NDArray[np.uint8]:
    shown = list(Emotion) if emotion is None else [emotion]
    scale = full_scale([(face.maps, one) for face in faces for one in shown])
    drawn = []
    for face, explained in zip(framed, faces, strict=True):
        crop = crop_turned(image, face.square, _CROP_PX, roll_degrees=face.turn_degrees)
        heats = (
            explained.maps.heat_maps(_CROP_PX, full_scale=scale)
            if emotion is None
            else explained.maps.heat_map(emotion, _CROP_PX, full_scale=scale)[np.newaxis]
        )
        drawn.append(ExplainedFace(explained.title, crop, explained.maps.scores, heats))
    colors = legend(faces[0].maps.kind, emotion, scale, note=note)
    if emotion is None:
        return draw_all_classes(drawn, colors)
    return draw_one_class(drawn, emotion, colors)


def _drops(maps: OcclusionMaps, emotion: Emotion) -> str:
    places = drop_places(maps.maps[emotion.index])
    shown = [
        f"{place.name} {100 * place.drop:.0f} points"
        for place in places[:_N_PLACES]
        if place.drop >= maps.least_scale
    ]
    return ", ".join(shown) or f"no single region ({100 * maps.peak(emotion):.0f} points at most)"


def _title(index: int, result: FaceResult) -> str:
    x, y = round(result.box.x_min), round(result.box.y_min)
    return f"face {index + 1} at ({x}, {y}): {label_text(result)}"
