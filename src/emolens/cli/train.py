"""`emolens train`: run a training recipe."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.options import QuietOption, SetOption
from emolens.cli.terminal import progress, say, show
from emolens.core.errors import ConfigError
from emolens.core.progress import say_nothing
from emolens.jobs.extras import require_training


def train(
    recipe: Annotated[Path, typer.Argument(help="A TOML recipe.", metavar="RECIPE.toml")],
    *,
    assignments: SetOption = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the run in this folder.", metavar="DIR")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; runs/NAME unless given.", metavar="DIR")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Train a model from a recipe, with a checkpoint after every epoch."""
    require_training("emolens train")
    from emolens.training.running import run_recipe  # noqa: PLC0415 (training is optional)

    if resume and out:
        raise ConfigError("--resume names the folder already; leave --out away")
    result = run_recipe(
        recipe,
        assignments or (),
        out=resume or out,
        is_resumed=resume is not None,
        is_shown=not quiet,
        progress=partial(progress, quiet=quiet),
        on_warning=say_nothing if quiet else say,
        on_end=say,
    )
    if result:
        show([result])
