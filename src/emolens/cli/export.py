"""`emolens export`: turn a checkpoint into a model file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.extras import require_training
from emolens.cli.terminal import say
from emolens.core.errors import ConfigError


def export(
    checkpoint: Annotated[Path, typer.Argument(help="A .ckpt file of emolens train.")],
    out: Annotated[
        Path,
        typer.Argument(
            help="The model file to write; with the ending .ckpt, a checkpoint of a quarter of the "
            "size that other recipes can start from or have as a teacher.",
            metavar="OUT.onnx",
        ),
    ],
    *,
    others: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            help="Another .ckpt file; the model is the mean of all networks. May be repeated.",
            metavar="CHECKPOINT",
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Change what the recipe says of the finished model: name=mine, answer.votes=0.5.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="8-bit arithmetic: a smaller file, faster with VNNI.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Where the PublicTest faces are that the calibration and the manifest's figures "
            "come from; by default where the recipe says."
        ),
    ] = None,
) -> None:
    """Write a checkpoint as an ONNX file that carries its manifest and its own SHA-256."""
    require_training("emolens export")
    if out.suffix == ".ckpt":
        _export_small(checkpoint, out, assignments or (), has_others=bool(int8 or data or others))
        return
    from emolens.training.export import export_checkpoint  # noqa: PLC0415 (torch is optional)
    from emolens.training.landmarks.checkpoint import is_landmark_checkpoint  # noqa: PLC0415

    if is_landmark_checkpoint(checkpoint):
        _export_landmarks(checkpoint, out, has_options=bool(int8 or data or others or assignments))
        return
    exported = export_checkpoint(
        checkpoint,
        out,
        others=others or (),
        changes=assignments or (),
        validation=data,
        int8=int8,
    )
    say(
        f"wrote {out} ({exported.size_bytes / 1e6:.1f} MB, "
        f"accuracy {exported.manifest.metrics['accuracy']:.2%}, "
        f"temperature {exported.manifest.temperature:.3f}, largest difference "
        f"from torch {exported.parity:.1e} in a logit)"
    )


def _export_landmarks(checkpoint: Path, out: Path, *, has_options: bool) -> None:
    from emolens.training.landmarks.export import export_landmarks  # noqa: PLC0415

    if has_options:
        raise ConfigError(f"{checkpoint}: a model of landmarks is exported without options")
    exported = export_landmarks(checkpoint, out)
    say(
        f"wrote {out} ({exported.size_bytes / 1e6:.2f} MB, mean error of the landmarks "
        f"{exported.manifest.metrics['val_error']:.1%} of the distance between the eyes, largest "
        f"difference from torch {exported.parity:.1e} sides of the close-up)"
    )


def _export_small(
    checkpoint: Path, out: Path, assignments: Sequence[str], *, has_others: bool
) -> None:
    from emolens.training.checkpoint import save_small  # noqa: PLC0415 (torch is optional)

    if has_others:
        raise ConfigError(
            f"{out}: a checkpoint takes --set alone; the other options are for model files, which "
            "end in .onnx"
        )
    size_bytes = save_small(checkpoint, out, assignments)
    say(f"wrote {out} ({size_bytes / 1e6:.1f} MB); recipes name it as start or under [teacher]")
