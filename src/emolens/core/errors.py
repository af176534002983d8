"""The exception tree: every error that emolens raises on purpose stands below `EmolensError`.

Each class has a stable `code` (for scripts and JSON) and also inherits the builtin that a caller
would expect, so `except ValueError` works for those who do not know this module.

    EmolensError
    |-- InputError (ValueError)               an image, an array, an argument
    |   |-- InputNotFoundError (FileNotFoundError)
    |   |-- EmptyFileError
    |   |-- UnsupportedFormatError
    |   |-- DamagedImageError
    |   `-- ImageTooLargeError
    |-- ProcessingError (RuntimeError)        an image that could be read
    |-- SourceError (OSError)                 a camera, a stream, a video
    |-- ModelError (ValueError)
    |-- DatasetError (ValueError)
    |-- ConfigError (ValueError)              a recipe, an option, a setting
    |-- OutputError (OSError)
    |-- BrokenLibraryError (ImportError)
    `-- MissingExtraError (ImportError)
"""

from typing import ClassVar


class EmolensError(Exception):
    """Base of all errors that emolens raises on purpose."""

    code: ClassVar[str] = "emolens"


class InputError(EmolensError, ValueError):
    """An image, an array or an argument that cannot be used."""

    code = "bad_input"


class InputNotFoundError(InputError, FileNotFoundError):
    """A file or folder that does not exist or cannot be opened."""

    code = "not_found"


class EmptyFileError(InputError):
    """A file without a single byte."""

    code = "empty_file"


class UnsupportedFormatError(InputError):
    """Bytes that are no image of a format emolens reads."""

    code = "unsupported_format"


class DamagedImageError(InputError):
    """An image whose bytes end early or contradict themselves."""

    code = "damaged_image"


class ImageTooLargeError(InputError):
    """An image that declares more pixels than allowed; refused before decoding."""

    code = "image_too_large"


class ProcessingError(EmolensError, RuntimeError):
    """An image that could be read but not analysed or drawn, for a reason outside emolens."""

    code = "processing"


class SourceError(EmolensError, OSError):
    """A camera, stream or video file that cannot be opened or read."""

    code = "source"


class ModelError(EmolensError, ValueError):
    """A model file that is missing, damaged, altered or of another kind."""

    code = "model"


class DatasetError(EmolensError, ValueError):
    """A data set that breaks its own format; the message names file and row."""

    code = "dataset"


class ConfigError(EmolensError, ValueError):
    """A recipe, option or setting with an unknown key or a wrong value."""

    code = "config"


class OutputError(EmolensError, OSError):
    """A result that cannot be written: no space, no permission, no such folder."""

    code = "output"


class BrokenLibraryError(EmolensError, ImportError):
    """A library that emolens needs is missing, or cannot be loaded on this machine."""

    code = "broken_library"


class MissingExtraError(EmolensError, ImportError):
    """A feature whose optional dependencies are not installed."""

    code = "missing_extra"

    def __init__(self, feature: str, extra: str, missing: str) -> None:
        super().__init__(
            f"{feature} needs the package {missing!r}, which is not installed. "
            f'Install it with: pip install "emolens[{extra}]"'
        )
        self._made_of = (feature, extra, missing)

    def __reduce__(self) -> tuple[object, ...]:
        # A pool of processes waits for ever for the result of one that cannot be unpickled.
        return type(self), self._made_of


class RenamedModelWarning(FutureWarning):
    """A model was asked for by a name that it will not have for much longer."""
