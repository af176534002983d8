"""A recipe file from start to end, whatever it trains."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emolens.core.progress import Progress
from emolens.training.landmarks.recipe import KIND
from emolens.training.recipe_file import load_recipe, read_toml

if TYPE_CHECKING:
    from emolens.training.faces import TrainingFaces

_RUNS: Final = Path("runs")


def run_recipe(
    path: Path,
    assignments: Sequence[str] = (),
    *,
    out: Path | None = None,
    is_resumed: bool = False,
    is_shown: bool = True,
    progress: Progress,
    on_warning: Callable[[str], None],
    on_end: Callable[[str], None],
) -> str:
    """Train what a recipe says, with a checkpoint after every epoch.

    Args:
        path: The recipe.
        assignments: Keys to override, such as `"schedule.batch_size=64"`.
        out: Folder of the run; `runs/NAME` unless given.
        is_resumed: Whether to go on with the run in that folder.
        is_shown: Whether a bar shows how far an epoch is.
        progress: Shows how far teachers are asked.
        on_warning: Told what becomes of the faces of each source.
        on_end: Told what was written, and what can be done with it.

    Returns:
        What came out, with `**` around what matters most; empty in a process that is not the first
        of several.

    Raises:
        ConfigError: The recipe is wrong, or does not fit the run that is to go on.
        DatasetError: A source cannot be read.
    """
    is_landmarks = read_toml(path, assignments).get("kind") == KIND
    run = _train_landmarks if is_landmarks else _train_expressions
    return run(
        path,
        assignments,
        out=out,
        is_resumed=is_resumed,
        is_shown=is_shown,
        progress=progress,
        on_warning=on_warning,
        on_end=on_end,
    )


def _train_expressions(
    path: Path,
    assignments: Sequence[str],
    *,
    out: Path | None,
    is_resumed: bool,
    is_shown: bool,
    progress: Progress,
    on_warning: Callable[[str], None],
    on_end: Callable[[str], None],
) -> str:
    from emolens.training.fit import fit  # noqa: PLC0415 (torch is slow to load)
    from emolens.training.processes import is_main_process  # noqa: PLC0415

    recipe = load_recipe(path, assignments)

    def tell(faces: "TrainingFaces") -> None:
        for sentence in source_sentences(faces):
            on_warning(sentence)

    result = fit(
        recipe,
        out or _RUNS / recipe.name,
        resume=is_resumed,
        show_progress=is_shown,
        on_faces=tell,
        on_teaching=progress,
    )
    if not is_main_process():
        return ""
    on_end(_next_step(result.best, recipe.name))
    return f"validation accuracy **{result.val_accuracy:.2%}**"


def _train_landmarks(
    path: Path,
    assignments: Sequence[str],
    *,
    out: Path | None,
    is_resumed: bool,
    is_shown: bool,
    progress: Progress,
    on_warning: Callable[[str], None],
    on_end: Callable[[str], None],
) -> str:
    from emolens.training.landmarks.fit import (  # noqa: PLC0415 (torch is slow to load)
        fit_landmarks,
        load_landmark_recipe,
    )

    del on_warning  # Its images are used as they are.
    recipe = load_landmark_recipe(path, assignments)
    result = fit_landmarks(
        recipe,
        out or _RUNS / recipe.name,
        resume=is_resumed,
        show_progress=is_shown,
        on_teaching=progress,
    )
    on_end(_next_step(result.best, recipe.name))
    return (
        f"mean error of the landmarks **{result.val_error:.1%}** of the distance between the eyes, "
        "from one look at faces rolled by any angle"
    )


def _next_step(best: Path, name: str) -> str:
    model = shlex.quote(f"{name}.onnx")
    return f"wrote {best}; next: emolens export {shlex.quote(str(best))} {model}"


def source_sentences(faces: "TrainingFaces") -> Iterator[str]:
    """Of each source how many faces are used, and how many are not and why."""
    for source in faces.sources:
        parts = [
            f"{source.n_training:,} faces to learn from, {source.n_validation:,} to measure on"
        ]
        for what, counts in (("dropped", source.n_dropped), ("left out", source.n_left_out)):
            listed = ", ".join(f"{name} {n:,}" for name, n in counts.items() if n)
            if listed:
                parts.append(f"{what}: {listed}")
        if source.n_damaged:
            parts.append(
                f"skipped, cannot be read: {source.n_damaged:,}, such as {source.damaged[0]}"
            )
        yield f"{source.name}: {'; '.join(parts)}"
        yield from source.warnings
