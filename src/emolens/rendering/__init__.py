"""Drawing of results on images."""

from emolens.rendering.overlay import draw_faces

__all__ = [
    "blur",
    "draw_faces",
    "heat_strip",
    "heatmap",
    "overlay",
    "palette",
    "stream_overlay",
    "wording",
]
