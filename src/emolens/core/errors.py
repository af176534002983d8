"""The exception hierarchy: emolens raises only subclasses of `EmolensError` on purpose.

Each class has a stable `code` for scripts and JSON. Each class also inherits from the closest
builtin exception, so `except ValueError` works too.

    EmolensError
    |-- InputError (ValueError)               an image, an array, an argument
    |   |-- InputNotFoundError (FileNotFoundError)
    |   |-- EmptyFileError
    |   |-- UnsupportedFormatError
    |   |-- DamagedImageError
    |   |-- ImageTooLargeError
    |   `-- RequestTooLargeError
    |-- ProcessingError (RuntimeError)        an image that could be read
    |-- SourceError (OSError)                 a camera, a stream, a video
    |-- ModelError (ValueError)
    |-- DatasetError (ValueError)
    |-- ConfigError (ValueError)              a recipe, an option, a setting
    |-- OutputError (OSError)
    |-- AccessError (PermissionError)         a request without a valid key
    |   `-- OriginError
    |-- ServerError (ConnectionError)         a server that cannot be reached or does not answer
    |   |-- BusyError
    |   `-- RequestTimeoutError (TimeoutError)
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
    """A file of zero bytes."""

    code = "empty_file"


class UnsupportedFormatError(InputError):
    """Data that is not an image in a supported format."""

    code = "unsupported_format"


class DamagedImageError(InputError):
    """An image with truncated or inconsistent data."""

    code = "damaged_image"


class ImageTooLargeError(InputError):
    """An image that declares more pixels than allowed; it is rejected before decoding."""

    code = "image_too_large"


class RequestTooLargeError(InputError):
    """A request or message with more bytes than the server accepts."""

    code = "request_too_large"


class ProcessingError(EmolensError, RuntimeError):
    """An image that was read but cannot be analysed or drawn, for a reason outside emolens."""

    code = "processing"


class SourceError(EmolensError, OSError):
    """A camera, stream or video file that cannot be opened or read."""

    code = "source"


class ModelError(EmolensError, ValueError):
    """A model file that is missing, damaged, modified or of the wrong kind."""

    code = "model"


class DatasetError(EmolensError, ValueError):
    """A data set that violates its format; the message names the file and row."""

    code = "dataset"


class ConfigError(EmolensError, ValueError):
    """A recipe, option or setting with an unknown key or a value that is not allowed."""

    code = "config"


class OutputError(EmolensError, OSError):
    """A result that cannot be written, for example without space, permission or a folder."""

    code = "output"


class AccessError(EmolensError, PermissionError):
    """A request to a server without a valid key or ticket."""

    code = "access"


class OriginError(AccessError):
    """A request from a web page, or for a host name, that the server does not allow."""

    code = "origin"


class ServerError(EmolensError, ConnectionError):
    """A server that cannot be reached, fails or breaks its protocol."""

    code = "server"


class BusyError(ServerError):
    """A server that is at one of its limits.

    Attributes:
        retry_after_s: Seconds after which a retry may succeed.
    """

    code = "busy"

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.retry_after_s)


class RequestTimeoutError(ServerError, TimeoutError):
    """A request or a job that takes longer than allowed."""

    code = "timeout"


class BrokenLibraryError(EmolensError, ImportError):
    """A required library that is missing or cannot be loaded on this computer."""

    code = "broken_library"


class MissingExtraError(EmolensError, ImportError):
    """A feature whose optional dependencies are not installed."""

    code = "missing_extra"

    def __init__(self, feature: str, extra: str, missing: str) -> None:
        # It loads importlib.metadata, which the start of every command would pay for.
        from emolens.core.installation import install_command  # noqa: PLC0415 (see above)

        advice = f"Install it with: {install_command(extra)}"
        if extra == "train":
            # On Linux, pip adds CUDA's libraries, 4.3 GB (docs/training.md).
            without_cuda = install_command(extra, options=["--torch-backend", "auto"])
            advice += f" (without an NVIDIA GPU, a third of the size: uv {without_cuda})"
        super().__init__(
            f"{feature} requires the package {missing!r}, which is not installed. {advice}"
        )
        self._arguments = (feature, extra, missing)

    def __reduce__(self) -> tuple[object, ...]:
        # A process pool waits forever for an exception that cannot be unpickled.
        return type(self), self._arguments


class RenamedModelWarning(FutureWarning):
    """A model name that is deprecated and will be removed."""
