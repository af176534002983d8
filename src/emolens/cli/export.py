"""`emolens export`: conversion of a checkpoint to a model file."""

from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.options import file_named
from emolens.cli.terminal import echo
from emolens.jobs.extras import require_training
from emolens.storage.names import CHECKPOINT_SUFFIXES, MODEL_SUFFIXES


def export(
    checkpoint: Annotated[Path, typer.Argument(help="A .ckpt file from emolens train.")],
    out: Annotated[
        Path,
        typer.Argument(
            help="Model file to write. With the suffix .ckpt: a checkpoint of a quarter of the "
            "size, for recipes that start from it or use it as a teacher.",
            metavar="OUT.onnx",
            callback=file_named((*MODEL_SUFFIXES, *CHECKPOINT_SUFFIXES)),
        ),
    ],
    *,
    others: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            help="Another .ckpt file. The exported model is the mean of all networks. Repeatable.",
            metavar="CHECKPOINT",
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Override a setting of the exported model: name=mine, answer.votes=0.5.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    int8: Annotated[
        bool,
        typer.Option("--int8", help="Quantise to 8 bits: a smaller file, faster with VNNI."),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Data set with the validation faces, for the calibration and the metrics of the "
            "manifest. Default: the data set of the recipe."
        ),
    ] = None,
) -> None:
    """Export a checkpoint as an ONNX file with its manifest and SHA-256."""
    require_training("emolens export")
    from emolens.training.exporting import export_any  # noqa: PLC0415 (torch is optional)

    echo(
        export_any(
            checkpoint,
            out,
            others=others or (),
            changes=assignments or (),
            validation=data,
            int8=int8,
        )
    )
