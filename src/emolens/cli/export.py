"""`emolens export`: turn a checkpoint into a model file."""

from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.terminal import say
from emolens.jobs.extras import require_training


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
            help="Where the validation faces are that the calibration and the manifest's figures "
            "come from; by default where the recipe says."
        ),
    ] = None,
) -> None:
    """Write a checkpoint as an ONNX file that carries its manifest and its own SHA-256."""
    require_training("emolens export")
    from emolens.training.exporting import export_any  # noqa: PLC0415 (torch is optional)

    say(
        export_any(
            checkpoint,
            out,
            others=others or (),
            changes=assignments or (),
            validation=data,
            int8=int8,
        )
    )
