"""Libraries that emolens needs and that cannot be loaded: which one it is, and what helps."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Final

from emolens.core.errors import BrokenLibraryError, EmolensError

_MOST_CHARS: Final = 200
_SHARED_OBJECT: Final = "cannot open shared object file"


@dataclass(frozen=True, slots=True)
class Library:
    """A library that emolens cannot do without.

    Attributes:
        module: What is imported of it.
        package: What pip calls it.
        loaded_by: The module whose import loads it as emolens does.
        system_cure: What helps where a part of the system is missing.
    """

    module: str
    package: str
    loaded_by: str
    system_cure: str = "install the system's package with that file"


_OPENCV_CURE: Final = (
    "apt-get install libgl1 libglib2.0-0 (Debian, Ubuntu), or take OpenCV without windows: "
    "pip uninstall --yes opencv-python; pip install --force-reinstall opencv-python-headless"
)

# OpenCV before PyAV, in whose place it must be loaded (emolens.imaging.pyav).
LIBRARIES: Final = (
    Library("numpy", "numpy", "numpy"),
    Library("cv2", "opencv-python", "cv2", _OPENCV_CURE),
    Library("av", "av", "av"),
    Library("PIL", "pillow", "PIL.Image"),
    Library("onnxruntime", "onnxruntime", "emolens.runtime.session"),
    Library("pyarrow", "pyarrow", "pyarrow.parquet"),
    Library("supervision", "supervision", "supervision"),
    Library("trackers", "trackers", "trackers"),
    Library("scipy", "scipy", "scipy.special"),
    Library("sklearn", "scikit-learn", "sklearn.metrics"),
    Library("skimage", "scikit-image", "skimage"),
    Library("plotly", "plotly", "plotly"),
    Library("jinja2", "jinja2", "jinja2"),
    Library("pydantic", "pydantic", "pydantic"),
    Library("typer", "typer", "typer"),
    Library("rich", "rich", "rich.console"),
    Library("platformdirs", "platformdirs", "platformdirs"),
    Library("matplotlib", "matplotlib", "matplotlib"),
)

# A second try fails for reasons of its own: OpenCV takes it for a recursion.
_first_errors: dict[str, Exception] = {}


@contextlib.contextmanager
def explaining_imports() -> Iterator[None]:
    """Inside the block a library that cannot be loaded is a `BrokenLibraryError` in one line."""
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
    """What to tell people about an error of an import; None where no library is behind it."""
    name = _module_behind(error)
    library = next((known for known in LIBRARIES if known.module == name), None)
    library = library or next((known for known in LIBRARIES if _error_of(known)), None)
    if library:
        return _to_error(library, _first_errors.setdefault(library.module, error))
    if isinstance(error, ModuleNotFoundError) and name != "emolens":
        return _to_error(Library(name, name, name), error)
    return None


def broken_libraries() -> list[BrokenLibraryError]:
    """Load all libraries; what is wrong with those that cannot be loaded.

    Those are left out that only lack one that is told already.
    """
    told: dict[str, BrokenLibraryError] = {}
    for library in LIBRARIES:
        error = _error_of(library)
        if error and _module_behind(error) not in told:
            first = _first_errors.setdefault(library.module, error)
            told[library.module] = _to_error(library, first)
    return list(told.values())


def _module_behind(error: Exception) -> str:
    """The module that an error of an import names, without its parts; empty where it names none."""
    return (getattr(error, "name", None) or "").partition(".")[0]


def _error_of(library: Library) -> Exception | None:
    try:
        import_module(library.loaded_by)
    except Exception as error:  # noqa: BLE001 (libraries that do not fit together raise anything)
        return error
    return None


def _to_error(library: Library, error: Exception) -> BrokenLibraryError:
    reason = " ".join(str(error).split()) or type(error).__name__
    if len(reason) > _MOST_CHARS:
        reason = f"{reason[:_MOST_CHARS]} ..."
    cure = f"pip install --force-reinstall {library.package}"
    if _SHARED_OBJECT in reason:
        cure = library.system_cure
    return BrokenLibraryError(
        f"the library {library.module} cannot be loaded: {reason}. What helps: {cure}"
    )
