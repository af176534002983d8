"""The interfaces between stages: one `Protocol` per replaceable component.

Each port has a contract test in tests/contract/ that runs on all its implementations.
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
    """A face detector."""

    @property
    def name(self) -> str:
        """The name that selects the detector, e.g. `"centerface"`."""
        ...

    @property
    def framing(self) -> Framing:
        """FER2013's framing of faces, in units of this detector's boxes."""
        ...

    def detect(self, image: npt.NDArray[np.uint8]) -> list[FaceDetection]:
        """Detect the faces in a uint8 (H, W, 3) BGR image.

        Returns:
            The faces, largest first; an empty list if there are none.
        """
        ...


@runtime_checkable
class FaceFollower(Protocol):
    """A detector that follows known faces without a full detection."""

    def follow(
        self, image: npt.NDArray[np.uint8], expected: Sequence[FaceDetection]
    ) -> list[FaceDetection | None]:
        """Locate the expected faces in a uint8 (H, W, 3) BGR image.

        Returns:
            The new detection of each expected face, in the same order; None if it is gone.
        """
        ...

    def redetect(
        self, image: npt.NDArray[np.uint8], expected: Sequence[FaceDetection]
    ) -> list[FaceDetection]:
        """Detect the faces in a uint8 (H, W, 3) BGR image that contains known faces.

        Returns:
            As `FaceDetector.detect`, but small faces may be missed if all known ones are detected.
        """
        ...


class FaceTracker(Protocol):
    """A tracker that links the detections of consecutive frames."""

    @property
    def name(self) -> str:
        """The name that selects the tracker, e.g. `"bytetrack"`."""
        ...

    def update(self, detections: Sequence[FaceDetection], at_s: float) -> list[TrackedFace]:
        """Update the tracks with the detections of the frame at `at_s` seconds.

        Each detection belongs to at most one track, and each track has at most one detection. A
        track without a detection keeps its number for some time, in case its face returns.

        Returns:
            All active tracks.
        """
        ...

    def reset(self) -> None:
        """Delete all tracks; their numbers are not used again."""
        ...


class EmotionClassifier(Protocol):
    """A classifier of apparent expressions."""

    @property
    def input_spec(self) -> InputSpec:
        """Size, colour and normalisation of the input crops."""
        ...

    def classify(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[EmotionScores]:
        """Classify face crops.

        Args:
            crops: uint8 arrays of any size, (H, W) grey or (H, W, 3) BGR.

        Returns:
            The scores of each crop, in the same order. A batch of N equals N batches of 1 within
            1e-5.
        """
        ...


class ScoreSmoother(Protocol):
    """A filter that smooths the scores of a track over time."""

    def update(self, track_id: int, scores: EmotionScores, at_s: float) -> EmotionScores:
        """Add the scores of a track at `at_s` seconds and return the smoothed scores."""
        ...

    def forget(self, track_id: int) -> None:
        """Delete the state of a track that has ended."""
        ...


@dataclass(slots=True)
class SourceReport:
    """The state of a source so far.

    Attributes:
        n_expected: Total number of frames, or None if it is unknown.
        n_dropped: Number of frames that the source has dropped.
        is_live: Whether frames arrive in real time and cannot wait.
        warnings: Warnings for users, e.g. that pixels are not square.
        failures: The warnings that mean that data is damaged or missing.
        size_wh: Stored (width, height) of a file in pixels, or None if it is unknown or varies.
        rate_hz: Frames per second of a file or folder, or None if it is unknown.
        duration_s: Duration of a file in seconds, or None if it is unknown.
        n_files: Number of the images of a folder, or None for other sources.
    """

    n_expected: int | None = None
    n_dropped: int = 0
    is_live: bool = False
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    size_wh: tuple[int, int] | None = None
    rate_hz: float | None = None
    duration_s: float | None = None
    n_files: int | None = None


@runtime_checkable
class FrameSource(Protocol):
    """An iterable of frames in order, and a context manager that releases its resources."""

    @property
    def report(self) -> SourceReport:
        """The state so far; may be read from any thread."""
        ...

    def interrupt(self) -> None:
        """End any wait for the next frame permanently.

        May be called from any thread, also after the source is closed.
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
    """A destination of results; a file gets its final name only once it is complete."""

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Write the result of one frame."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
