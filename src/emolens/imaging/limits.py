"""Size limit of image files, in a module that does not import OpenCV."""

from typing import Final

MAX_PIXELS: Final = 100_000_000
"""Largest width x height; enough for nearly all cameras, 300 MB as BGR."""
