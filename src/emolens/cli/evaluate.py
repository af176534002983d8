"""`emolens evaluate`: the figures of a model on labelled faces."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.evaluation_tables import show_cross, show_evaluation
from emolens.cli.extras import require_report
from emolens.cli.terminal import PartialFailureError, progress, say, say_error, write_json
from emolens.core.errors import InputError
from emolens.datasets.faces import Split
from emolens.datasets.targets import Target
from emolens.jobs.evaluate import METRICS, REPORT, EvaluationJob, model_for
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
        typer.Option(help="Training, PublicTest or PrivateTest; by default the one held out."),
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
    json: Annotated[
        str | None, typer.Option(help="Write all figures here as JSON; - is stdout.")
    ] = None,
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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table, no progress.")] = False,
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
    if is_pair:
        _evaluate_pair(job, data[0], models[0], json, report, quiet=quiet)
    else:
        _evaluate_all(job, data, models, json, report, quiet=quiet)


def _evaluate_pair(
    job: EvaluationJob,
    source: Path,
    model: str,
    json: str | None,
    report: Path | None,
    *,
    quiet: bool,
) -> None:
    [cell] = job.measure(source, [model])
    if json:
        write_json(json, cell.record)
    if report:
        _say_written([job.write(report, cell)], quiet=quiet)
    if json != STDOUT and not quiet:
        show_evaluation(cell)


def _evaluate_all(
    job: EvaluationJob,
    data: Sequence[Path],
    models: Sequence[str],
    json: str | None,
    report: Path | None,
    *,
    quiet: bool,
) -> None:
    cross = job.measure_all(data, models, say_error)
    if json:
        write_json(json, cross.to_dict())
    if report:
        _say_written(job.write_all(report, cross), quiet=quiet)
    if json != STDOUT and not quiet:
        show_cross(cross)
    if len(cross.data) < len(data):
        raise PartialFailureError


def _say_written(written: Iterable[tuple[Path, Path]], *, quiet: bool) -> None:
    for metrics, page in written if not quiet else ():
        say(f"wrote {metrics} and {page}")
