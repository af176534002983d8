"""An image with its time in the source, and the faces detected in it."""

import json
import math
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError
from emolens.core.face import FaceResult
from emolens.core.records import ArrayRecord, ReadOnlyDict

Cell = float | str | bool | None
"""A value in a table."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Frame(ArrayRecord):
    """One image of a source.

    Attributes:
        image: uint8 (H, W, 3), BGR, read-only; upright, with square pixels. Boxes refer to it.
        index: Number of the frame in its source, from 0.
        media_time_s: Time stamp of the container in seconds, or the capture time for a camera.
        captured_at_s: Monotonic clock in seconds when the frame reached this process.
        source_id: Identifier of the source.
        clock_offsets_s: `media_time_s` minus the time stamp of the source in seconds, for each
            segment of the source so far. A new segment starts where the time stamps jump, as in
            concatenated files; only the time is continuous there.
    """

    image: npt.NDArray[np.uint8]
    index: int = 0
    media_time_s: float = 0.0
    captured_at_s: float = 0.0
    source_id: str = ""
    clock_offsets_s: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        image = self.image
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise InputError(
                f"a frame must be a non-empty uint8 array of shape (H, W, 3) in BGR order, "
                f"got {image.dtype} {image.shape}"
            )
        if not math.isfinite(self.media_time_s):
            raise InputError(
                f"media_time_s is {self.media_time_s}; allowed: a finite number of seconds"
            )
        view = image.view()
        view.setflags(write=False)
        object.__setattr__(self, "image", view)

    @property
    def size_wh(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]


class FrameReference(weakref.ref[Frame]):
    """A weak reference to a frame that becomes None in copies.

    This applies to pickled copies, deep copies and the result of `dataclasses.asdict`.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()


@dataclass(frozen=True, slots=True)
class FrameResult:
    """The result for one processed frame, with or without faces.

    Attributes:
        size_wh: (width, height) of the image in pixels.
        faces: The faces, largest first; empty if none is detected.
        frame_index: Number of the frame in its source, from 0.
        media_time_s: Time of the frame in its source, in seconds.
        dropped_before: Number of frames dropped between the previous result and this one.
        shot: Number of the shot, from 1. A new shot begins at a cut of the video, where its time
            stamps jump, and after a pause. No track is in two shots.
        timings_ms: Milliseconds spent in each stage, by stage name; read-only.
        warnings: Warnings about the input, e.g. "only the first of 12 frames is used".
        frame_reference: Weak reference to the frame; use `frame` to read it. None in pickled and
            deep copies.
    """

    size_wh: tuple[int, int]
    faces: tuple[FaceResult, ...]
    frame_index: int = 0
    media_time_s: float = 0.0
    dropped_before: int = 0
    shot: int = 1
    timings_ms: Mapping[str, float] = field(default_factory=ReadOnlyDict)
    warnings: tuple[str, ...] = ()
    frame_reference: "weakref.ref[Frame] | None" = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "timings_ms", ReadOnlyDict(self.timings_ms))
        frame = self.frame_reference() if self.frame_reference else None
        object.__setattr__(self, "frame_reference", FrameReference(frame) if frame else None)

    @property
    def frame(self) -> Frame:
        """The frame of the result, available inside the loop over a stream.

        A stream keeps one frame at a time, so a list of its results needs little memory.

        Raises:
            InputError: The stream has advanced, or the result belongs to an image or is a copy.
        """
        frame = self.frame_reference() if self.frame_reference else None
        if frame is None:
            raise InputError(
                f"frame {self.frame_index} is no longer in memory. To use it later, store "
                "`result.frame` inside the loop over the stream."
            )
        return frame

    # The contract defines the records. It depends on core, hence the imports on use.

    def to_dict(self) -> dict[str, object]:
        """Return width, height and faces (`emolens.contract.FacesRecord`)."""
        from emolens import contract  # noqa: PLC0415 (see above)

        return contract.faces_record(self).to_dict()

    def to_json(self) -> str:
        """Return `to_dict` as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=True, allow_nan=False)

    def to_stream_dict(self) -> dict[str, object]:
        """Return `to_dict` with number, time and shot of the frame, and the dropped frames before.

        The format is `emolens.contract.FrameRecord`.
        """
        from emolens import contract  # noqa: PLC0415 (see above)

        return contract.frame_record(self).to_dict()

    def to_rows(self) -> list[dict[str, Cell]]:
        """Return one flat dict per face with the keys `emolens.ROW_COLUMNS`.

        The list is empty without faces. To keep the columns in that case, use
        `pandas.DataFrame(result.to_rows(), columns=list(emolens.ROW_COLUMNS))`.
        """
        from emolens import contract  # noqa: PLC0415 (see above)

        return contract.face_rows(self)

    def to_table_rows(self) -> list[dict[str, Cell]]:
        """Return one dict with `emolens.TABLE_COLUMNS` per face, or a single one without faces."""
        from emolens import contract  # noqa: PLC0415 (see above)

        return contract.table_rows(self)

    def __str__(self) -> str:
        width, height = self.size_wh
        n_faces = len(self.faces)
        head = f"{n_faces or 'no'} face{'' if n_faces == 1 else 's'} in {width}x{height} px"
        return "\n".join([head, *(f"  {face}" for face in self.faces)])
