"""A selection of the frames of a recording."""

import math
from dataclasses import dataclass

from emolens.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Clip:
    """A part of a recording.

    Attributes:
        start_s: Time of the first selected frame in seconds; None selects from the beginning.
        end_s: Time before which selected frames lie, in seconds; None selects up to the end.
        every: Select only frames whose index is a multiple of this number.

    Raises:
        ConfigError: A value is out of range.
    """

    start_s: float | None = None
    end_s: float | None = None
    every: int = 1

    def __post_init__(self) -> None:
        for name, value in (("start", self.start_s), ("end", self.end_s)):
            if value is not None and (not math.isfinite(value) or value < 0):
                raise ConfigError(f"{name} is {value}; allowed: 0 seconds or more")
        start_s = self.start_s or 0.0
        if self.end_s is not None and self.end_s <= start_s:
            raise ConfigError(f"end is {self.end_s} s; it must be after start ({start_s} s)")
        if self.every < 1:
            raise ConfigError(f"every is {self.every}; allowed: 1 or more")

    def __str__(self) -> str:
        """The time range for messages; empty if it is unlimited."""
        if self.start_s is None and self.end_s is None:
            return ""
        until = "the end" if self.end_s is None else f"{self.end_s} s"
        return f"between {self.start_s or 0} s and {until}"

    def is_before(self, at_s: float) -> bool:
        """Return whether a frame at `at_s` seconds lies before the clip."""
        return self.start_s is not None and at_s < self.start_s

    def is_behind(self, at_s: float) -> bool:
        """Return whether a frame at `at_s` seconds lies after the clip."""
        return self.end_s is not None and at_s >= self.end_s
