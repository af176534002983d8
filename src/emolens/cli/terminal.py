"""What all commands share on a terminal: progress, tables, errors, printable paths."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping

from rich.console import Console
from rich.markup import escape

from emolens.storage.files import write_bytes
from emolens.storage.jsonl import STDOUT, to_line

_FILE_WIDTH = 160


class PartialFailureError(Exception):
    """Some inputs failed and were reported; the others are done."""


def stdout_console() -> Console:
    """Where tables and answers go; wide enough to lose nothing where no person is looking."""
    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else _FILE_WIDTH)


def stderr_console() -> Console:
    """Where progress, remarks and errors go, so that standard output holds nothing but data."""
    return Console(stderr=True, highlight=False, emoji=False)


def say_error(message: str) -> None:
    """Print an error on standard error."""
    stderr_console().print(f"[bold red]error[/]: {escape(printable(message))}", soft_wrap=True)


def say(message: str) -> None:
    """Print a remark on standard error."""
    stderr_console().print(escape(printable(message)), soft_wrap=True)


def printable(text: str) -> str:
    """Text with control characters and undecodable bytes spelled out, safe for any terminal."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text.encode("utf-8", "backslashreplace").decode()
    )


def print_remarks(console: Console, remarks: Iterable[str]) -> None:
    """Print remarks on data below its tables, one a line."""
    for remark in remarks:
        console.print(escape(printable(remark)), soft_wrap=True)


def one_line(text: str) -> str:
    """`printable` text with line breaks spelled out too, for names in tables."""
    return printable(text).replace("\n", "\\n")


@contextlib.contextmanager
def progress(what: str, total: int | None, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error if a person is looking.

    Yields:
        A function that takes the number of steps done so far.
    """
    console = stderr_console()
    if quiet or not console.is_terminal:
        yield _show_nothing
        return
    from rich.progress import (  # noqa: PLC0415 (slow to load, and mostly nobody is looking)
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda n_done: bar.update(task, completed=n_done)


def _show_nothing(_n_done: int) -> None:
    """Stands for the bar where nobody is looking."""


def write_json(target: str, record: Mapping[str, object]) -> None:
    """Write one JSON object to a file, or to standard output for `-`."""
    line = to_line(record)
    if target == STDOUT:
        sys.stdout.write(line)
        sys.stdout.flush()
    else:
        write_bytes(target, line.encode("ascii"))
