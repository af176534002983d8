"""The packages trackers and supervision; whoever needs them in this project takes them from here.

Two things are seen to. OpenCV is loaded before PyAV, which supervision loads: in the other order
OpenCV's windows hang on Linux. And `requests`, which both import for downloads that emolens never
makes, is not loaded: its import opens a socket to see whether the machine speaks IPv6.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import cv2  # noqa: F401


class _LoadedOnUse(ModuleType):
    """Stands for a module, which is imported when something of it is used."""

    def __getattr__(self, name: str) -> object:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _put_off(name: str) -> Iterator[None]:
    """Let what is imported inside the block import a module without loading it."""
    if name in sys.modules:
        yield
        return
    placeholder = sys.modules[name] = _LoadedOnUse(name)
    try:
        yield
    finally:
        if sys.modules.get(name) is placeholder:
            del sys.modules[name]


with _put_off("requests"):
    import supervision as sv
    import trackers
    from trackers.core.base import BaseTracker

__all__ = ["BaseTracker", "sv", "trackers"]
