"""Which files of a folder count: ONE rule for all commands.

A file counts as an image if its suffix says so (upper or lower case, see
`emolens.imaging.kinds`), also where its kind is known but not read: whoever opens it reports it. If
its suffix says nothing, its first bytes decide. A link to something that is gone counts too, so
that it is reported. All others are left out and counted. Hidden files and folders (names that begin
with a dot, and those that systems make) are left out unless they are named themselves.
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
# Longer "suffixes" are the rest of a name that happens to have a dot in it.
_MAX_SUFFIX = 10
_N_SHOWN = 5

AnyPath = str | os.PathLike[str]


class LeftOut:
    """Files and folders that were met and left out, each counted once."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._kinds)

    def add(self, path: AnyPath) -> None:
        """Count a file that is no image, or something hidden."""
        name = PurePath(path).name
        suffix = PurePath(name).suffix.lower()
        is_telling = suffix.isprintable() and len(suffix) <= _MAX_SUFFIX
        kind = _HIDDEN if is_hidden(name) else suffix if suffix and is_telling else _NO_SUFFIX
        self._kinds[os.fspath(path)] = kind

    def update(self, others: "LeftOut") -> None:
        """Count what others have counted, too."""
        self._kinds.update(others._kinds)

    @property
    def warning(self) -> str | None:
        """One sentence for people; None where nothing was left out."""
        if not self._kinds:
            return None
        kinds = Counter(self._kinds.values()).most_common()
        shown = [f"{n:,} {kind}" for kind, n in kinds[:_N_SHOWN]]
        n_more = sum(n for _, n in kinds[_N_SHOWN:])
        listed = ", ".join(shown + ([f"{n_more} others"] if n_more else []))
        files = "file" if len(self) == 1 else "files"
        return f"left out {len(self):,} other {files}: {listed}"


def is_hidden(name: str) -> bool:
    """Whether a name begins with a dot or is one that systems give."""
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES


def is_broken_link(path: AnyPath) -> bool:
    """Whether a path is a link to something that is not there, or to itself."""
    return os.path.islink(path) and not os.path.exists(path)  # noqa: PTH114, PTH110 (any name)


def counts_as_image(path: AnyPath) -> bool:
    """Whether something in a folder that is no folder itself is one of the images in it.

    Args:
        path: The file; hidden ones count like others here.

    Returns:
        What the rule of this module says; nothing but the first bytes is read, and only where the
        suffix says nothing.
    """
    return (
        kind_by_name(PurePath(path).name) is not None
        or is_broken_link(path)
        or is_surely_image(first_bytes(path))
    )


def first_bytes(path: AnyPath) -> bytes:
    """The first bytes of a file; none of what is no file or cannot be read."""
    try:
        # Opening a pipe would wait for somebody to write into it.
        if not os.path.isfile(path):  # noqa: PTH113 (any name)
            return b""
        with open(path, "rb") as stream:  # noqa: PTH123 (any name)
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""


def no_images(folder: AnyPath) -> InputError:
    """Why a folder has given no image: it cannot be opened, or there is none in it."""
    shown = repr(os.fspath(folder))
    try:
        os.listdir(folder)  # noqa: PTH208 (any name)
    except OSError as error:
        return InputNotFoundError(
            f"the folder {shown} cannot be opened: {error.strerror or error}; change its "
            "permissions"
        )
    return InputError(f"{shown} is a folder without images; name another, or an image")
