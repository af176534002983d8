"""Sample images of the demo and the tests. Both are in the public domain."""

import importlib.util
from pathlib import Path
from typing import Final

from emolens.core.errors import SourceError

_ASTRONAUT: Final = Path(__file__).with_name("astronaut.jpg")
_HOPPER: Final = "mpl-data/sample_data/grace_hopper.jpg"


def sample_image() -> Path:
    """Locate a portrait of the astronaut Eileen Collins (NASA, 512x512 JPEG).

    Source:
        `skimage.data.astronaut`, from the Great Images database of NASA.
    """
    return _ASTRONAUT


def second_sample_image() -> Path:
    """Locate a portrait of Rear Admiral Grace Hopper (U.S. Navy, 512x600 JPEG).

    It is part of matplotlib, which is not imported for it.

    Raises:
        SourceError: matplotlib is not installed, or is installed without its sample data.
    """
    spec = importlib.util.find_spec("matplotlib")
    for folder in list(spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / _HOPPER
        if path.exists():
            return path
    raise SourceError("matplotlib's sample image is missing; reinstall matplotlib")
