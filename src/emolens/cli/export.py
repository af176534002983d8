"""`emolens export`: turn a checkpoint into a model file."""

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
            help="The model file to write; with the ending .ckpt, a checkpoint of half the size "
            "that other recipes can start from or have as a teacher.",
            metavar="OUT.onnx",
        ),
    ],
    *,
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
        _export_small(checkpoint, out, has_options=int8 or data is not None)
        return
    from emolens.training.export import export_checkpoint  # noqa: PLC0415 (torch is optional)
    from emolens.training.landmarks.checkpoint import is_landmark_checkpoint  # noqa: PLC0415

    if is_landmark_checkpoint(checkpoint):
        _export_landmarks(checkpoint, out, has_options=int8 or data is not None)
        return
    exported = export_checkpoint(checkpoint, out, validation=data, int8=int8)
    say(
        f"wrote {out} ({exported.size_bytes / 1e6:.1f} MB, "
        f"accuracy {exported.manifest.metrics['accuracy']:.2%}, "
        f"temperature {exported.manifest.temperature:.3f}, largest difference "
        f"from torch {exported.parity:.1e} in a logit)"
    )


def _export_landmarks(checkpoint: Path, out: Path, *, has_options: bool) -> None:
    from emolens.training.landmarks.export import export_landmarks  # noqa: PLC0415

    if has_options:
        raise ConfigError(f"{checkpoint}: --int8 and --data are for models of expressions")
    exported = export_landmarks(checkpoint, out)
    say(
        f"wrote {out} ({exported.size_bytes / 1e6:.2f} MB, mean error of the landmarks "
        f"{exported.manifest.metrics['val_error']:.1%} of the distance between the eyes, largest "
        f"difference from torch {exported.parity:.1e} sides of the close-up)"
    )


def _export_small(checkpoint: Path, out: Path, *, has_options: bool) -> None:
    from emolens.training.checkpoint import save_small  # noqa: PLC0415 (torch is optional)

    if has_options:
        raise ConfigError(f"{out}: --int8 and --data are for model files, which end in .onnx")
    size_bytes = save_small(checkpoint, out)
    say(f"wrote {out} ({size_bytes / 1e6:.1f} MB); recipes name it as start or under [teacher]")
