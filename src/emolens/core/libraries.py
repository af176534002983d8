"""Errors for required libraries that cannot be loaded, with the command that repairs them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from emolens.core.errors import BrokenLibraryError, EmolensError

_MAX_REASON_CHARS: Final = 200
_SHARED_OBJECT: Final = "cannot open shared object file"


@dataclass(frozen=True, slots=True)
class Library:
    """A library that emolens requires.

    Attributes:
        module: Name of its top-level module.
        package: Name of its package on PyPI.
        loaded_by: Module whose import loads the library in the same way as emolens.
        system_command: Command that installs missing system libraries, or None.
    """

    module: str
    package: str
    loaded_by: str
    system_command: str | None = None


_OPENCV_COMMAND: Final = (
    "apt-get install libgl1 libglib2.0-0 (Debian, Ubuntu). Or install OpenCV without windows: "
    "pip uninstall --yes opencv-python; pip install --force-reinstall opencv-python-headless"
)

# OpenCV must be loaded before PyAV (emolens.imaging.pyav).
LIBRARIES: Final = (
    Library("numpy", "numpy", "numpy"),
    Library("cv2", "opencv-python", "cv2", _OPENCV_COMMAND),
    Library("av", "av", "av"),
    Library("PIL", "pillow", "PIL.Image"),
    Library("onnxruntime", "onnxruntime", "emolens.runtime.session"),
    Library("pyarrow", "pyarrow", "pyarrow.parquet"),
    Library("supervision", "supervision", "supervision"),
    Library("trackers", "trackers", "trackers"),
    Library("scipy", "scipy", "scipy.special"),
    Library("jinja2", "jinja2", "jinja2"),
    Library("pydantic", "pydantic", "pydantic"),
    Library("typer", "typer", "typer"),
    Library("rich", "rich", "rich.console"),
    Library("platformdirs", "platformdirs", "platformdirs"),
    Library("matplotlib", "matplotlib", "matplotlib"),
)

# A second import fails with another error: OpenCV reports a recursion.
_first_errors: dict[str, Exception] = {}


@contextlib.contextmanager
def explaining_imports() -> Iterator[None]:
    """Convert import errors of libraries inside the block to a `BrokenLibraryError` of one line."""
    try:
        yield
    except EmolensError:
        raise
    except Exception as error:
        broken = explained(error)
        if broken is None:
            raise
        raise broken from error


def explained(error: Exception) -> BrokenLibraryError | None:
    """Convert an error during an import; return None if no library is the cause."""
    name = _module_of(error)
    library = next((known for known in LIBRARIES if known.module == name), None)
    library = library or next((known for known in LIBRARIES if _error_of(known)), None)
    if library:
        return _to_error(library, _first_errors.setdefault(library.module, error))
    if isinstance(error, ModuleNotFoundError) and name != "emolens":
        return _to_error(Library(name, name, name), error)
    return None


def broken_libraries() -> list[BrokenLibraryError]:
    """Load all libraries and return the errors of those that cannot be loaded.

    A library that fails only because of another reported library is omitted.
    """
    errors: dict[str, BrokenLibraryError] = {}
    for library in LIBRARIES:
        error = _error_of(library)
        if error and _module_of(error) not in errors:
            first = _first_errors.setdefault(library.module, error)
            errors[library.module] = _to_error(library, first)
    return list(errors.values())


def _module_of(error: Exception) -> str:
    """Return the top-level module that an import error names, or an empty string."""
    return (getattr(error, "name", None) or "").partition(".")[0]


def _error_of(library: Library) -> Exception | None:
    try:
        import_module(library.loaded_by)
    except Exception as error:  # noqa: BLE001 (incompatible libraries raise any exception)
        return error
    return None


def _to_error(library: Library, error: Exception) -> BrokenLibraryError:
    reason = " ".join(str(error).split()) or type(error).__name__
    if len(reason) > _MAX_REASON_CHARS:
        reason = f"{reason[:_MAX_REASON_CHARS]} ..."
    command: str | None = f"pip install --force-reinstall {library.package}"
    if _SHARED_OBJECT in reason:
        command = library.system_command
    fix = f"Run: {command}" if command else "Install the system package that contains this file."
    return BrokenLibraryError(f"the library {library.module} cannot be loaded: {reason}. {fix}")
