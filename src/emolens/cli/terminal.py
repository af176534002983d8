"""Terminal output that all commands share: progress, tables, errors, printable paths."""

import contextlib
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from emolens.core.errors import RenamedModelWarning
from emolens.core.progress import silently
from emolens.reports.text import Block, TextTable, one_line, printable
from emolens.storage.files import write_bytes
from emolens.storage.jsonl import STDOUT, to_line

_FILE_WIDTH = 160
_STRONG = re.compile(r"\*\*(.+?)\*\*")


class PartialFailureError(Exception):
    """Some inputs failed and were reported; the others are complete."""


def stdout_console() -> Console:
    """Create a console for tables and results; a fixed width keeps redirected output complete."""
    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else _FILE_WIDTH)


def stderr_console() -> Console:
    """Create a console for progress, warnings and errors; standard output holds only data."""
    return Console(stderr=True, highlight=False, emoji=False)


def echo_error(message: str) -> None:
    """Print an error on standard error."""
    stderr_console().print(f"[bold red]error[/]: {escape(printable(message))}", soft_wrap=True)


def echo(message: str) -> None:
    """Print a warning or a message on standard error."""
    stderr_console().print(escape(printable(message)), soft_wrap=True)


def echo_own_warnings() -> None:
    """Print the warnings of emolens without their line of source code."""
    show = warnings.showwarning

    def showwarning(message: Warning | str, category: type[Warning], *where: Any) -> None:
        if issubclass(category, RenamedModelWarning):
            echo(f"warning: {message}")
        else:
            show(message, category, *where)

    warnings.showwarning = showwarning  # type: ignore[assignment]  # passed on as it comes
    warnings.simplefilter("once", RenamedModelWarning)


def show(blocks: Iterable[Block]) -> None:
    """Print sentences and tables on standard output."""
    console = stdout_console()
    for block in blocks:
        if isinstance(block, TextTable):
            console.print(_table(block))
        else:
            console.print(_STRONG.sub(r"[bold]\1[/]", escape(printable(block))), soft_wrap=True)


def _table(block: TextTable) -> Table:
    table = Table(
        box=None,
        pad_edge=False,
        header_style="bold",
        show_header=bool(block.headings),
        title=escape(one_line(block.title)) or None,
        title_justify="left",
        title_style="",
    )
    n_columns = len(block.headings) or max(map(len, block.rows), default=0)
    for column in range(n_columns):
        table.add_column(
            escape(one_line(block.headings[column])) if block.headings else "",
            justify="right" if column in block.right else "left",
            style="dim" if column in block.dim else "",
            overflow="fold",
            no_wrap=bool(block.folded) and column not in block.folded,
        )
    for number, row in enumerate(block.rows):
        texts = (escape(one_line(text)) for text in row)
        table.add_row(
            *(
                f"[bold]{text}[/]" if (number, column) in block.strong else text
                for column, text in enumerate(texts)
            )
        )
    return table


@contextlib.contextmanager
def progress(
    description: str, total: int | None, *, quiet: bool
) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error if it is an interactive terminal.

    Yields:
        A function that takes the number of completed steps.
    """
    console = stderr_console()
    if quiet or not console.is_terminal:
        with silently(description, total) as done:
            yield done
        return
    from rich.progress import (  # noqa: PLC0415 (slow to load and rarely needed)
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
        task = bar.add_task(description, total=total)
        yield lambda n_done: bar.update(task, completed=n_done)


def write_json(target: str, record: Mapping[str, object]) -> None:
    """Write one JSON object to a file, or to standard output for `-`."""
    line = to_line(record)
    if target == STDOUT:
        sys.stdout.write(line)
        sys.stdout.flush()
    else:
        write_bytes(target, line.encode("ascii"))
