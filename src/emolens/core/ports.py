"""What the stages ask of each other: one `Protocol` per replaceable part.

Each port has one contract test under tests/contract/ that runs over all its implementations.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import EmotionScores
from emolens.core.face import FaceDetection, TrackedFace
from emolens.core.frame import Frame, FrameResult
from emolens.core.geometry import Framing
from emolens.core.manifest import InputSpec


class FaceDetector(Protocol):
    """Finds faces in an image."""

    @property
    def name(self) -> str:
        """The name to ask for it by, e.g. `"centerface"`."""
        ...

    @property
    def framing(self) -> Framing:
        """How FER2013 frames a face, in units of this detector's boxes."""
        ...

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Find the faces of a uint8 (H, W, 3) BGR image, largest first; an empty list if none."""
        ...


@runtime_checkable
class FaceFollower(Protocol):
    """Finds faces again that were seen a moment ago, without searching the image."""

    def follow(
        self, image: npt.NDArray[np.uint8], expected: Sequence[FaceDetection]
    ) -> list[FaceDetection | None]:
        """Look where faces are expected in a uint8 (H, W, 3) BGR image.

        Returns:
            Each face where it is, in the order given; None where there is none.
        """
        ...

    def search_known(
        self, image: npt.NDArray[np.uint8], expected: Sequence[FaceDetection]
    ) -> list[FaceDetection]:
        """Search a uint8 (H, W, 3) BGR image in which known faces are expected.

        Returns:
            As `FaceDetector.detect`, but small faces may be missed while all known ones are seen.
        """
        ...


class FaceTracker(Protocol):
    """Gives faces identities that stay."""

    @property
    def name(self) -> str:
        """The name to ask for it by, e.g. `"bytetrack"`."""
        ...

    def update(self, detections: Sequence[FaceDetection], at_s: float) -> list[TrackedFace]:
        """Take the detections of the frame at `at_s` seconds and return all living tracks.

        Every detection belongs to at most one track, every track has at most one detection. A
        track without a detection keeps its number for a while, in case its face comes back.
        """
        ...

    def reset(self) -> None:
        """Forget all tracks; numbers that were given are not given again."""
        ...


class EmotionClassifier(Protocol):
    """Names the apparent expression of faces."""

    @property
    def input_spec(self) -> InputSpec:
        """Size, colour and normalisation of the crops it reads."""
        ...

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        """Scores of uint8 crops, (H, W) grey or (H, W, 3) BGR, of any size, in the order given.

        A batch of N gives the same as N batches of 1 within 1e-5.
        """
        ...


class ScoreSmoother(Protocol):
    """Smooths the scores of a track over time."""

    def update(self, track_id: int, scores: EmotionScores, at_s: float) -> EmotionScores:
        """Take new scores of a track, made at `at_s` seconds, and return the smoothed ones."""
        ...

    def forget(self, track_id: int) -> None:
        """Free what is kept about a track that has ended."""
        ...


@dataclass(slots=True)
class SourceReport:
    """What a source has to say of itself, so far.

    Attributes:
        n_expected: How many frames will come, or None where nobody knows.
        n_dropped: Frames that it has dropped itself.
        is_live: Whether its frames come when they are captured, so that none can wait.
        warnings: What people should know, e.g. that its pixels are not square.
        failures: What of that means that something is damaged or missing.
    """

    n_expected: int | None = None
    n_dropped: int = 0
    is_live: bool = False
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@runtime_checkable
class FrameSource(Protocol):
    """Gives frames in order; a context manager that frees what it holds."""

    @property
    def report(self) -> SourceReport:
        """What is to be said of it so far; may be asked from any thread."""
        ...

    def interrupt(self) -> None:
        """End a wait for the next frame, if there is one, for good.

        From any thread, and also after the source has been closed.
        """
        ...

    def __iter__(self) -> Iterator[Frame]: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class ResultSink(Protocol):
    """Takes results; a file appears under its final name only when it is complete."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Take the result of one frame."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
