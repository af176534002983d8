"""What a process that was forked may not do with what it has from its parent.

Threads do not come along in a fork, but what waits for them does: a session of ONNX Runtime that is
destroyed in the child joins threads that are not there, and hangs, at the latest when the child
ends. And a lock that another thread of the parent held stays locked. So the child keeps such things
to its end, untouched, and makes its own when it needs them.
"""

import ctypes
import os
import sys
from typing import Protocol
from weakref import WeakSet


class Inherited(Protocol):
    """What does not work in a forked process as it is."""

    def start_anew(self) -> None:
        """Put the parent's things aside (`keep_for_ever`) and make new ones when needed."""


_watched: "WeakSet[Inherited]" = WeakSet()


def watch_forks(thing: Inherited) -> None:
    """Have `start_anew` called in every process that is forked while the object lives."""
    _watched.add(thing)


def keep_for_ever(thing: object) -> None:
    """Keep an object from being destroyed, also when the interpreter ends."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _start_anew() -> None:
    for thing in list(_watched):
        thing.start_anew()


if sys.platform != "win32":  # where processes are never forked
    os.register_at_fork(after_in_child=_start_anew)
