"""The `emolens` command: its sub-commands and what its exit codes mean."""

import io
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Final

import typer

from emolens import __version__
from emolens.cli.terminal import PartialFailureError, say_error
from emolens.core.errors import EmolensError

EXIT_FAILED = 1
EXIT_SOME_INPUTS_FAILED = 2
# The argument parser's own code for wrong usage, which is 1 in the contract.
_PARSER_USAGE_ERROR = 2

# Each in the module of its name; a group of commands has an `app` there, a command a function.
_COMMANDS: Final = (
    *("demo", "image", "video", "live", "train", "evaluate", "explain", "export", "bench"),
    "doctor",
)
_GROUPS: Final = ("data", "models")


def build_app(arguments: Sequence[str]) -> typer.Typer:
    """The parser for a command line.

    Only the module of the command that is asked for is loaded, or all of them where none is: they
    bring large libraries along, which nobody should wait for in vain.
    """
    app = typer.Typer(
        name="emolens",
        help="Apparent facial expressions from pictures and video, on a plain CPU, offline.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        epilog="Exit codes: 0 all well, 2 some inputs failed, 1 the command failed or was called "
        "wrongly.",
    )
    app.callback(invoke_without_command=True)(_root)
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    names: tuple[str, ...] = (*_COMMANDS, *_GROUPS)
    if wanted in names:
        names = (wanted,)
    elif wanted is None and "--version" in arguments:
        names = ("models",)
    for name in names:
        module = import_module(f"emolens.cli.{name}")
        if name in _GROUPS:
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name))
    return app


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
        build_app(sys.argv[1:])()
    except PartialFailureError:
        sys.exit(EXIT_SOME_INPUTS_FAILED)
    except EmolensError as error:
        say_error(str(error))
        sys.exit(EXIT_FAILED)
    except SystemExit as leaving:
        if leaving.code == _PARSER_USAGE_ERROR:
            sys.exit(EXIT_FAILED)
        raise
