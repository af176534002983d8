"""How large an image file may be; without OpenCV, for whoever only names the number."""

from typing import Final

MAX_PIXELS: Final = 100_000_000
"""Covers every camera but a few; 300 MB as BGR. 20,000 x 20,000 is four times as much."""
