"""The OpenAPI document of the application."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from emolens.server.access import is_open

_TEXT: Final = (
    "Apparent facial expressions in images, videos and live streams. Live streams use the "
    "WebSocket `/v1/stream`, which OpenAPI cannot describe: docs/server.md does."
)
_SCHEME: Final = "key"


def describe(app: FastAPI, *, needs_key: bool) -> None:
    """Let an application answer `/openapi.json` with its routes, and with keys if it needs them."""

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _document(app, needs_key=needs_key)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's way to change the document


def _document(app: FastAPI, *, needs_key: bool) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=_TEXT, routes=app.routes
    )
    if needs_key:
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes[_SCHEME] = {"type": "http", "scheme": "bearer"}
        for path, operations in document["paths"].items():
            for operation in () if is_open(path) else operations.values():
                operation["security"] = [{_SCHEME: []}]
    return document
