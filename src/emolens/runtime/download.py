"""A model file from its address; loaded only where one is fetched."""

import http.client
import urllib.error
import urllib.request
from typing import Final

from emolens.core.errors import ModelError

_TIMEOUT_S: Final = 30
_LIMIT_BYTES: Final = 64 * 1024 * 1024


def download(name: str, url: str) -> bytes:
    """Get a model file, at most 64 MiB of it.

    Args:
        name: What to call the model in messages.
        url: Where it is; https only.

    Raises:
        ModelError: Another scheme, no network, or the server refuses.
    """
    _check_https(name, url)
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:  # noqa: S310 (https only, checked above)
            # A server may redirect to another scheme.
            _check_https(name, response.geturl())
            content: bytes = response.read(_LIMIT_BYTES + 1)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise ModelError(
            f"cannot download the model {name}: {error}. Without a network, get {url} on another "
            "machine and give its path instead of the name"
        ) from error
    if len(content) > _LIMIT_BYTES:
        raise ModelError(f"the model {name} at {url} has more than 64 MiB, the limit")
    return content


def _check_https(name: str, url: str) -> None:
    if not url.startswith("https://"):
        raise ModelError(f"cannot download the model {name} from {url}: allowed is https only")
