"""Heat maps of each class over the faces of an image, and their main regions."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS, Emotion
from emolens.core.face import FaceResult
from emolens.core.ports import FaceDetector
from emolens.detection import detection_warnings
from emolens.explanation import FaceExplainer, FaceMaps, MapKind, OcclusionMaps
from emolens.explanation.legend import full_scale, legend
from emolens.explanation.places import drop_places, evidence_places
from emolens.imaging.decode import MAX_PIXELS, DecodedImage, read_image
from emolens.imaging.exposure import light_warnings
from emolens.imaging.turn import crop_turned
from emolens.media.images import IMAGE_SUFFIXES, write_image
from emolens.pipeline.analyzer import ImageAnalyzer
from emolens.pipeline.framed_face import FramedFace
from emolens.rendering.heatmap import ExplainedFace, draw_all_classes, draw_one_class
from emolens.rendering.wording import label_text
from emolens.reports.text import TextTable
from emolens.storage.names import check_distinct, check_suffix

if TYPE_CHECKING:
    from emolens.contract.server import ExplanationRecord, FaceMapsRecord

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
        framed: The face crop that the maps cover.
        result: The result for the face.
        maps: The maps of each class.
    """

    title: str
    framed: FramedFace
    result: FaceResult
    maps: FaceMaps

    def places(self, emotion: Emotion) -> str:
        """Describe the regions that matter most for a class."""
        if isinstance(self.maps, OcclusionMaps):
            return _drops(self.maps, emotion)
        places = evidence_places(self.maps.heat_map(emotion, _PLACES_PX))[:_N_PLACES]
        shown = [f"{place.name} {place.share:.0%}" for place in places if place.share >= _MIN_SHARE]
        return ", ".join(shown) or "nowhere"

    def record(self) -> "FaceMapsRecord":
        """Create the record of the face and its maps."""
        from emolens.contract import face_record  # noqa: PLC0415 (pydantic is slow to load)
        from emolens.contract.server import FaceMapsRecord  # noqa: PLC0415 (pydantic is slow to load)

        return FaceMapsRecord(
            **face_record(self.result).to_dict(),
            maps=dict(zip(LABELS, self.maps.maps.tolist(), strict=True)),
            centers=list(self.maps.centers),
            square=list(self.framed.square.to_tuple()),
            rotation_degrees=self.framed.turn_degrees,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """The faces of an image with their maps.

    Attributes:
        image: The image, uint8 (H, W, 3) BGR.
        faces: The faces, largest first.
        warnings: Warnings about the image, for users.
        n_left_out: Number of smaller faces beyond the limit.
    """

    image: npt.NDArray[np.uint8]
    faces: tuple[Explained, ...]
    warnings: tuple[str, ...]
    n_left_out: int = 0

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
        are_drops = any(isinstance(face.maps, OcclusionMaps) for face in self.faces)
        heading = "drop when blurred" if are_drops else "evidence"
        headings = ("face", "class", "probability", heading)
        return TextTable(headings, rows, frozenset({2}), frozenset(strong))

    def draw(self, emotion: Emotion | None = None, *, note: str = "") -> npt.NDArray[np.uint8]:
        """Draw the maps over the faces, of which there must be at least one.

        Args:
            emotion: Draw only this class, enlarged; None draws all seven.
            note: Sentence below the maps: their measured agreement.

        Returns:
            uint8 (H, W, 3) BGR.
        """
        shown = list(Emotion) if emotion is None else [emotion]
        scale = full_scale([(face.maps, one) for face in self.faces for one in shown])
        drawn = [self._draw_face(face, emotion, scale) for face in self.faces]
        colors = legend(self.faces[0].maps.kind, emotion, scale, note=note)
        if emotion is None:
            return draw_all_classes(drawn, colors)
        return draw_one_class(drawn, emotion, colors)

    def record(self, name: str, kind: MapKind, agreement: str) -> "ExplanationRecord":
        """Create the record of the faces and their maps.

        Args:
            name: Name of the image.
            kind: Kind of the maps.
            agreement: Their measured agreement; see `agreement_text`.
        """
        from emolens.contract.server import ExplanationRecord  # noqa: PLC0415 (pydantic is slow to load)

        height, width = self.image.shape[:2]
        return ExplanationRecord(
            path=name,
            width=width,
            height=height,
            kind=kind.value,
            agreement=agreement,
            faces=[face.record() for face in self.faces],
            n_left_out=self.n_left_out,
            **({"warnings": list(self.warnings)} if self.warnings else {}),
        )

    def _draw_face(
        self, face: Explained, emotion: Emotion | None, scale: float | None
    ) -> ExplainedFace:
        framed, maps = face.framed, face.maps
        crop = crop_turned(self.image, framed.square, _CROP_PX, roll_degrees=framed.turn_degrees)
        heats = (
            maps.heat_maps(_CROP_PX, full_scale=scale)
            if emotion is None
            else maps.heat_map(emotion, _CROP_PX, full_scale=scale)[np.newaxis]
        )
        return ExplainedFace(face.title, crop, maps.scores, heats)


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
    """Draw maps of every face of an image; without a face, no file is written.

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
    explanation = explain_faces(decoded, explainer, detector)
    if explanation.faces:
        height, width = decoded.image.shape[:2]
        made = ImageAnalyzer(detector, explainer).provenance.of_image(path, (width, height))
        write_image(out, explanation.draw(emotion, note=note), made=made)
    return explanation


def explain_faces(
    decoded: DecodedImage,
    explainer: FaceExplainer,
    detector: FaceDetector | None,
    *,
    max_faces: int | None = None,
) -> Explanation:
    """Compute maps of the faces of an image.

    Args:
        decoded: The image.
        explainer: Explainer that computes the maps.
        detector: Face detector, or None to treat the image as one face crop.
        max_faces: Maximum number of faces, or None for all; the largest are explained.
    """
    framed = ImageAnalyzer(detector, explainer).frame_faces(decoded.image)
    chosen = framed[:max_faces]
    maps = explainer.explain([face.crop for face in chosen])
    faces = tuple(
        _explained(index, face, of_face)
        for index, (face, of_face) in enumerate(zip(chosen, maps, strict=True))
    )
    too_small = detection_warnings(detector, decoded.image.shape[1::-1]) if detector else ()
    warnings = decoded.warnings + light_warnings(decoded.image, has_faces=bool(faces)) + too_small
    return Explanation(decoded.image, faces, warnings, len(framed) - len(chosen))


def _explained(index: int, framed: FramedFace, maps: FaceMaps) -> Explained:
    result = framed.to_result(maps.scores)
    return Explained(_title(index, result), framed, result, maps)


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
