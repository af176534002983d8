"""`emolens evaluate`: the figures of a model on labelled faces."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.options import JsonOption, QuietOption
from emolens.cli.terminal import (
    PartialFailureError,
    progress,
    say,
    say_error,
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
            help="Labelled faces: any source of emolens data info. Given more than once, every "
            "model is measured on every source."
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Model name or .onnx file; may be given more than once.",
            show_default=f"{LABEL_MODEL} for labels, {DEFAULT_EMOTION_MODEL} for other targets",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="train, validation or test; by default the one held out."),
    ] = None,
    target: Annotated[
        Target,
        typer.Option(
            help="What is right: the label, or the majority of FER+'s raters (soft and multi: the "
            "first class of these targets)."
        ),
    ] = Target.LABEL,
    tta: Annotated[
        bool,
        typer.Option("--tta", help="Mean over ten views of each face (test-time augmentation)."),
    ] = False,
    training: Annotated[
        Path | None,
        typer.Option(
            help="Where the Training rows are that the model has seen, for leak-free figures; by "
            "default the data itself, if it has such rows."
        ),
    ] = None,
    leaks: Annotated[
        bool,
        typer.Option(
            help="Look for faces that stand in the training rows too. Takes long where these are "
            "many, and says nothing of a model that was trained on other data."
        ),
    ] = True,
    compare: Annotated[
        str | None, typer.Option(help="Another model to compare with on the same faces.")
    ] = None,
    json: JsonOption = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help=f"Write {METRICS} and {REPORT}, a page with plots, into this folder; with several "
            "models or sources also a folder with both for each pair."
        ),
    ] = None,
    faces: Annotated[
        bool,
        typer.Option(
            "--faces", help="Show faces in the report: mistakes, and maps of where it looked."
        ),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Measure a model: accuracy, per-class figures, calibration, leaks, agreement with raters."""
    if training and not leaks:
        raise InputError("--training is for the search for leaks; leave --no-leaks away")
    if faces and not report:
        raise InputError("--faces shows faces in a report; name its folder with --report")
    if report:
        require_report("emolens evaluate --report")
    models = [model_for(name, target) for name in model or [DEFAULT_ALIAS]]
    is_pair = len(models) == len(data) == 1
    if compare and not is_pair:
        raise InputError(
            "--compare is for one model on one source; to see several models, give --model for each"
        )
    job = EvaluationJob(
        split=Split.from_name(split) if split else None,
        target=target,
        tta=tta,
        training=training,
        has_leaks=leaks,
        compare=compare,
        shows_faces=faces,
        progress=partial(progress, quiet=quiet),
    )
    # One pair is shown by itself, others beside each other.
    cells = job.measure(data[0], models) if is_pair else []
    cross = None if is_pair else job.measure_all(data, models, say_error)
    if json:
        write_json(json, cross.to_dict() if cross else cells[0].record)
    if report:
        written = job.write_all(report, cross) if cross else [job.write(report, cells[0])]
        for metrics, page in written if not quiet else ():
            say(f"wrote {metrics} and {page}")
    if json != STDOUT and not quiet:
        show(cross_text(cross) if cross else evaluation_text(cells[0]))
    if cross and len(cross.data) < len(data):
        raise PartialFailureError
