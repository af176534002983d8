"""Boxes in pixels, and the mapping from a detector's box to the framing of a data set."""

import math
from dataclasses import dataclass

from emolens.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle in pixels.

    The origin is the top left corner of the image. Edges are continuous and half-open, so
    `Box(0, 0, width, height)` is the whole image. A box may extend beyond the image.
    """

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    def __post_init__(self) -> None:
        edges = (self.x_min, self.y_min, self.x_max, self.y_max)
        if not all(map(math.isfinite, edges)):
            raise InputError(f"box edges must be finite, got {edges}")
        if self.x_max < self.x_min or self.y_max < self.y_min:
            raise InputError(f"box edges must have x_min <= x_max and y_min <= y_max, got {edges}")

    @property
    def width(self) -> float:
        """The width in pixels."""
        return self.x_max - self.x_min

    @property
    def height(self) -> float:
        """The height in pixels."""
        return self.y_max - self.y_min

    @property
    def area(self) -> float:
        """The area in square pixels."""
        return self.width * self.height

    @property
    def center_xy(self) -> tuple[float, float]:
        """The centre point (x, y) in pixels."""
        return (self.x_min + self.x_max) / 2, (self.y_min + self.y_max) / 2

    def clip(self, size_wh: tuple[int, int]) -> "Box":
        """Clip the box to an image of (width, height); a box outside becomes empty at the edge."""
        width, height = size_wh

        def clamp(value: float, limit: int) -> float:
            return min(max(value, 0.0), float(limit))

        return Box(
            clamp(self.x_min, width),
            clamp(self.y_min, height),
            clamp(self.x_max, width),
            clamp(self.y_max, height),
        )

    def pad(self, fraction: float) -> "Box":
        """Extend each side by a fraction of the width or height; negative fractions shrink it."""
        if fraction < -0.5:
            raise InputError(f"pad fraction must be >= -0.5, got {fraction}")
        dx, dy = self.width * fraction, self.height * fraction
        return Box(self.x_min - dx, self.y_min - dy, self.x_max + dx, self.y_max + dy)

    def to_square(self) -> "Box":
        """Return the square with the same centre and the longer side of the box."""
        return Box.from_center(self.center_xy, max(self.width, self.height))

    def iou(self, other: "Box") -> float:
        """Compute the intersection over union with another box, 0..1; 0 if both are empty."""
        width = min(self.x_max, other.x_max) - max(self.x_min, other.x_min)
        height = min(self.y_max, other.y_max) - max(self.y_min, other.y_min)
        overlap = max(width, 0.0) * max(height, 0.0)
        union = self.area + other.area - overlap
        return overlap / union if union > 0 else 0.0

    def to_tuple(self) -> tuple[float, float, float, float]:
        """Return `(x_min, y_min, x_max, y_max)`."""
        return self.x_min, self.y_min, self.x_max, self.y_max

    @classmethod
    def from_center(cls, center_xy: tuple[float, float], side: float) -> "Box":
        """Create a square of the given side around a centre point."""
        x, y = center_xy
        half = side / 2
        return cls(x - half, y - half, x + half, y + half)


@dataclass(frozen=True, slots=True)
class Framing:
    """The framing of faces in a data set, relative to the boxes of one detector.

    A classifier is most accurate in the framing of its training data. Every detector draws boxes
    differently, so each one has its own measured `Framing`.

    The unit is the longer side of the box: a turned head makes a box narrower, but hardly shorter.

    Attributes:
        shift_x: Framing centre minus box centre, in box sides, positive to the right.
        shift_y: Framing centre minus box centre, in box sides, positive downwards.
        scale: Side of the framing square divided by the box side.

    Source:
        docs/experiments/0001-framing.md
    """

    shift_x: float
    shift_y: float
    scale: float

    def apply(self, box: Box, *, turn_degrees: float = 0.0) -> Box:
        """Compute the framing square of a detector's box.

        Args:
            box: The box in pixels.
            turn_degrees: Clockwise rotation of the box and face about the centre of the box.

        Returns:
            The square in pixels, before the same rotation about its own centre.
        """
        side = max(box.width, box.height)
        x, y = box.center_xy
        angle = math.radians(turn_degrees)
        cosine, sine = math.cos(angle), math.sin(angle)
        right, down = self.shift_x * side, self.shift_y * side
        center_xy = (x + cosine * right - sine * down, y + sine * right + cosine * down)
        return Box.from_center(center_xy, self.scale * side)
