"""Results as JSON Lines, one line per frame, while they are made."""

import datetime as dt
import sys
from collections.abc import Callable
from typing import Self

from emolens.contract import frame_record
from emolens.core.frame import Frame, FrameResult
from emolens.storage.files import GrowingFile
from emolens.storage.jsonl import STDOUT, to_line


class JsonlSink:
    """Writes one line per frame: its number, its times, and its faces as in `emolens image`.

    Implements `emolens.core.ports.ResultSink`.

    Args:
        target: A path, where the file appears when this is closed, or `-` for standard output,
            where every line is written at once.
        wall_clock: From `captured_at_s` of a frame to seconds since 1970 (UTC), or None for files,
            whose frames were not captured when they were read. With it, every line has `time`.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, target: str, *, wall_clock: Callable[[float], float] | None = None) -> None:
        self._wall_clock = wall_clock
        self._file = None if target == STDOUT else GrowingFile(target, keeps_lines=True)
        self._is_open, self._is_empty = True, True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, frame: Frame, result: FrameResult) -> None:
        """Write the line of one frame.

        Raises:
            OutputError: It cannot be written, e.g. on a full disk. The lines before are kept as
                `NAME.partial.SUFFIX`; later results are not taken any more.
        """
        time = None
        if self._wall_clock is not None:
            at = dt.datetime.fromtimestamp(self._wall_clock(frame.captured_at_s), dt.UTC)
            time = at.isoformat(timespec="milliseconds")
        line = to_line(frame_record(result, time=time).to_dict())
        self._is_empty = False
        if self._file is None:
            sys.stdout.write(line)
            sys.stdout.flush()
        elif self._is_open:
            try:
                self._file.stream.write(line.encode("ascii"))
            except OSError as error:
                self._is_open = False
                raise self._file.fail(error) from error

    def close(self) -> None:
        """Complete the file; twice is no error. One without a line is not written.

        Raises:
            OutputError: It cannot be completed.
        """
        if self._file is not None and self._is_open:
            self._is_open = False
            if self._is_empty:
                self._file.discard()
            else:
                self._file.complete()
