"""Which frames of a recording are wanted."""

import math
from dataclasses import dataclass

from emolens.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Clip:
    """A part of a recording.

    Attributes:
        start_s: Frames before this time are left out; None begins with the first one.
        end_s: Frames from this time on are left out; None goes on to the last one.
        every: Only frames whose number is a multiple of it.

    Raises:
        ConfigError: A value is out of range.
    """

    start_s: float | None = None
    end_s: float | None = None
    every: int = 1

    def __post_init__(self) -> None:
        for name, value in (("start", self.start_s), ("end", self.end_s)):
            if value is not None and (not math.isfinite(value) or value < 0):
                raise ConfigError(f"{name} must be a number of seconds, 0 or more, got {value}")
        start_s = self.start_s or 0.0
        if self.end_s is not None and self.end_s <= start_s:
            raise ConfigError(f"the end must come after the start, got {start_s} to {self.end_s} s")
        if self.every < 1:
            raise ConfigError(f"every must be 1 or more, got {self.every}")

    def __str__(self) -> str:
        """The range, for messages; empty where all of it is wanted."""
        if self.start_s is None and self.end_s is None:
            return ""
        until = "the end" if self.end_s is None else f"{self.end_s} s"
        return f"between {self.start_s or 0} s and {until}"

    def is_before(self, at_s: float) -> bool:
        """Whether a frame of `at_s` seconds comes before it."""
        return self.start_s is not None and at_s < self.start_s

    def is_behind(self, at_s: float) -> bool:
        """Whether a frame of `at_s` seconds comes behind it."""
        return self.end_s is not None and at_s >= self.end_s
