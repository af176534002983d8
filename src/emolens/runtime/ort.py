"""ONNX Runtime without telemetry; all other modules import onnxruntime from here.

ONNX Runtime 1.29 and newer reports its use to its vendor. The import creates a device id and a
database in the user's cache folder, and resolves the collector's address seconds later. The
environment is read only once, during the import, so the variable must be set before. A later call
of `disable_telemetry_events` has no effect on this. Source: docs/benchmarks/silence.py.
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
    """Disable telemetry inside the block; the environment is restored afterwards."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = _OFF
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before


# Another module imported onnxruntime first, so its telemetry can no longer be disabled.
_WAS_IMPORTED_BEFORE: Final = "onnxruntime" in sys.modules
with _telemetry_off():
    import onnxruntime

__all__ = ["onnxruntime", "telemetry_state"]


def telemetry_state() -> str:
    """Return whether ONNX Runtime may send usage reports from this process, as text for users."""
    if not _WAS_IMPORTED_BEFORE:
        return "off"
    return (
        "unknown: onnxruntime was imported before emolens; "
        f"set {_VARIABLE}={_OFF} in the environment"
    )
