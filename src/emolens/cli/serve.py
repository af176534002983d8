"""`emolens serve`: the REST and WebSocket server."""

from pathlib import Path
from typing import Annotated

import typer

from emolens.cli import options
from emolens.cli.loading import loading
from emolens.cli.terminal import echo


def serve(  # noqa: PLR0913 (one option each)
    *,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on. One that other computers can reach requires keys."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 chooses a free one.", min=0, max=65535)] = 8000,
    keys: Annotated[
        Path | None,
        typer.Option(
            help="File with the keys of clients. The variable EMOLENS_KEY may hold one more.",
            metavar="FILE",
        ),
    ] = None,
    new_key: Annotated[
        str | None,
        typer.Option(
            help="Create a key with this name, add it to the file of --keys, print it and exit.",
            metavar="NAME",
        ),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Address of a site whose pages may use the server, such as https://faces.example. "
            "Repeatable.",
            metavar="URL",
        ),
    ] = None,
    model: options.ModelOption = "default",
    detector: options.DetectorOption = options.DEFAULT_DETECTOR,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Threads that analyse. Default: one per core.", min=1, show_default=False
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Log warnings and errors only, no requests.")
    ] = False,
) -> None:
    """Serve image and video analysis over HTTP and WebSocket.

    Listens on this computer only, unless --host is given. Stores nothing, except videos until
    they are analysed, and their results for an hour. Ctrl-C answers the requests that have begun,
    and stops.
    """
    with loading():
        from emolens.jobs.extras import require_server

        require_server("emolens serve")
        from emolens.server.keys import add_key, read_keys

    if new_key is not None:
        if keys is None:
            raise typer.BadParameter("--new-key needs --keys FILE")
        print(add_key(keys, new_key))  # noqa: T201 (the requested output)
        return
    with loading():
        from emolens.server.run import serve as run
        from emolens.server.settings import ServerSettings

    settings = ServerSettings(
        host=host,
        port=port,
        origins=tuple(origin or ()),
        keys=read_keys(keys),
        model=model,
        detector=detector,
        n_workers=workers,
    )
    run(
        settings,
        log_requests=not quiet,
        on_listening=lambda address: echo(f"emolens listens on {address} (Ctrl-C stops it)"),
    )
