"""`emolens recipes`: listing and copying of recipes and the notebook."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.terminal import echo, show
from emolens.jobs.recipes import copy_recipe, shipped_recipes
from emolens.reports.text import TextTable

app = typer.Typer(help="List and copy training recipes and the notebook.", no_args_is_help=True)


@app.command("list")
def list_recipes() -> None:
    """List the recipes with the data sets and files that they need.

    Time is that of one CPU core, on the published data sets or on 1,000 images of your own.
    """
    headings = ("name", "content", "needs", "time")
    rows = [(one.name, one.summary, one.needs, one.time) for one in shipped_recipes()]
    show([TextTable(headings, rows, folded=frozenset({1, 2}))])
    echo("Copy one with: emolens recipes copy NAME")


@app.command("copy")
def copy(
    name: Annotated[str, typer.Argument(help="Name from `emolens recipes list`.")],
    folder: Annotated[Path, typer.Argument(help="Output folder.", metavar="FOLDER")] = Path(),
) -> None:
    """Copy a recipe or the notebook to a folder, to change and run it.

    Checkpoints that a recipe starts from are copied too if emolens runs from a clone.
    """
    copied = copy_recipe(name, folder)
    for path in copied.written:
        echo(f"wrote {path}")
    if copied.advice:
        echo(copied.advice)
    recipe = shlex.quote(str(copied.written[0]))
    runs = "jupyter lab" if recipe.endswith(".ipynb") else "emolens train"
    echo(f"next: {runs} {recipe}")
