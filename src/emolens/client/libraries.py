"""The libraries of the extra `client`; the other modules import them from here."""

from emolens.core.errors import MissingExtraError

try:
    import httpx
    import websockets.asyncio.client as async_websockets
    import websockets.exceptions as websocket_errors
    import websockets.sync.client as sync_websockets
    from websockets.http11 import Response
except ModuleNotFoundError as error:
    package = str(error.name).partition(".")[0]
    raise MissingExtraError("emolens.client", "client", package) from None

__all__ = ["Response", "async_websockets", "httpx", "sync_websockets", "websocket_errors"]
