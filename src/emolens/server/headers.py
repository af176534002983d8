"""Headers of every answer, and the IDs of requests."""

import itertools
import re
import secrets
from typing import Final

REQUEST_ID: Final = "X-Request-ID"
SECURITY_HEADERS: Final = {
    # The page computes with WebAssembly and shows images and clips that it made itself.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; "
        "connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Headers of every answer."""
_ALLOWED_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Unique for this process; nothing depends on their being secret, and a count costs no system call.
_PREFIX: Final = secrets.token_hex(8)
_NUMBERS: Final = itertools.count(1)


def request_id_of(given: str) -> str:
    """Return the ID that a client gave to its request if it is allowed, or a new one.

    Args:
        given: The header `X-Request-ID`; allowed: 1 to 64 letters, digits, `-` and `_`.
    """
    return given if _ALLOWED_ID.fullmatch(given) else f"{_PREFIX}{next(_NUMBERS):08x}"
