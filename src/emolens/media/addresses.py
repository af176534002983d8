"""What a source argument means, and how it may be shown."""

import re
from typing import Final

# Other schemes of FFmpeg read local files or run filters ("concat:", "subfile:", "lavfi:").
NETWORK_SCHEMES: Final = frozenset({"rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "srt"})


def camera_number(source: str | int) -> int | None:
    """The number of a camera (`0`, `"0"`, `"/dev/video0"`), or None for anything else."""
    if isinstance(source, int):
        return source
    found = re.fullmatch(r"(?:/dev/video)?([0-9]{1,3})", source)
    return int(found.group(1)) if found else None


def scheme_of(source: str) -> str | None:
    """The scheme of an address in lower case, or None where the source is a path."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", source)
    return found.group(1).lower() if found else None


def without_secrets(address: str) -> str:
    """An address that may be shown: without password, and without what follows a `?`."""
    scheme = scheme_of(address)
    if scheme is None:
        return address
    # A password may hold any sign, also those that end the name of a host.
    place = address[len(scheme) + 3 :].rpartition("@")[2]
    shown = re.split("[?#]", place, maxsplit=1)[0]
    return f"{scheme}://{shown}{'' if shown == place else '?...'}"
