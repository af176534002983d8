"""Training of any recipe file, for expressions or landmarks."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emolens.core.progress import Progress
from emolens.training.landmarks.recipe import KIND
from emolens.training.recipe_file import load_recipe, read_toml

if TYPE_CHECKING:
    from emolens.training.faces import TrainingFaces

_RUNS: Final = Path("runs")


@dataclass(frozen=True, slots=True)
class RunListener:
    """The receiver of the progress and the messages of a run.

    Attributes:
        progress: Progress of the teachers' predictions.
        on_warning: Called with sentences about the faces of each source.
        on_epoch: Called with one line per epoch, without a progress bar.
        on_end: Called with the path of the checkpoint and the next command.
    """

    progress: Progress
    on_warning: Callable[[str], None]
    on_epoch: Callable[[str], None]
    on_end: Callable[[str], None]


def run_recipe(
    path: Path,
    assignments: Sequence[str] = (),
    *,
    out: Path | None = None,
    is_resumed: bool = False,
    is_shown: bool = True,
    listener: RunListener,
) -> str:
    """Train a recipe, with a checkpoint after every epoch.

    Args:
        path: The recipe.
        assignments: Overrides, such as `"schedule.batch_size=64"`.
        out: Folder of the run; by default `runs/NAME`.
        is_resumed: Whether to resume the run in that folder.
        is_shown: Whether to show a progress bar of each epoch, in a terminal.
        listener: Receives progress and messages.

    Returns:
        The main metric, with `**` around its value; empty in all processes but the first.

    Raises:
        ConfigError: The recipe is wrong, or differs from that of the resumed run.
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
        listener=listener,
    )


def _train_expressions(
    path: Path,
    assignments: Sequence[str],
    *,
    out: Path | None,
    is_resumed: bool,
    is_shown: bool,
    listener: RunListener,
) -> str:
    from emolens.training.fit import fit  # noqa: PLC0415 (torch is slow to load)
    from emolens.training.processes import is_main_process  # noqa: PLC0415 (torch is slow to load)

    recipe = load_recipe(path, assignments)

    def warn(faces: "TrainingFaces") -> None:
        for sentence in source_sentences(faces):
            listener.on_warning(sentence)

    result = fit(
        recipe,
        out or _RUNS / recipe.name,
        resume=is_resumed,
        show_progress=is_shown,
        on_faces=warn,
        on_teaching=listener.progress,
        on_epoch=listener.on_epoch,
    )
    if not is_main_process():
        return ""
    listener.on_end(_next_step(result.best, recipe.name))
    return f"validation accuracy **{result.val_accuracy:.2%}**"


def _train_landmarks(
    path: Path,
    assignments: Sequence[str],
    *,
    out: Path | None,
    is_resumed: bool,
    is_shown: bool,
    listener: RunListener,
) -> str:
    from emolens.training.landmarks.fit import (  # noqa: PLC0415 (torch is slow to load)
        fit_landmarks,
        load_landmark_recipe,
    )

    recipe = load_landmark_recipe(path, assignments)
    result = fit_landmarks(
        recipe,
        out or _RUNS / recipe.name,
        resume=is_resumed,
        show_progress=is_shown,
        on_teaching=listener.progress,
        on_epoch=listener.on_epoch,
    )
    listener.on_end(_next_step(result.best, recipe.name))
    return (
        f"mean landmark error **{result.val_error:.1%}** of the distance between the eyes, on "
        "close-ups rolled by any angle"
    )


def _next_step(best: Path, name: str) -> str:
    quoted = shlex.quote(str(best)), shlex.quote(name)
    return f"wrote {best}; next: emolens export {quoted[0]} {quoted[1]}.onnx"


def source_sentences(faces: "TrainingFaces") -> Iterator[str]:
    """Describe the used, dropped and skipped faces of each source."""
    for source in faces.sources:
        parts = [f"{source.n_training:,} training and {source.n_validation:,} validation faces"]
        for reason, counts in (("dropped", source.n_dropped), ("left out", source.n_left_out)):
            listed = ", ".join(f"{name} {n:,}" for name, n in counts.items() if n)
            if listed:
                parts.append(f"{reason}: {listed}")
        if source.n_damaged:
            parts.append(f"damaged: {source.n_damaged:,}, such as {source.damaged[0]}")
        yield f"{source.name}: {'; '.join(parts)}"
        yield from source.warnings
