"""Results as JSON Lines, one line per frame, written as they arrive."""

import datetime as dt
import sys
from collections.abc import Callable
from typing import Self

from emolens.contract import Provenance, frame_record
from emolens.core.frame import Frame, FrameResult
from emolens.storage.files import GrowingFile
from emolens.storage.jsonl import STDOUT, to_line
from emolens.storage.side_files import write_side_file


class JsonlSink:
    """A sink that writes one line per frame: its index, times and faces as in `emolens image`.

    Implements `emolens.core.ports.ResultSink`.

    Args:
        target: A path, or `-` for standard output. The file appears when the sink is closed;
            standard output is flushed after every line.
        wall_clock: Converts `captured_at_s` of a frame to seconds since 1970 (UTC), and adds `time`
            to every line. None for files, whose frames were not captured when they were read.
        made: The record of how the lines are made, for the side file. Standard output has none.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(
        self,
        target: str,
        *,
        wall_clock: Callable[[float], float] | None = None,
        made: Provenance | None = None,
    ) -> None:
        self._target, self._made = target, made
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
            OutputError: The line cannot be written, e.g. because the disk is full. The lines before
                it are kept as `NAME.partial.SUFFIX`, and later results are ignored.
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
        """Complete the file, or discard it if it is empty. Closing it again has no effect.

        Raises:
            OutputError: The file cannot be completed.
        """
        if self._file is not None and self._is_open:
            self._is_open = False
            if self._is_empty:
                self._file.discard()
            else:
                self._file.complete()
                write_side_file(self._target, self._made.to_dict() if self._made else None)
