"""Rule for the files of a folder that count as images, shared by all commands.

A file counts as an image if its suffix is that of an image (in any case, see
`emolens.imaging.kinds`). This includes unsupported kinds, so that they are reported when they are
opened. For other suffixes, the first bytes decide. A broken link counts too, so that it is
reported. All other files are left out and counted. Hidden files and folders (names with a leading
dot, and those created by operating systems) are left out unless they are given explicitly.
"""

import os
from collections import Counter
from pathlib import PurePath

from emolens.core.errors import InputError, InputNotFoundError
from emolens.imaging.kinds import HEAD_BYTES, is_surely_image, kind_by_name

_SYSTEM_NAMES = frozenset(
    {
        *("thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "lost+found"),
        "system volume information",
    }
)
_HIDDEN = "hidden"
_NO_SUFFIX = "without a suffix"
# Longer "suffixes" are parts of names that happen to contain a dot.
_MAX_SUFFIX = 10
_N_SHOWN = 5

AnyPath = str | os.PathLike[str]


class LeftOut:
    """The files and folders that were left out, each counted once."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._kinds)

    def add(self, path: AnyPath) -> None:
        """Count a file that is not an image, or a hidden file or folder."""
        name = PurePath(path).name
        suffix = PurePath(name).suffix.lower()
        is_suffix = suffix.isprintable() and len(suffix) <= _MAX_SUFFIX
        kind = _HIDDEN if is_hidden(name) else suffix if suffix and is_suffix else _NO_SUFFIX
        self._kinds[os.fspath(path)] = kind

    def update(self, others: "LeftOut") -> None:
        """Add the counts of another object."""
        self._kinds.update(others._kinds)

    @property
    def warning(self) -> str | None:
        """A warning with the counts by kind; None if nothing was left out."""
        if not self._kinds:
            return None
        kinds = Counter(self._kinds.values()).most_common()
        shown = [f"{n:,} {kind}" for kind, n in kinds[:_N_SHOWN]]
        n_more = sum(n for _, n in kinds[_N_SHOWN:])
        listed = ", ".join(shown + ([f"{n_more} others"] if n_more else []))
        files = "file" if len(self) == 1 else "files"
        return f"left out {len(self):,} other {files}: {listed}"


def is_hidden(name: str) -> bool:
    """Whether a name begins with a dot or is created by an operating system."""
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES


def is_broken_link(path: AnyPath) -> bool:
    """Whether a path is a link to a missing target, or to itself."""
    return os.path.islink(path) and not os.path.exists(path)  # noqa: PTH114, PTH110 (any name)


def counts_as_image(path: AnyPath) -> bool:
    """Whether a file in a folder counts as one of its images.

    Args:
        path: The file, not a folder; hidden files count like others here.

    Returns:
        The result of this module's rule. Only the first bytes are read, and only for unknown
        suffixes.
    """
    return (
        kind_by_name(PurePath(path).name) is not None
        or is_broken_link(path)
        or is_surely_image(first_bytes(path))
    )


def first_bytes(path: AnyPath) -> bytes:
    """Return the first bytes of a file; empty for anything that is not a readable file."""
    try:
        # Opening a pipe would block until another process writes to it.
        if not os.path.isfile(path):  # noqa: PTH113 (any name)
            return b""
        with open(path, "rb") as stream:  # noqa: PTH123 (any name)
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""


def no_images(folder: AnyPath) -> InputError:
    """Create the error for a folder without images, or for one that cannot be opened."""
    shown = repr(os.fspath(folder))
    try:
        os.listdir(folder)  # noqa: PTH208 (any name)
    except OSError as error:
        return InputNotFoundError(
            f"the folder {shown} cannot be opened: {error.strerror or error}. Change its "
            "permissions."
        )
    return InputError(f"{shown} is a folder without images. Choose another folder or an image.")
