"""Writes CK+: the 48 px faces that are passed around, and the sequences of whole frames."""

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
# Inside the face by this much, so that the square around the landmarks has its size in pixels.
_INSET_PX = 1e-3


def write_ck_plus_48(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write class folders of faces, named after subject, sequence and frame.

    Args:
        folder: Where to.
        samples: Faces with CK+'s numbers as codes.

    Returns:
        The folder to read.
    """
    for number, sample in enumerate(samples, start=1):
        name = SHEET.class_of(sample.code, "drawn sample").name
        # One sequence for each class, as a person poses each once.
        sequence = f"{_subject(sample)}_{int(sample.code):03d}"
        write_lossless(folder / name / f"{sequence}_{number:08d}.png", sample.image)
    return folder


def write_ck_plus(folder: Path, samples: Sequence[DrawnSample]) -> Path:
    """Write sequences of frames with labels and landmarks.

    Up to three faces of a person and class become the last frames of a sequence. Its first frame is
    a neutral face of that person; the neutral faces take turns, so some may be written often, and
    none that has no sequence to go before.

    Args:
        folder: Where to.
        samples: Faces with CK+'s numbers as codes; a neutral one at least for every person.

    Returns:
        The folder to read.
    """
    for subject in sorted({sample.subject for sample in samples}):
        own = [sample for sample in samples if sample.subject == subject]
        neutral = [sample for sample in own if sample.emotion is Emotion.NEUTRAL]
        if not neutral:
            raise InputError(f"person {subject} has no neutral face to start a sequence with")
        firsts = itertools.cycle(neutral)
        for number, peaks in enumerate(_peaks(own), start=1):
            name = Path(_subject(own[0]), f"{number:03d}")
            _write_sequence(folder, name, [next(firsts), *peaks])
    # Macs left such files in the release.
    write_text(folder / IMAGES / ".DS_Store", "\0")
    return folder


def _peaks(samples: Sequence[DrawnSample]) -> Iterator[list[DrawnSample]]:
    """Up to three faces of one class, class by class."""
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
    """A frame around a face, and landmarks (68, 2) whose enlarged square is the face."""
    side = len(face)
    frame = np.full((side * 5 // 2, side * 10 // 3), _BACKGROUND, np.uint8)
    left, top = side, side // 2
    frame[top : top + side, left : left + side] = face
    box_side = (side - _INSET_PX) / FRAMING.scale
    x = left + side / 2 - FRAMING.shift_x * box_side
    y = top + side / 2 - FRAMING.shift_y * box_side
    # 68 is a multiple of four: a circle of so many points touches all sides of its box.
    angles = np.arange(N_LANDMARKS) * (2 * math.pi / N_LANDMARKS)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return frame, np.array([x, y]) + box_side / 2 * circle


def _subject(sample: DrawnSample) -> str:
    return f"S{5 + sample.subject:03d}"
