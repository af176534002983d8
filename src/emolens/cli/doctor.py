"""`emolens doctor`: what is installed, what really runs, and whether it is sound."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from emolens.cli.terminal import PartialFailureError, say_error, stdout_console, write_json
from emolens.jobs.doctor import diagnose
from emolens.storage.jsonl import STDOUT


def doctor(
    json: Annotated[
        str | None, typer.Option(help="Write the findings here as JSON; - is stdout.")
    ] = None,
) -> None:
    """Report versions, the device really used, model files, camera and video support."""
    diagnosis = diagnose()
    if json:
        write_json(json, diagnosis.findings)
    if json != STDOUT:
        table = Table(box=None, show_header=False, pad_edge=False)
        for name, finding in diagnosis.findings.items():
            table.add_row(f"[bold]{escape(name)}[/]", escape(finding))
        stdout_console().print(table)
    for what in diagnosis.broken:
        say_error(str(what))
    if not diagnosis.is_sound:
        raise PartialFailureError
