"""The running server: its socket, its signals and its stop."""

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from emolens.core.errors import ConfigError
from emolens.server.app import build_app
from emolens.server.connections import ClosingConnections, protocols_of
from emolens.server.full_queues import FullQueues
from emolens.server.logs import configure_logs
from emolens.server.services import Services, build_services
from emolens.server.settings import Limits, ServerSettings

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_TICKS_PER_SWEEP = 10
# Streams end before uvicorn closes their connections.
_STREAMS_STOP_S = 2.0


def serve(
    settings: ServerSettings,
    *,
    log_requests: bool = True,
    on_listening: Callable[[str], object] = lambda _address: None,
) -> None:
    """Run the server until Ctrl-C or SIGTERM.

    On the signal, `/readyz` answers 503 at once, requests that have begun are answered, and the
    function returns.

    Args:
        settings: Settings of the server.
        log_requests: Whether each request is logged on standard error.
        on_listening: Called with the address when the server listens.

    Raises:
        ConfigError: The address cannot be used.
        ModelError: A model cannot be loaded.
    """
    listener = _listen(settings.host, settings.port)
    with listener:
        services = build_services(settings)
        configure_logs(requests=log_requests)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        server = _Server(services)
        # Whoever reads the address may send a signal at once.
        with server.capture_signals():
            on_listening(f"http://{host}:{listener.getsockname()[1]}")
            server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """A uvicorn server that ends its streams and exits with code 0 after a signal."""

    def __init__(self, services: Services) -> None:
        super().__init__(_config_of(services))
        self._services = services
        self._closing = ClosingConnections(services.limits.stall_s)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop to be ready at once, and then stop."""
        self._services.is_stopping = True
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on signals inside the block; unlike uvicorn's, without raising them again."""
        previous = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    async def on_tick(self, counter: int) -> bool:
        """Cut off connections that are closing for too long."""
        if counter % _TICKS_PER_SWEEP == 0:
            self._closing.sweep(self.server_state.connections)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer the frames in flight, then stop."""
        await self._services.streams.finish(_STREAMS_STOP_S)
        await super().shutdown(sockets)


def _config_of(services: Services) -> uvicorn.Config:
    limits: Limits = services.limits
    http, websocket = protocols_of(limits, FullQueues(services.workers, services.metrics))
    return uvicorn.Config(
        build_app(services),
        http=http,
        ws=websocket,
        ws_max_size=limits.frame_bytes,
        # A stream that sends frames needs no pings; one that sends none is closed.
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        timeout_keep_alive=round(limits.idle_s),
        timeout_graceful_shutdown=round(limits.stop_s),
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="on",
        # Proxies are not trusted: addresses of clients are neither logged nor used.
        proxy_headers=False,
    )


def _listen(host: str, port: int) -> socket.socket:
    """Open the socket.

    Raises:
        ConfigError: The address is unknown or in use.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except (OSError, UnicodeError) as error:  # UnicodeError: it cannot be a host name
        raise ConfigError(
            f"cannot listen on {host}, port {port}: {_reason(error)}. Choose another port with "
            "--port, or another address with --host."
        ) from error


def _reason(error: OSError | UnicodeError) -> str:
    """Return the system's message; Python adds the address, which the error names already."""
    if isinstance(error, UnicodeError | socket.gaierror) or error.errno is None:
        return str(getattr(error, "strerror", None) or error)
    return os.strerror(error.errno)
