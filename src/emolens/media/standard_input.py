"""Standard input as the file of an image."""

import sys
from typing import BinaryIO, Final

from emolens.core.errors import ConfigError

STDIN: Final = "-"
"""The argument that stands for standard input. A file of this name is `./-`."""
STDIN_NAME: Final = "standard input"


def open_standard_input() -> BinaryIO:
    """Return standard input as a binary file.

    Raises:
        ConfigError: It is closed, or a terminal, on which nobody types the bytes of an image.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise ConfigError("-: standard input is closed. Pass the name of an image file.")
    if sys.stdin.isatty():
        raise ConfigError(
            "-: standard input is a terminal; allowed: the bytes of one image. Use a pipe "
            "(curl ... | emolens image -) or a file (emolens image - < photo.jpg)."
        )
    return sys.stdin.buffer
