"""`emolens evaluate`: metrics of models on labelled faces."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli import options
from emolens.cli.options import JsonOption, QuietOption, folder_named
from emolens.cli.terminal import (
    PartialFailureError,
    echo,
    echo_error,
    progress,
    show,
    write_json,
)
from emolens.core.errors import InputError
from emolens.datasets.faces import Split
from emolens.datasets.targets import Target
from emolens.jobs.evaluate import METRICS, REPORT, EvaluationJob, model_for
from emolens.jobs.extras import require_report
from emolens.reports.evaluation_text import cross_text, evaluation_text
from emolens.runtime.catalogue import DEFAULT_ALIAS, DEFAULT_EMOTION_MODEL, LABEL_MODEL
from emolens.storage.jsonl import STDOUT


def evaluate(  # noqa: PLR0913 (one parameter an option)
    *,
    data: Annotated[
        list[Path],
        typer.Option(
            help="Labelled faces in any format that emolens data info reads. Repeat the option to "
            "measure every model on every source."
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            *options.MODEL,
            help="Model name or .onnx file. Repeat the option to measure several models.",
            show_default=f"{LABEL_MODEL} for labels, {DEFAULT_EMOTION_MODEL} for other targets",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Split: train, validation or test. Default: the held-out split."),
    ] = None,
    target: Annotated[
        Target,
        typer.Option(
            help="Ground truth: the label, or the majority vote of the FER+ raters (soft and "
            "multi: the first class of these targets)."
        ),
    ] = Target.LABEL,
    tta: Annotated[
        bool,
        typer.Option(
            "--tta",
            help="Average predictions over ten views of each face (test-time augmentation).",
        ),
    ] = False,
    training: Annotated[
        Path | None,
        typer.Option(
            help="Data set with the training rows of the model, for metrics without leaks. "
            "Default: the training rows of --data, if any."
        ),
    ] = None,
    leaks: Annotated[
        bool,
        typer.Option(
            help="Detect faces that also occur in the training rows. Slow with many training rows, "
            "and of no use for a model trained on other data."
        ),
    ] = True,
    compare: Annotated[
        str | None, typer.Option(help="Second model to compare on the same faces.")
    ] = None,
    detect: Annotated[
        bool,
        typer.Option(
            "--detect",
            help="Detect the faces and evaluate the largest one of each image, for whole "
            "photographs. Default: every image is a face crop.",
        ),
    ] = False,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Also measure by group: a column of the CSV or Parquet file, or of groups.csv "
            "(path,COLUMN) beside class folders.",
        ),
    ] = None,
    json: JsonOption = None,
    report: Annotated[
        Path | None,
        typer.Option(
            *options.REPORT,
            help=f"Write {METRICS} and {REPORT}, a page with plots, to this folder. With several "
            "models or sources, also write both files for each pair to a subfolder.",
            callback=folder_named,
        ),
    ] = None,
    faces: Annotated[
        bool,
        typer.Option("--faces", help="Show faces in the report: mistakes and heat maps."),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Measure models: accuracy, per-class metrics, calibration, leaks, agreement with raters."""
    if training and not leaks:
        raise InputError("--training has no effect with --no-leaks. Remove one of the two.")
    if faces and not report:
        raise InputError("--faces requires a report. Add --report DIR.")
    if report:
        require_report("emolens evaluate --report")
    models = [model_for(name, target) for name in model or [DEFAULT_ALIAS]]
    is_pair = len(models) == len(data) == 1
    if compare and not is_pair:
        raise InputError(
            "--compare requires one model and one source. Repeat --model to measure several models."
        )
    job = EvaluationJob(
        split=Split.from_name(split) if split else None,
        target=target,
        tta=tta,
        training=training,
        has_leaks=leaks,
        compare=compare,
        detect=detect,
        group=group,
        shows_faces=faces,
        progress=partial(progress, quiet=quiet),
    )
    # A single pair has its own report; several pairs share a table.
    cells = job.measure(data[0], models) if is_pair else []
    cross = None if is_pair else job.measure_all(data, models, echo_error)
    if json:
        write_json(json, job.record_of(cross) if cross else cells[0].record)
    if report:
        written = job.write_all(report, cross) if cross else [job.write(report, cells[0])]
        for metrics, page in written if not quiet else ():
            echo(f"wrote {metrics} and {page}")
    if json != STDOUT and not quiet:
        show(cross_text(cross) if cross else evaluation_text(cells[0]))
    if cross and len(cross.data) < len(data):
        raise PartialFailureError
