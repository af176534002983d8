"""The version of emolens, for packages that cannot import `emolens` itself."""

import functools
import importlib.metadata


@functools.cache
def emolens_version() -> str:
    """Return the installed version, e.g. `"0.1.0"`."""
    return importlib.metadata.version("emolens")
