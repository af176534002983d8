"""Handling of resources that a forked process inherits but must not use.

A fork copies no threads. An ONNX Runtime session that is destroyed in the child joins threads that
do not exist there and hangs, at the latest when the child exits. A lock held by another thread of
the parent stays locked. The child therefore keeps such objects untouched until it exits, and
creates its own on demand.
"""

import ctypes
import os
import sys
from typing import Protocol
from weakref import WeakSet


class Inherited(Protocol):
    """An object that does not work in a forked process as it is."""

    def start_anew(self) -> None:
        """Set the parent's resources aside (`keep_for_ever`) and create new ones on demand."""


_watched: "WeakSet[Inherited]" = WeakSet()


def watch_forks(thing: Inherited) -> None:
    """Call an object's `start_anew` in every process that is forked during its lifetime."""
    _watched.add(thing)


def keep_for_ever(thing: object) -> None:
    """Prevent an object from being destroyed, even when the interpreter exits."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _start_anew() -> None:
    for thing in list(_watched):
        thing.start_anew()


if sys.platform != "win32":  # Windows does not fork processes
    os.register_at_fork(after_in_child=_start_anew)
