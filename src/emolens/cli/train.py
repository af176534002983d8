"""`emolens train`: training from a recipe."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.options import QuietOption, SetOption, folder_named
from emolens.cli.terminal import echo, progress, show
from emolens.core.errors import ConfigError
from emolens.core.progress import say_nothing
from emolens.jobs.extras import require_training


def train(
    recipe: Annotated[Path, typer.Argument(help="TOML recipe.", metavar="RECIPE.toml")],
    *,
    assignments: SetOption = None,
    resume: Annotated[
        Path | None, typer.Option(help="Resume the run in this folder.", metavar="DIR")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Run folder. Default: runs/NAME.", metavar="DIR", callback=folder_named),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Train a model from a recipe and save a checkpoint after every epoch."""
    require_training("emolens train")
    from emolens.training.running import (  # noqa: PLC0415 (training is optional)
        RunListener,
        run_recipe,
    )

    if resume and out:
        raise ConfigError(
            "--out cannot be used with --resume, which sets the folder. Remove --out."
        )
    tell = say_nothing if quiet else echo
    result = run_recipe(
        recipe,
        assignments or (),
        out=resume or out,
        is_resumed=resume is not None,
        is_shown=not quiet,
        listener=RunListener(
            progress=partial(progress, quiet=quiet), on_warning=tell, on_epoch=tell, on_end=echo
        ),
    )
    if result:
        show([result])
