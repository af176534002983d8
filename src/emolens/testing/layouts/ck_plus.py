"""Writers of CK+: the 48 px faces of CK+48, and the sequences of whole frames."""

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import Emotion
from emolens.core.errors import InputError
from emolens.datasets.readers.ck_plus import SHEET
from emolens.datasets.readers.ck_plus_sequences import (
    EMOTIONS,
    FRAMING,
    IMAGES,
    LANDMARKS,
    N_LANDMARKS,
)
from emolens.testing.layouts.files import write_lossless, write_text
from emolens.testing.layouts.samples import DrawnSample

_N_PEAKS = 3
_BACKGROUND = 128
# Inset of the landmarks, so the square around them has the size of the face in pixels.
_INSET_PX = 1e-3


def write_ck_plus_48(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write class folders of faces, named after subject, sequence and frame.

    Args:
        folder: The output folder.
        samples: Faces with CK+'s numbers as codes.

    Returns:
        The folder to read.
    """
    for number, sample in enumerate(samples, start=1):
        name = SHEET.class_of(sample.code, "drawn sample").name
        # One sequence per class, because a subject poses each expression once.
        sequence = f"{_subject(sample)}_{int(sample.code):03d}"
        write_lossless(folder / name / f"{sequence}_{number:08d}.png", sample.image)
    return folder


def write_ck_plus(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write sequences of frames with labels and landmarks.

    Up to three faces of a subject and class become the last frames of a sequence. The first frame
    is one of the subject's neutral faces, in turn. A neutral face may be written several times or
    not at all.

    Args:
        folder: The output folder.
        samples: Faces with CK+'s numbers as codes; at least one neutral face per subject.

    Returns:
        The folder to read.

    Raises:
        InputError: A subject has no neutral face.
    """
    for subject in sorted({sample.subject for sample in samples}):
        own = [sample for sample in samples if sample.subject == subject]
        neutral = [sample for sample in own if sample.emotion is Emotion.NEUTRAL]
        if not neutral:
            raise InputError(f"subject {subject} has no neutral face for the first frame")
        firsts = itertools.cycle(neutral)
        for number, peaks in enumerate(_peaks(own), start=1):
            name = Path(_subject(own[0]), f"{number:03d}")
            _write_sequence(folder, name, [next(firsts), *peaks])
    # The release contains such files from macOS.
    write_text(folder / IMAGES / ".DS_Store", "\0")
    return folder


def _peaks(samples: Sequence[DrawnSample]) -> Iterator[list[DrawnSample]]:
    """Group the faces of each class into sequences of up to three."""
    codes = {sample.code for sample in samples if sample.emotion is not Emotion.NEUTRAL}
    for code in sorted(codes):
        of_class = [sample for sample in samples if sample.code == code]
        for start in range(0, len(of_class), _N_PEAKS):
            yield of_class[start : start + _N_PEAKS]


def _write_sequence(folder: Path, name: Path, frames: Sequence[DrawnSample]) -> None:
    stem = "_".join(name.parts)
    for number, sample in enumerate(frames, start=1):
        image, landmarks = _frame(sample.image)
        write_lossless(folder / IMAGES / name / f"{stem}_{number:08d}.png", image)
        write_text(
            folder / LANDMARKS / name / f"{stem}_{number:08d}_landmarks.txt",
            "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in landmarks.tolist()),
        )
    write_text(
        folder / EMOTIONS / name / f"{stem}_{len(frames):08d}_emotion.txt",
        f"   {float(frames[-1].code):.7e}\n",
    )


def _frame(
    face: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Create a frame around a face, and landmarks (68, 2) whose enlarged square is the face."""
    side = len(face)
    frame = np.full((side * 5 // 2, side * 10 // 3), _BACKGROUND, np.uint8)
    left, top = side, side // 2
    frame[top : top + side, left : left + side] = face
    box_side = (side - _INSET_PX) / FRAMING.scale
    x = left + side / 2 - FRAMING.shift_x * box_side
    y = top + side / 2 - FRAMING.shift_y * box_side
    # 68 is a multiple of four, so a circle of 68 points touches all sides of its box.
    angles = np.arange(N_LANDMARKS) * (2 * math.pi / N_LANDMARKS)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return frame, np.array([x, y]) + box_side / 2 * circle


def _subject(sample: DrawnSample) -> str:
    return f"S{5 + sample.subject:03d}"
