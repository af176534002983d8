"""Images and clips for `peers.py`, generated on demand, with faces at known positions.

The faces are those of two subjects in the public domain, from scikit-image and matplotlib, or faces
of FER2013, which is not part of the project. The backgrounds are images of scikit-image without
people.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import skimage

from emolens.core.emotion import LABELS
from emolens.core.frame import FrameResult
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.imaging.decode import read_image
from emolens.media.recording_sink import RecordingSink
from emolens.testing import collins, crowd_clip, hopper

Pixels = npt.NDArray[np.uint8]

_SAMPLES: Final = Path(skimage.__file__).parent / "data"

SIZES_WH: Final = ((640, 480), (640, 360), (480, 640))
CLIP_SIZES_WH: Final = ((640, 360), (640, 480))
RATE_HZ: Final = 30
GROUNDS: Final = (
    *("brick.png", "chelsea.png", "coffee.png", "grass.png", "gravel.png"),
    *("hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png", "rocket.jpg"),
)
# fer detects no face below 50 px by default.
FACE_PX: Final = (60, 200)
# FER2013's images are cropped at the edge of the face; the face is about 0.8 of their width.
FER2013_PX: Final = (80, 200)
_JPEG_QUALITY: Final = 90
# Width of the blended border of a pasted image, as a fraction of its width.
_FADING: Final = 0.08
_TRIES: Final = 50


@dataclass(frozen=True, slots=True)
class ShownFace:
    """A face in an image.

    Attributes:
        box: Left, top, right and bottom in pixels.
        label: Its expression, or None if it is unlabelled.
    """

    box: tuple[float, float, float, float]
    label: str | None


@dataclass(frozen=True, slots=True)
class Scene:
    """An image file and its faces."""

    path: str
    faces: tuple[ShownFace, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Cutout:
    """An image to paste, the box of its face in units of the image width, and its expression."""

    image: Pixels
    face: tuple[float, float, float, float]
    label: str | None


def sample_scenes(folder: Path, n: int) -> list[Scene]:
    """Write `n` JPEG files with one to three faces of the two subjects, of 60 to 200 px each."""
    chance = np.random.default_rng(2013)
    subjects = [_subject(collins), _subject(hopper)]

    def next_face() -> _Cutout:
        subject = subjects[chance.integers(len(subjects))]
        light = chance.uniform(0.6, 1.1)
        image = np.clip(subject.image * light, 0, 255).astype(np.uint8)
        if chance.random() < 0.5:
            left, top, right, bottom = subject.face
            image = np.ascontiguousarray(image[:, ::-1])
            return _Cutout(image, (1 - right, top, 1 - left, bottom), None)
        return _Cutout(image, subject.face, None)

    return [_scene(folder / f"{i:03}.jpg", chance, next_face, FACE_PX) for i in range(n)]


def fer2013_scenes(folder: Path, source: Path, n_faces: int, *, on_grey: bool) -> list[Scene]:
    """Write images with the first faces of FER2013's PublicTest, enlarged, up to three per image.

    The faces are cropped at the edge of the face, so their borders are not blended.

    Args:
        folder: Folder for the images.
        source: Path of FER2013.
        n_faces: Number of faces.
        on_grey: Use plain grey as background, as in `docs/experiments/whole_chain.py`, instead of
            photographs.
    """
    data = load_faces(source, Split.VALIDATION)
    chance = np.random.default_rng(2013)
    faces: Iterator[_Cutout] = (
        _Cutout(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), (0, 0, 1, 1), LABELS[label])
        for image, label in zip(data.images[:n_faces], data.labels[:n_faces], strict=True)
    )
    scenes: list[Scene] = []
    while True:
        path = folder / f"{len(scenes):04}.jpg"
        ground = _grey if on_grey else _photograph
        scene = _scene(path, chance, lambda: next(faces, None), FER2013_PX, ground, fading=0.0)
        if not scene.faces:
            return scenes
        scenes.append(scene)


def write_clips(folder: Path, seconds: float) -> dict[str, str]:
    """Write video files (H.264, 30 frames/s) with one moving face; return their paths by size."""
    paths = {}
    for size_wh in CLIP_SIZES_WH:
        name = f"{size_wh[0]}x{size_wh[1]}"
        paths[name] = str(folder / f"{name}.mp4")
        clip = crowd_clip(1, size_wh=size_wh, rate_hz=RATE_HZ, duration_s=seconds)
        with RecordingSink(Path(paths[name])) as recording:
            for frame in clip:
                recording.write(frame, FrameResult(frame.size_wh, ()))
    return paths


def compare(scenes: list[Scene], found: list[list[Any]]) -> dict[str, Any]:
    """Count detected faces, false positives and correct expressions.

    A face is detected if the centre of a box lies in it and the box is 0.4 to 2.5 times as wide.
    Each box counts for one face.

    Args:
        scenes: The images.
        found: The detections per image: left, top, right, bottom, expression or None.
    """
    n_found = n_false = n_right = n_unnamed = 0
    for scene, boxes in zip(scenes, found, strict=True):
        left_over = list(boxes)
        for face in scene.faces:
            match = next((box for box in left_over if _is_of(box, face)), None)
            if match is not None:
                left_over.remove(match)
                n_found += 1
                n_right += face.label is not None and match[4] == face.label
                n_unnamed += match[4] is None
        n_false += len(left_over)
    return {
        "images": len(scenes),
        "shown": sum(len(scene.faces) for scene in scenes),
        "found": n_found,
        "false": n_false,
        "right": n_right,
        "unnamed": n_unnamed,
    }


def _is_of(box: Any, face: ShownFace) -> bool:
    left, top, right, bottom = face.box
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    is_inside = left <= x <= right and top <= y <= bottom
    return is_inside and 0.4 <= (box[2] - box[0]) / (right - left) <= 2.5


def _subject(actor_of: Callable[[Any], Any]) -> _Cutout:
    actor = actor_of(lambda _at_s: None)
    width = actor.image.shape[1]
    left, top, right, bottom = (edge / width for edge in actor.face.to_tuple())
    return _Cutout(actor.image, (left, top, right, bottom), None)


def _scene(
    path: Path,
    chance: np.random.Generator,
    next_face: Callable[[], _Cutout | None],
    face_px: tuple[int, int],
    ground: Callable[[np.random.Generator, tuple[int, int]], Pixels] | None = None,
    *,
    fading: float = _FADING,
) -> Scene:
    """Paste one to three faces on a background without overlap, and write the image."""
    image = (ground or _photograph)(chance, SIZES_WH[chance.integers(len(SIZES_WH))])
    faces: list[ShownFace] = []
    taken: list[tuple[int, int, int, int]] = []
    for _ in range(chance.integers(1, 4)):
        side = math.exp(chance.uniform(*map(math.log, face_px)))
        cutout = next_face()
        if cutout is None:
            break
        width = round(side / (cutout.face[2] - cutout.face[0]))
        height = round(width * cutout.image.shape[0] / cutout.image.shape[1])
        place = _place(chance, image, (width, height), taken)
        if place is None and faces:
            break
        x, y = place or (0, 0)
        if place is None:  # no room in an empty image: scale it down
            shrink = min(image.shape[1] / width, image.shape[0] / height)
            width, height = int(width * shrink), int(height * shrink)
        taken.append((x, y, x + width, y + height))
        _paste(image, cutout.image, (x, y, width, height), fading)
        box = [edge * width + (x, y)[axis % 2] for axis, edge in enumerate(cutout.face)]
        faces.append(ShownFace((box[0], box[1], box[2], box[3]), cutout.label))
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return Scene(str(path), tuple(faces))


def _grey(_chance: np.random.Generator, size_wh: tuple[int, int]) -> Pixels:
    return np.full((size_wh[1], size_wh[0], 3), 128, np.uint8)


def _photograph(chance: np.random.Generator, size_wh: tuple[int, int]) -> Pixels:
    """Return a random crop of a random background, uint8 (H, W, 3) BGR."""
    name = GROUNDS[chance.integers(len(GROUNDS))]
    image = read_image(_SAMPLES / name).image
    width, height = size_wh
    scale = max(width / image.shape[1], height / image.shape[0]) * chance.uniform(1, 1.3)
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    x = chance.integers(large.shape[1] - width + 1)
    y = chance.integers(large.shape[0] - height + 1)
    return np.array(large[y : y + height, x : x + width])


def _place(
    chance: np.random.Generator,
    image: Pixels,
    size_wh: tuple[int, int],
    taken: list[tuple[int, int, int, int]],
) -> tuple[int, int] | None:
    """Return a random position without overlap, or None after too many rejected positions."""
    width, height = size_wh
    room_x, room_y = image.shape[1] - width, image.shape[0] - height
    if room_x < 0 or room_y < 0:
        return None
    for _ in range(_TRIES):
        x, y = int(chance.integers(room_x + 1)), int(chance.integers(room_y + 1))
        if all(
            x >= right or x + width <= left or y >= bottom or y + height <= top
            for left, top, right, bottom in taken
        ):
            return x, y
    return None


def _paste(image: Pixels, patch: Pixels, place: tuple[int, int, int, int], fading: float) -> None:
    """Paste an image at (x, y, width, height) with blended borders."""
    x, y, width, height = place
    is_smaller = width < patch.shape[1]
    how = cv2.INTER_AREA if is_smaller else cv2.INTER_CUBIC
    resized = cv2.resize(patch, (width, height), interpolation=how).astype(np.float32)
    edge = max(1.0, fading * width)
    across = np.minimum(np.arange(width) + 1, np.arange(width, 0, -1)) / edge
    down = np.minimum(np.arange(height) + 1, np.arange(height, 0, -1)) / edge
    share = np.clip(np.minimum(across[None, :], down[:, None]), 0, 1)[:, :, None]
    region = image[y : y + height, x : x + width]
    region[:] = np.round(share * resized + (1 - share) * region).astype(np.uint8)
