"""ONNX Runtime with its telemetry off; whoever needs it in this project takes it from here.

ONNX Runtime 1.29 and newer sends reports of its use to its maker. It starts when the package is
imported: a device id and a database under the user's cache folder, and seconds later the first
look-up of the collector's address. The environment is read once, during that import, and only a
variable that is there by then stops all of it; the call `disable_telemetry_events` comes too late.
Source: docs/benchmarks/silence.py.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_VARIABLE: Final = "ORT_DISABLE_TELEMETRY"
# "0" and an empty string leave telemetry on.
_OFF: Final = "1"


@contextmanager
def _telemetry_off() -> Iterator[None]:
    """Switch telemetry off inside the block; the environment is as before afterwards."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = _OFF
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before


# Someone else's import came first, and nothing can be done about it any more.
_CAME_FIRST: Final = "onnxruntime" in sys.modules
with _telemetry_off():
    import onnxruntime

__all__ = ["onnxruntime", "telemetry_state"]


def telemetry_state() -> str:
    """Whether ONNX Runtime may send reports of its use from this process, for people."""
    if not _CAME_FIRST:
        return "off"
    return (
        "unknown: onnxruntime was imported before emolens; "
        f"set {_VARIABLE}={_OFF} in the environment"
    )
