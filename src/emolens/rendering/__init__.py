"""Results drawn onto pictures."""

from emolens.rendering.overlay import draw_faces

__all__ = ["draw_faces"]
