"""`emolens cite`: the citation of emolens, and methods paragraphs."""

from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.terminal import show
from emolens.jobs.cite import read_provenance
from emolens.reports.citation import citation_text
from emolens.reports.methods_text import by_authors, methods_text, references


def cite(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A table, page, JSON file, annotated image or recording that emolens wrote.",
            metavar="[FILE]",
        ),
    ] = None,
) -> None:
    """Print how to cite emolens, or a methods paragraph for a file that emolens wrote.

    The paragraph states only what the file records. A list below it names what authors must add.
    """
    if file is None:
        show(citation_text())
        return
    made = read_provenance(file)
    show([methods_text(made), "", "Authors must add:"])
    show(f"- {one}" for one in by_authors(made))
    show(["", "References:", *references(made)])
