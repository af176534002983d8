"""The `emolens` command: its sub-commands and what its exit codes mean."""

import io
import sys
from typing import Annotated

import typer

from emolens import __version__
from emolens.cli import (
    bench,
    data,
    demo,
    doctor,
    evaluate,
    explain,
    export,
    image,
    live,
    models,
    train,
    video,
)
from emolens.cli.terminal import PartialFailureError, say_error
from emolens.core.errors import EmolensError

EXIT_FAILED = 1
EXIT_SOME_INPUTS_FAILED = 2
# The argument parser's own code for wrong usage, which is 1 in the contract.
_PARSER_USAGE_ERROR = 2

app = typer.Typer(
    name="emolens",
    help="Apparent facial expressions from pictures and video, on a plain CPU, offline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    epilog="Exit codes: 0 all well, 2 some inputs failed, 1 the command failed or was called "
    "wrongly.",
)
app.command("demo")(demo.demo)
app.command("image")(image.image)
app.command("video")(video.video)
app.command("live")(live.live)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("explain")(explain.explain)
app.command("export")(export.export)
app.command("bench")(bench.bench)
app.command("doctor")(doctor.doctor)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")


@app.callback(invoke_without_command=True)
def _root(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version:
        print(f"emolens {__version__}")  # noqa: T201 (what was asked for)
        raise typer.Exit


def run() -> None:
    """Run the command line and leave with one of the contract's exit codes."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal or file that cannot show a character of a name gets it spelled out.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except PartialFailureError:
        sys.exit(EXIT_SOME_INPUTS_FAILED)
    except EmolensError as error:
        say_error(str(error))
        sys.exit(EXIT_FAILED)
    except SystemExit as leaving:
        if leaving.code == _PARSER_USAGE_ERROR:
            sys.exit(EXIT_FAILED)
        raise
