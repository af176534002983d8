"""Names of files that clients give. They are shown and recorded, and never contain a folder."""

import re
import unicodedata
from typing import Final

from emolens.core.errors import InputError

_MAX_BYTES: Final = 255
_SEPARATORS: Final = frozenset('/\\:"<>|?*')
# Categories of Unicode: control characters, format characters (which can reverse the direction of
# text), surrogates, unassigned code points, and separators of lines and paragraphs.
_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})
# Windows opens a device for these names, with any suffix.
# Source: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])", re.IGNORECASE
)
_ALLOWED: Final = f"a file name without folder, of 1 to {_MAX_BYTES} bytes, such as 'clip.mp4'"


def checked_name(name: str, default: str) -> str:
    """Return the name of a file if it is allowed, or the default if it is empty.

    Args:
        name: The name that a client gave.
        default: The name of a file without name.

    Raises:
        InputError: The name contains a folder, control characters or characters that Windows does
            not allow, is too long, or is that of a folder or device.
    """
    if not name:
        return default
    cause = _cause(name)
    if cause:
        # The name may contain characters that no answer can contain.
        shown = ascii(name if len(name) <= 80 else f"{name[:77]}...")
        raise InputError(f"the name {shown} {cause}; allowed: {_ALLOWED}")
    return name


def _cause(name: str) -> str:
    """Return why a name is not allowed; empty if it is."""
    if len(name) > _MAX_BYTES or len(name.encode("utf-8", "surrogatepass")) > _MAX_BYTES:
        return "is too long"
    if not _SEPARATORS.isdisjoint(name):
        return "contains one of " + " ".join(sorted(_SEPARATORS))
    if any(unicodedata.category(character) in _UNSHOWN for character in name):
        return "contains control characters"
    if name != name.strip() or name.endswith("."):
        return "begins or ends with a space, or ends with a dot"
    return "is the name of a device" if _DEVICE.fullmatch(name.partition(".")[0].rstrip()) else ""
