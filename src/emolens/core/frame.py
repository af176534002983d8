"""An image with its place in time, and what was found in it."""

import json
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from emolens.core.errors import InputError
from emolens.core.face import FaceResult
from emolens.core.records import ArrayRecord, ReadOnlyDict

Cell = float | str | bool | None
"""A value of a table."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Frame(ArrayRecord):
    """One image of a source.

    Attributes:
        image: uint8 (H, W, 3), BGR; read-only. Upright, with square pixels: boxes lie in it.
        index: Number of the frame in its source, from 0.
        media_time_s: Seconds from the container's time stamp, or capture time for a camera.
        captured_at_s: Monotonic clock in seconds when the frame reached this process.
        source_id: Which source it comes from.
        clock_offsets_s: By how much `media_time_s` is ahead of the source's own time stamps, in
            seconds; one for each piece of the source so far. A new piece begins where the stamps
            jump, as in files put together from several: nothing but time goes on there.
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
                f"a frame must be a non-empty uint8 array (H, W, 3) in BGR order, "
                f"got {image.dtype} {image.shape}"
            )
        view = image.view()
        view.setflags(write=False)
        object.__setattr__(self, "image", view)

    @property
    def size_wh(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]


class FrameReference(weakref.ref[Frame]):
    """A weak reference to a frame, for which copies that outlive it have None.

    Those are pickled ones, deep copies and what `dataclasses.asdict` gives.
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What was found in one processed frame; there is one for every frame, faces or not.

    Attributes:
        size_wh: (width, height) of the image in pixels.
        faces: The faces, largest first; empty when there are none.
        frame_index: Number of the frame in its source, from 0.
        media_time_s: The frame's time in seconds.
        dropped_before: Frames dropped between the previous result and this one.
        timings_ms: Milliseconds spent in each stage, by stage name; read-only.
        warnings: Warnings about the input that a user should know, e.g. "first of 12 frames".
        frame_reference: Where the frame itself can be found as long as somebody holds it; read it
            as `frame`. None in pickled and deep copies.
    """

    size_wh: tuple[int, int]
    faces: tuple[FaceResult, ...]
    frame_index: int = 0
    media_time_s: float = 0.0
    dropped_before: int = 0
    timings_ms: Mapping[str, float] = field(default_factory=ReadOnlyDict)
    warnings: tuple[str, ...] = ()
    frame_reference: "weakref.ref[Frame] | None" = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "timings_ms", ReadOnlyDict(self.timings_ms))
        frame = self.frame_reference() if self.frame_reference else None
        object.__setattr__(self, "frame_reference", FrameReference(frame) if frame else None)

    @property
    def frame(self) -> Frame:
        """The frame that the result is about, inside the loop over a stream.

        A stream holds one frame at a time, so that a list of its results needs little memory.

        Raises:
            InputError: The stream has gone on, or the result is that of an image or a copy.
        """
        frame = self.frame_reference() if self.frame_reference else None
        if frame is None:
            raise InputError(
                f"frame {self.frame_index} is no longer in memory; keep `result.frame` while the "
                "loop stands at this result, if you need it later"
            )
        return frame

    # The shape of records is the contract's, which stands above and is loaded on use.

    def to_dict(self) -> dict[str, object]:
        """Width, height and faces (`emolens.contract.FacesRecord`)."""
        from emolens import contract  # noqa: PLC0415

        return contract.faces_record(self).to_dict()

    def to_json(self) -> str:
        """`to_dict` as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=True, allow_nan=False)

    def to_stream_dict(self) -> dict[str, object]:
        """`to_dict` with the frame's number, its time and how many frames were dropped before.

        `emolens.contract.FrameRecord`.
        """
        from emolens import contract  # noqa: PLC0415

        return contract.frame_record(self).to_dict()

    def to_rows(self) -> list[dict[str, Cell]]:
        """One flat dict per face, its keys being `emolens.ROW_COLUMNS`; none where there is none.

        `pandas.DataFrame(result.to_rows(), columns=list(emolens.ROW_COLUMNS))` has its columns
        then, too.
        """
        from emolens import contract  # noqa: PLC0415

        return contract.face_rows(self)

    def to_table_rows(self) -> list[dict[str, Cell]]:
        """One dict with `emolens.TABLE_COLUMNS` per face, or a single one where there is none."""
        from emolens import contract  # noqa: PLC0415

        return contract.table_rows(self)

    def __str__(self) -> str:
        width, height = self.size_wh
        n = len(self.faces)
        head = f"{n or 'no'} face{'' if n == 1 else 's'} in {width}x{height} px"
        return "\n".join([head, *(f"  {face}" for face in self.faces)])
