"""The subcommands and exit codes of `emolens`."""

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
from emolens.cli.completion import words_to_complete
from emolens.cli.interruption import unwinding
from emolens.cli.terminal import PartialFailureError, echo_error, echo_own_warnings
from emolens.core.command_line import running
from emolens.core.errors import EmolensError
from emolens.core.libraries import explained, explaining_imports

EXIT_FAILED = 1
EXIT_SOME_INPUTS_FAILED = 2
# The argument parser exits with 2 on wrong usage; emolens documents 1.
_PARSER_USAGE_ERROR = 2

# Each command is a function in the module of its name; each group is an `app` there. The texts
# repeat the first line of the command's help.
COMMANDS: Final = {
    "demo": "Analyse a bundled image and clip; write annotated copies, data and a report.",
    "image": "Detect faces in images and classify their apparent expression.",
    "video": "Track faces in a video and classify their apparent expression.",
    "live": "Track faces on a camera and classify their apparent expression in real time.",
    "serve": "Serve image and video analysis over HTTP and WebSocket.",
    "crop": "Crop the faces in images as classifiers receive them, and write a table of them.",
    "train": "Train a model from a recipe and save a checkpoint after every epoch.",
    "evaluate": "Measure models: accuracy, per-class metrics, calibration, leaks, agreement with "
    "raters.",
    "explain": "Draw maps of each class for every face of an image.",
    "export": "Export a checkpoint as an ONNX file with its manifest and SHA-256.",
    "bench": "Measure throughput and the latency of each stage, from decoding to drawing.",
    "cite": "Print how to cite emolens, or a methods paragraph for a file that emolens wrote.",
    "completion": "Print the script that completes commands and options in a shell.",
    "doctor": "Report versions, the inference device, model files, and camera and video support.",
}
GROUPS: Final = {
    "data": "Inspect, audit and convert data sets.",
    "models": "List, verify, download and document models.",
    "recipes": "List and copy training recipes and the notebook.",
}
# The parser ignores everything after one of these.
_ENDING: Final = ("--version", "--help")


class _Program(TyperGroup):
    """A command group that handles Ctrl-C while a command runs."""

    def invoke(self, ctx: Any) -> Any:
        with unwinding():
            return super().invoke(ctx)


def build_app(arguments: Sequence[str]) -> typer.Typer:
    """Build the parser for a command line.

    Only the module of the requested command is imported. The other modules import large libraries,
    which take time to load and may be broken.

    Raises:
        BrokenLibraryError: A library of the requested command cannot be loaded.
    """
    app = typer.Typer(
        name="emolens",
        cls=_Program,
        help="Classify apparent facial expressions in images and video, on the CPU and offline.",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
        add_completion=False,
        epilog="Exit codes: 0 success, 1 failure or wrong usage, 2 some inputs failed.",
    )
    app.callback(invoke_without_command=True)(_root)
    words = itertools.takewhile(lambda word: word not in _ENDING, arguments)
    requested = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = getattr(_module_of(name), name) if name == requested else _not_loaded
        app.command(name, help=None if name == requested else summary)(command)
    for name, summary in GROUPS.items():
        if name == requested:
            app.add_typer(_module_of(name).app, name=name)
        else:
            app.command(name, help=summary)(_not_loaded)
    return app


def run_program(arguments: Sequence[str]) -> None:
    """Run a command line and exit with one of the documented exit codes."""
    for stream in (sys.stdout, sys.stderr):
        # Escape characters of file names that the stream cannot encode.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    echo_own_warnings()
    try:
        app = build_app(words_to_complete() or arguments)
        _resume_garbage_collection()
        with running(arguments):
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


def _resume_garbage_collection() -> None:
    """Enable garbage collection, except for the modules loaded so far (see `cli.main`)."""
    gc.freeze()
    gc.enable()


def _fail(error: EmolensError) -> None:
    echo_error(str(error))
    sys.exit(EXIT_FAILED)


def _root(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(f"emolens {emolens.__version__}")  # noqa: T201 (the requested output)
        raise typer.Exit


def _not_loaded() -> None:
    """Stand in for a command that is not requested."""
