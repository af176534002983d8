"""`emolens train`: run a training recipe."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emolens.cli.extras import require_training
from emolens.cli.terminal import progress, say, stdout_console
from emolens.core.errors import ConfigError

if TYPE_CHECKING:
    from emolens.training.faces import TrainingFaces

_RUNS = Path("runs")


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
    from emolens.training.landmarks.recipe import KIND  # noqa: PLC0415 (torch is slow to load)
    from emolens.training.recipe_file import read_toml  # noqa: PLC0415

    if resume and out:
        raise ConfigError("--resume names the folder already; leave --out away")
    is_landmarks = read_toml(recipe, assignments or ()).get("kind") == KIND
    run = _train_landmarks if is_landmarks else _train_expressions
    run(recipe, assignments or (), out=resume or out, is_resumed=resume is not None, quiet=quiet)


def _train_expressions(
    path: Path, assignments: Sequence[str], *, out: Path | None, is_resumed: bool, quiet: bool
) -> None:
    from emolens.training.fit import fit  # noqa: PLC0415 (torch is optional and slow to load)
    from emolens.training.processes import is_main_process  # noqa: PLC0415
    from emolens.training.recipe_file import load_recipe  # noqa: PLC0415

    recipe = load_recipe(path, assignments)
    result = fit(
        recipe,
        out or _RUNS / recipe.name,
        resume=is_resumed,
        show_progress=not quiet,
        on_faces=_nothing if quiet else _tell_sources,
        on_teaching=lambda what, n_steps: progress(what, n_steps, quiet=quiet),
    )
    if not is_main_process():
        return
    stdout_console().print(f"validation accuracy [bold]{result.val_accuracy:.2%}[/]")
    _tell_next(result.best, recipe.name)


def _train_landmarks(
    path: Path, assignments: Sequence[str], *, out: Path | None, is_resumed: bool, quiet: bool
) -> None:
    from emolens.training.landmarks.fit import (  # noqa: PLC0415 (torch is optional)
        fit_landmarks,
        load_landmark_recipe,
    )

    recipe = load_landmark_recipe(path, assignments)
    result = fit_landmarks(
        recipe,
        out or _RUNS / recipe.name,
        resume=is_resumed,
        show_progress=not quiet,
        on_teaching=lambda what, n_pictures: progress(what, n_pictures, quiet=quiet),
    )
    stdout_console().print(
        f"mean error of the landmarks [bold]{result.val_error:.1%}[/] of the distance between the "
        "eyes, from one look at faces rolled by any angle"
    )
    _tell_next(result.best, recipe.name)


def _tell_next(best: Path, name: str) -> None:
    model = shlex.quote(f"{name}.onnx")
    say(f"wrote {best}; next: emolens export {shlex.quote(str(best))} {model}")


def _tell_sources(faces: "TrainingFaces") -> None:
    """Say of each source how many faces are used, and how many are not and why."""
    for source in faces.sources:
        parts = [
            f"{source.n_training:,} faces to learn from, {source.n_validation:,} to measure on"
        ]
        for what, counts in (("dropped", source.n_dropped), ("left out", source.n_left_out)):
            listed = ", ".join(f"{name} {n:,}" for name, n in counts.items() if n)
            if listed:
                parts.append(f"{what}: {listed}")
        if source.n_faults:
            parts.append(
                f"skipped, cannot be read: {source.n_faults:,}, such as {source.faults[0]}"
            )
        say(f"{source.name}: {'; '.join(parts)}")
        for remark in source.remarks:
            say(remark)


def _nothing(_faces: "TrainingFaces") -> None:
    """Say nothing."""
