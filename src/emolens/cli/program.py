"""The sub-commands of `emolens`, and what its exit codes mean."""

import gc
import io
import itertools
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

import emolens
from emolens.cli.interruption import unwinding
from emolens.cli.terminal import PartialFailureError, say_error, say_warnings_of_ours
from emolens.core.errors import EmolensError
from emolens.core.libraries import explained, explaining_imports

EXIT_FAILED = 1
EXIT_SOME_INPUTS_FAILED = 2
# The argument parser's own code for wrong usage, which is 1 in the contract.
_PARSER_USAGE_ERROR = 2

# Each in the module of its name; a group of commands has an `app` there, a command a function. The
# texts are the first lines of their own help.
COMMANDS: Final = {
    "demo": "Analyse a bundled image and a clip: annotated copies, data and a page with time "
    "lines.",
    "image": "Name the apparent expression of every face in images.",
    "video": "Follow every face of a video and name its apparent expression.",
    "live": "Follow every face of a camera and name its apparent expression while it looks.",
    "train": "Train a model from a recipe, with a checkpoint after every epoch.",
    "evaluate": "Measure a model: accuracy, per-class figures, calibration, leaks, agreement with "
    "raters.",
    "explain": "Show where in each face the evidence for a class lies.",
    "export": "Write a checkpoint as an ONNX file that carries its manifest and its own SHA-256.",
    "bench": "Measure frames a second and the time of each stage, from decoding to the drawn "
    "image.",
    "doctor": "Report versions, the device really used, model files, camera and video support.",
}
GROUPS: Final = {
    "data": "Look into data sets.",
    "models": "List, verify and fetch models.",
}
# After one of these the rest of a line does not count.
_ENDING: Final = ("--version", "--help")


class _Program(TyperGroup):
    """Commands that Ctrl-C stops in one line once they run."""

    def invoke(self, ctx: Any) -> Any:
        with unwinding():
            return super().invoke(ctx)


def build_app(arguments: Sequence[str]) -> typer.Typer:
    """The parser for a command line.

    Only the module of the command that is asked for is loaded: they bring large libraries along,
    which nobody should wait for in vain, and which may be broken where others are asked for.

    Raises:
        BrokenLibraryError: A library of that command cannot be loaded.
    """
    app = typer.Typer(
        name="emolens",
        cls=_Program,
        help="Apparent facial expressions from images and video, on a plain CPU, offline.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        epilog="Exit codes: 0 all well, 2 some inputs failed, 1 the command failed or was called "
        "wrongly.",
    )
    app.callback(invoke_without_command=True)(_root)
    words = itertools.takewhile(lambda word: word not in _ENDING, arguments)
    wanted = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = getattr(_module_of(name), name) if name == wanted else _not_loaded
        app.command(name, help=None if name == wanted else summary)(command)
    for name, summary in GROUPS.items():
        if name == wanted:
            app.add_typer(_module_of(name).app, name=name)
        else:
            app.command(name, help=summary)(_not_loaded)
    return app


def run_program(arguments: Sequence[str]) -> None:
    """Run a command line and leave with one of the contract's exit codes."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal or file that cannot show a character of a name gets it spelled out.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    say_warnings_of_ours()
    try:
        app = build_app(arguments)
        _begin_to_look_for_garbage()
        app()
    except PartialFailureError:
        sys.exit(EXIT_SOME_INPUTS_FAILED)
    except EmolensError as error:
        _fail(error)
    except ImportError as error:
        broken = explained(error)
        if broken is None:
            raise
        _fail(broken)
    except SystemExit as leaving:
        if leaving.code == _PARSER_USAGE_ERROR:
            sys.exit(EXIT_FAILED)
        raise


def _module_of(name: str) -> Any:
    with explaining_imports():
        return import_module(f"emolens.cli.{name}")


def _begin_to_look_for_garbage() -> None:
    """Look for garbage from now on, but not in the modules that are loaded (`cli.main`)."""
    gc.freeze()
    gc.enable()


def _fail(error: EmolensError) -> None:
    say_error(str(error))
    sys.exit(EXIT_FAILED)


def _root(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    if version:
        print(f"emolens {emolens.__version__}")  # noqa: T201 (what was asked for)
        raise typer.Exit


def _not_loaded() -> None:
    """Stands for a command that is not asked for."""
