"""The entry point of the `emolens` command.

Ctrl-C cannot be handled before Python loads this module, which therefore imports almost nothing.
The commands are in `emolens.cli.program`.
"""

import gc
import os
import sys
from types import TracebackType

_EXIT_FAILED = 1
_EXIT_INTERRUPTED = 130


def _leave_in_one_line(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("interrupted\n")
        os._exit(_EXIT_INTERRUPTED)
    sys.__excepthook__(kind, error, traceback)


# Covers the imports below, until `leave_at_once` takes over.
sys.excepthook = _leave_in_one_line

from importlib import import_module  # noqa: E402 (after the hook above)

from emolens.cli.interruption import leave_at_once  # noqa: E402 (after the hook above)


def run() -> None:
    """Run the command line and exit with one of the documented exit codes."""
    leave_at_once()
    # Modules loaded now stay until the end. Garbage collection, a dozen times during loading and
    # once at exit, took a fifth of the time of `emolens image` on one image.
    gc.disable()
    libraries = import_module("emolens.core.libraries")
    try:
        with libraries.explaining_imports():
            program = import_module("emolens.cli.program")
    except libraries.BrokenLibraryError as error:
        # `terminal.echo_error` needs libraries that may be the broken ones.
        sys.stderr.write(f"error: {error}\n")
        sys.exit(_EXIT_FAILED)
    program.run_program(sys.argv[1:])
