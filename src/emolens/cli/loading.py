"""Loading of what a command needs when it runs, so that its help needs none of it."""

import contextlib
import gc
from collections.abc import Iterator

from emolens.core.libraries import explaining_imports


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Import modules inside the block, without garbage collection.

    Modules stay until the end, and collections during loading take a fifth of the time of a
    command on one image.

    Raises:
        BrokenLibraryError: A library cannot be loaded.
    """
    gc.disable()
    try:
        with explaining_imports():
            yield
    finally:
        gc.freeze()
        gc.enable()
