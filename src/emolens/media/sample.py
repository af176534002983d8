"""The sample picture of the demo, from a package that emolens depends on."""

import importlib.util
from pathlib import Path

from emolens.core.errors import SourceError


def sample_picture() -> Path:
    """Path of a portrait of the astronaut Eileen Collins (NASA, public domain, 512x512 PNG).

    It is part of scikit-image, which is not imported for it.

    Raises:
        SourceError: scikit-image is not installed or came without its pictures.
    """
    spec = importlib.util.find_spec("skimage")
    for folder in list(spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "data" / "astronaut.png"
        if path.exists():
            return path
    raise SourceError("the sample picture of scikit-image is missing; install scikit-image again")
