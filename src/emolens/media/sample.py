"""Sample images of the demo, from packages that emolens depends on."""

import importlib.util
from pathlib import Path

from emolens.core.errors import SourceError


def sample_image() -> Path:
    """Path of a portrait of the astronaut Eileen Collins (NASA, public domain, 512x512 PNG).

    It is part of scikit-image, which is not imported for it.

    Raises:
        SourceError: scikit-image is not installed or came without its images.
    """
    return _find("skimage", "data/astronaut.png", "scikit-image")


def second_sample_image() -> Path:
    """Path of a portrait of Rear Admiral Grace Hopper (U.S. Navy, public domain, 512x600 JPEG).

    It is part of matplotlib, which is not imported for it.

    Raises:
        SourceError: matplotlib is not installed or came without its images.
    """
    return _find("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "matplotlib")


def _find(module: str, name: str, package: str) -> Path:
    spec = importlib.util.find_spec(module)
    for folder in list(spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / name
        if path.exists():
            return path
    raise SourceError(f"the sample image of {package} is missing; install {package} again")
