"""Declarations for the OpenAPI document that several routes share."""

from collections.abc import Mapping
from typing import Any, Final

from emolens.contract.server import ErrorAnswer
from emolens.server.media_types import ANY_TYPE, IMAGE_TYPES

PNG_TYPE: Final = "image/png"
MULTIPART_TYPE: Final = "multipart/form-data"
BINARY: Final[Mapping[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
"""The content of a file."""
_ERRORS: Final[Mapping[int, str]] = {
    401: "The key is missing or unknown. Send the header `Authorization: Bearer KEY`.",
    403: "The server does not allow requests from this web page, or for this host name.",
    404: "There is nothing at this address.",
    408: "The body of the request arrives too slowly.",
    413: "The body has too many bytes, or the image or video too many pixels.",
    415: "The format is not supported, or differs from the declared media type.",
    422: "A parameter is out of range, or the file is empty or damaged.",
    500: "The server failed. Its log has the cause.",
    503: "The server is busy or stopping. Try again after `Retry-After` seconds.",
}
_RETRY_AFTER: Final[Mapping[str, Any]] = {
    "description": "Seconds after which a retry may succeed.",
    "schema": {"type": "integer", "minimum": 1},
}
_IMAGE_CONTENT: Final[Mapping[str, Any]] = dict.fromkeys((*IMAGE_TYPES, ANY_TYPE), BINARY)
_FORM: Final[Mapping[str, Any]] = {
    "schema": {
        "type": "object",
        "required": ["images"],
        "properties": {
            "images": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "format": "binary"},
                "description": "Image files, each with a file name.",
            }
        },
    }
}

IMAGE: Final[Mapping[str, Any]] = {
    "description": "The bytes of an image file. The media type is that of the image, or "
    f"`{ANY_TYPE}`.",
    "required": True,
    "content": _IMAGE_CONTENT,
}
"""The declaration of a body that is one image."""
IMAGE_OR_IMAGES: Final[Mapping[str, Any]] = {
    "description": f"{IMAGE['description']} Or a form with several image files.",
    "required": True,
    "content": {**_IMAGE_CONTENT, MULTIPART_TYPE: _FORM},
}
"""The declaration of a body that is one image, or a form with several."""


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the declarations of the answers to requests that fail.

    Args:
        statuses: HTTP statuses in addition to 500, which every route may answer.
    """
    return {status: _error_response(status) for status in sorted({*statuses, 500})}


def _error_response(status: int) -> dict[str, Any]:
    declared: dict[str, Any] = {"model": ErrorAnswer, "description": _ERRORS[status]}
    if status == 503:
        declared["headers"] = {"Retry-After": _RETRY_AFTER}
    return declared
