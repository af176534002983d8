"""Where the `emolens` command begins.

Nothing can be done about Ctrl-C until Python has begun to load this module, so it imports next to
nothing; the commands are in `emolens.cli.program`.
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


# For the imports that follow, which bring what it takes to do better.
sys.excepthook = _leave_in_one_line

from importlib import import_module  # noqa: E402

from emolens.cli.interruption import leave_at_once  # noqa: E402


def run() -> None:
    """Run the command line and leave with one of the contract's exit codes."""
    leave_at_once()
    # What loads now stays to the end. Looking through it for garbage, a dozen times while it loads
    # and once more at the end, took a fifth of what `emolens image` took for one image.
    gc.disable()
    libraries = import_module("emolens.core.libraries")
    try:
        with libraries.explaining_imports():
            program = import_module("emolens.cli.program")
    except libraries.BrokenLibraryError as error:
        # What prints errors elsewhere needs libraries itself.
        sys.stderr.write(f"error: {error}\n")
        sys.exit(_EXIT_FAILED)
    program.run_program(sys.argv[1:])
