"""The single import of the packages trackers and supervision in this project.

It enforces two rules. OpenCV is loaded before PyAV, which supervision imports: in the opposite
order, OpenCV's windows hang on Linux. `requests`, which both packages import for downloads that
emolens never makes, stays unloaded: its import opens a socket to test for IPv6.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import cv2  # noqa: F401 (before the library imports it)


class _LoadedOnUse(ModuleType):
    """A placeholder that imports its module on first attribute access."""

    def __getattr__(self, name: str) -> object:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _deferred(name: str) -> Iterator[None]:
    """Defer the loading of a module that is imported inside the block."""
    if name in sys.modules:
        yield
        return
    placeholder = sys.modules[name] = _LoadedOnUse(name)
    try:
        yield
    finally:
        if sys.modules.get(name) is placeholder:
            del sys.modules[name]


with _deferred("requests"):
    import supervision as sv
    import trackers
    from trackers.core.base import BaseTracker

__all__ = ["BaseTracker", "sv", "trackers"]
