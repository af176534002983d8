"""`emolens train`: run a training recipe."""

from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.extras import require_training
from emolens.cli.terminal import say, stdout_console
from emolens.core.errors import ConfigError


def train(
    recipe: Annotated[Path, typer.Argument(help="A TOML recipe.", metavar="RECIPE.toml")],
    *,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Override a key: schedule.batch_size=64, phases.0.epochs=3.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the run in this folder.", metavar="DIR")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; runs/NAME unless given.", metavar="DIR")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train a model from a recipe, with a checkpoint after every epoch."""
    require_training("emolens train")
    from emolens.training.fit import fit  # noqa: PLC0415 (torch is optional and slow to load)
    from emolens.training.processes import is_main_process  # noqa: PLC0415
    from emolens.training.recipe_file import load_recipe  # noqa: PLC0415

    if resume and out:
        raise ConfigError("--resume names the folder already; leave --out away")
    resolved = load_recipe(recipe, assignments or ())
    run_dir = resume or out or Path("runs") / resolved.name
    result = fit(resolved, run_dir, resume=resume is not None, show_progress=not quiet)
    if not is_main_process():
        return
    stdout_console().print(f"validation accuracy [bold]{result.val_accuracy:.2%}[/]")
    say(f"wrote {result.best}; next: emolens export {result.best} {resolved.name}.onnx")
