"""The reader of the original Extended Cohn-Kanade set (CK+): sequences of whole frames.

Every sequence goes from a neutral face to the peak of an expression. As is common in the
literature, its last three frames have the label of the sequence, and its first frame is neutral.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.core.geometry import Box, Framing
from emolens.datasets.faces import FaceSample, Wanted
from emolens.datasets.folders import image_files, visible_entries
from emolens.datasets.image_lists import listed_emotion, numbered_lines, shown
from emolens.datasets.images import read_gray_box
from emolens.datasets.readers import ck_plus
from emolens.datasets.readers.ck_plus import FRAME_NAME
from emolens.datasets.reading import ReadingReport, read_each

IMAGES, EMOTIONS, LANDMARKS = "cohn-kanade-images", "Emotion", "Landmarks"
N_LANDMARKS = 68
# FER2013's square around a face, relative to the longer side of the box of the 68 landmarks (from
# the brows to the chin). In experiment 0001 the side of FER2013's square is 1.935 times the spread
# of eyes and mouth (the hypotenuse of the eye distance and the distance from eyes to mouth), and
# its centre is 0.153 spreads above their middle. In the average face of the 68 points (OpenFace's
# template: Amos et al. 2016, CMU-CS-16-118) the spread is 0.634 sides of the box, and the middle is
# 0.098 sides above its centre: 1.935 * 0.634 = 1.23 and 0.098 + 0.153 * 0.634 = 0.195.
FRAMING = Framing(shift_x=0.0, shift_y=-0.195, scale=1.23)

_N_SEQUENCES = MappingProxyType(
    {
        "anger": 45,
        "contempt": 18,
        "disgust": 59,
        "fear": 25,
        "happy": 69,
        "sadness": 28,
        "surprise": 83,
    }
)
_N_PEAKS = 3
SHEET = replace(
    ck_plus.SHEET,
    name="CK+ (sequences)",
    origin=(
        "Lucey, Cohn, Kanade, Saragih, Ambadar and Matthews 2010, The Extended Cohn-Kanade Dataset "
        "(CK+): A complete dataset for action unit and emotion-specified expression (CVPR "
        "Workshops), after Kanade, Cohn and Tian 2000. The subjects were filmed posing "
        "expressions; FACS coders checked that each labelled peak matches the emotion. The "
        "landmarks were tracked with active appearance models."
    ),
    terms=(
        "For non-commercial research only, under an agreement with the authors "
        "(http://www.jeffcohn.net/Resources/). Only some of the subjects consented to publication; "
        "do not redistribute the images."
    ),
    images=(
        "593 sequences of 123 subjects, 327 of them labelled. The frames have 640 x 490 or 640 x "
        "480 px, are mostly grey, and show head and shoulders. The reader crops the square around "
        "the landmarks, enlarged to FER2013's framing."
    ),
    layout=(
        f"{IMAGES}/S005/001/S005_001_00000001.png, ...\n"
        f"{EMOTIONS}/S005/001/S005_001_00000011_emotion.txt    (one number; if labelled)\n"
        f"{LANDMARKS}/S005/001/S005_001_00000001_landmarks.txt, ...    (68 lines of x and y)"
    ),
    rule=(
        "The last three frames of a labelled sequence have its label. The first frame is neutral, "
        "including that of a contempt sequence. The last frames of contempt sequences and all "
        "sequences without a label are left out; such a sequence counts once."
    ),
    counts={
        "unknown": {
            "neutral": sum(_N_SEQUENCES.values()),
            **{name: _N_PEAKS * n_sequences for name, n_sequences in _N_SEQUENCES.items()},
        }
    },
    known_issues=(
        *ck_plus.SHEET.known_issues,
        "First frames: some are not fully neutral, and those of one subject are near-duplicates.",
    ),
)

# Far outside every frame, and within the range of floats.
_MAX_PX = 1e6
_N_SHOWN = 60
_UNLABELLED = "unlabelled sequence"


def is_ck_plus(folder: Path) -> bool:
    """Return whether a folder has CK+'s images, or its labels and landmarks."""
    return (folder / IMAGES).is_dir() or (
        (folder / EMOTIONS).is_dir() and (folder / LANDMARKS).is_dir()
    )


def iter_ck_plus(
    folder: Path, split: Wanted = None, report: ReadingReport | None = None
) -> Iterator[FaceSample]:
    """Read the first and the last three faces of every labelled sequence.

    Args:
        folder: The folder with CK+'s images, labels and landmarks.
        split: The split to read, or all. CK+ has no splits, so any split is empty.
        report: Counts faces of contempt, sequences without a label, and damaged frames and
            sequences.

    Returns:
        An iterator over faces, uint8 (S, S), with subjects and the image as location, in the order
        of subject, sequence and frame.

    Raises:
        DatasetError: At once if one of the three folders is missing; while iterating if a
            sequence, frame, label or landmarks file is damaged.
    """
    for name, advice in _ADVICE.items():
        if not (folder / name).is_dir():
            raise DatasetError(f"{folder / name}: the folder of CK+'s {advice}")
    if split is not None:
        return iter(())
    report = report or ReadingReport()
    return read_each(_frames(folder, report), _read_frame, report)


_ADVICE = {
    IMAGES: "frames is missing. Unpack extended-cohn-kanade-images.zip there.",
    EMOTIONS: "labels is missing. Unpack Emotion_labels.zip there.",
    LANDMARKS: (
        "landmarks is missing. Unpack Landmarks.zip there. The landmarks locate the face in a "
        "frame of head and shoulders."
    ),
}


@dataclass(frozen=True, slots=True)
class _Frame:
    image: Path
    landmarks: Path
    emotion: Emotion


def _frames(folder: Path, report: ReadingReport) -> Iterator[_Frame]:
    """List the frames to read; a damaged sequence counts as one damaged face."""
    for sequence in _sequences(folder):
        try:
            frames = _frames_of(folder, sequence, report)
        except DatasetError as error:
            report.add_damaged(error)
            continue
        yield from frames


def _sequences(folder: Path) -> list[Path]:
    """List subjects and sequences, as in `S005/001`, including labels without frames."""
    found = {
        Path(subject.name, sequence.name)
        for root in (folder / IMAGES, folder / EMOTIONS)
        for subject in visible_entries(root)
        if subject.is_dir()
        for sequence in visible_entries(subject)
        if sequence.is_dir()
    }
    return sorted(found)


def _frames_of(folder: Path, sequence: Path, report: ReadingReport) -> list[_Frame]:
    label_file = _label_file(folder / EMOTIONS / sequence)
    if label_file is None:
        report.leave_out(_UNLABELLED)
        return []
    images = _images(folder / IMAGES / sequence)
    peak_stem = label_file.stem.removesuffix("_emotion")
    stems = [image.stem for image in images]
    if peak_stem not in stems[1:]:
        raise DatasetError(
            f"{label_file}: labels the frame {peak_stem}; expected one after the first of the "
            f"{len(stems)} frames in {folder / IMAGES / sequence}. Unpack the frames again."
        )
    peak = stems.index(peak_stem)
    code, location = _read_code(label_file)
    # An unknown label raises an error before any frame is read or left out.
    SHEET.class_of(code, location)
    labelled = [(images[0], Emotion.NEUTRAL)]
    for image in images[max(1, peak + 1 - _N_PEAKS) : peak + 1]:
        emotion = listed_emotion(SHEET, code, location, report)
        if emotion is not None:
            labelled.append((image, emotion))
    landmarks = folder / LANDMARKS / sequence
    return [
        _Frame(image, landmarks / f"{image.stem}_landmarks.txt", emotion)
        for image, emotion in labelled
    ]


def _label_file(folder: Path) -> Path | None:
    if not folder.is_dir():
        return None
    files = [entry for entry in visible_entries(folder) if entry.name.endswith("_emotion.txt")]
    if len(files) > 1:
        raise DatasetError(
            f"{folder}: contains the labels {', '.join(file.name for file in files)}; "
            "expected at most one for each sequence"
        )
    return files[0] if files else None


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [file for file in image_files(folder) if FRAME_NAME.fullmatch(file.stem)]


def _read_code(file: Path) -> tuple[str, str]:
    """Return the label as a code of the sheet, and its location."""
    number, text = next(numbered_lines(file), (1, ""))
    location = f"{file}: line {number}"
    try:
        value = float(text)
    except ValueError:
        return text[:_N_SHOWN], location
    return f"{value:g}", location


def _read_frame(frame: _Frame) -> FaceSample:
    points = _read_landmarks(frame.landmarks)
    xs, ys = zip(*points, strict=True)
    box = Box(min(xs), min(ys), max(xs), max(ys))
    if box.width <= 0 or box.height <= 0:
        raise DatasetError(f"{frame.landmarks}: the landmarks lie on one line; expected a face")
    location = str(frame.image)
    image = read_gray_box(frame.image, FRAMING.apply(box), location)
    named = FRAME_NAME.fullmatch(frame.image.stem)
    return FaceSample(
        image,
        frame.emotion,
        None,
        location,
        subject=named["subject"].upper() if named else None,
    )


def _read_landmarks(file: Path) -> list[tuple[float, float]]:
    if not file.is_file():
        raise DatasetError(
            f"{file}: the landmarks of this frame are missing. Unpack Landmarks.zip again."
        )
    points = [_read_point(line, f"{file}: line {n}") for n, line in numbered_lines(file)]
    if len(points) != N_LANDMARKS:
        raise DatasetError(
            f"{file}: has {len(points)} landmarks; expected {N_LANDMARKS} lines of x and y"
        )
    return points


def _read_point(line: str, location: str) -> tuple[float, float]:
    try:
        x, y = map(float, line.split())
    except ValueError:
        x = y = math.nan
    # Also false for NaN.
    if not (abs(x) <= _MAX_PX and abs(y) <= _MAX_PX):
        raise DatasetError(f"{location}: found {shown(line)}; expected x and y in pixels")
    return x, y
