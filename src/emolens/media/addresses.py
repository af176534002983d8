"""What a source argument means, and how it may be shown."""

import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

# Other schemes of FFmpeg read local files or run filters ("concat:", "subfile:", "lavfi:").
NETWORK_SCHEMES: Final = frozenset({"rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "srt"})


def camera_number(source: str | int) -> int | None:
    """The number of a camera (`0`, `"0"`), or None where the source is something else."""
    if isinstance(source, int):
        return source
    return int(source) if re.fullmatch(r"[0-9]{1,3}", source) else None


def scheme_of(source: str) -> str | None:
    """The scheme of an address in lower case, or None where the source is a path."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", source)
    return found.group(1).lower() if found else None


def without_secrets(address: str) -> str:
    """An address that may be shown: without password, and without what follows a `?`."""
    if scheme_of(address) is None:
        return address
    parts = urlsplit(address)
    place = parts.netloc.rpartition("@")[2]
    shown = urlunsplit((parts.scheme, place, parts.path, "", ""))
    return f"{shown}?..." if parts.query else shown
