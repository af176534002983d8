"""`emolens evaluate`: the figures of a model on labelled faces."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
import typer

from emolens import __version__
from emolens.classification import OnnxEmotionClassifier
from emolens.cli.evaluation_tables import show_cross, show_evaluation
from emolens.cli.extras import require_report
from emolens.cli.terminal import PartialFailureError, progress, say, say_error, write_json
from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError, InputError
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.loading import held_out_split
from emolens.datasets.reading import without_folder
from emolens.datasets.targets import Target
from emolens.evaluation.benchmark import Benchmark, evaluate_model
from emolens.evaluation.cross import Cell, CrossEvaluation, names_of
from emolens.evaluation.evaluation import Evaluation
from emolens.evaluation.leaks import Leaks
from emolens.explanation import ActivationExplainer
from emolens.imaging.bgr import as_bgr
from emolens.rendering.heatmap import draw_heat
from emolens.runtime.catalogue import DEFAULT_ALIAS, DEFAULT_EMOTION_MODEL, LABEL_MODEL
from emolens.storage.files import write_bytes
from emolens.storage.jsonl import STDOUT, to_line

if TYPE_CHECKING:
    from emolens.reports.evaluation_page import Gallery

METRICS, REPORT = "metrics.json", "report.html"
# Heat maps are drawn at twice the size of FER2013's faces.
_MAP_PX = 96


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
    by_default = LABEL_MODEL if target is Target.LABEL else DEFAULT_EMOTION_MODEL
    models = [by_default if name == DEFAULT_ALIAS else name for name in model or [DEFAULT_ALIAS]]
    run = _Run(
        split=Split.from_name(split) if split else None,
        target=target,
        tta=tta,
        training=training,
        looks_for_leaks=leaks,
        compare=compare,
        report=report,
        shows_faces=faces,
        quiet=quiet,
    )
    if len(models) == len(data) == 1:
        _evaluate_pair(run, data[0], models[0], json)
    else:
        _evaluate_all(run, data, models, json)


def _evaluate_pair(run: "_Run", source: Path, model: str, json: str | None) -> None:
    [cell] = run.measure(run.benchmark(source), [model])
    if json:
        write_json(json, cell.record)
    if run.report:
        run.write(run.report, cell)
    if json != STDOUT and not run.quiet:
        show_evaluation(cell)


def _evaluate_all(
    run: "_Run", data: Sequence[Path], models: Sequence[str], json: str | None
) -> None:
    if run.compare:
        raise InputError(
            "--compare is for one model on one source; to see several models, give --model for each"
        )
    cross = run.measure_all(data, models)
    if json:
        write_json(json, cross.to_dict())
    if run.report:
        run.write_all(run.report, cross)
    if json != STDOUT and not run.quiet:
        show_cross(cross)
    if len(cross.data) < len(data):
        raise PartialFailureError


@dataclass(frozen=True, slots=True)
class _Run:
    """What all pairs of a model and a source share."""

    split: Split | None
    target: Target
    tta: bool
    training: Path | None
    looks_for_leaks: bool
    compare: str | None
    report: Path | None
    shows_faces: bool
    quiet: bool

    def benchmark(self, source: Path) -> Benchmark:
        """What to measure on in a source."""
        split = self.split or held_out_split(source)
        if not self.looks_for_leaks:
            return Benchmark(source, split, None, self.target)
        return Benchmark.of(source, split, training=self.training, target=self.target)

    def measure_all(self, data: Sequence[Path], models: Sequence[str]) -> CrossEvaluation:
        """Every model on every source; a source that cannot be read is reported and left out."""
        columns = []
        for source, name in zip(data, names_of(data), strict=True):
            try:
                columns.append((name, self.measure(self.benchmark(source), models)))
            except DatasetError as error:
                say_error(str(error))
        if not columns:
            raise DatasetError("none of the sources could be read")
        return CrossEvaluation.of(columns)

    def measure(self, benchmark: Benchmark, models: Sequence[str]) -> list[Cell]:
        """Every model on one source, whose copies are looked for once."""
        shown = partial(progress, quiet=self.quiet)
        leaks = benchmark.leaks(shown)
        return [self._cell(benchmark, model, leaks) for model in models]

    def _cell(self, benchmark: Benchmark, model: str, leaks: Leaks) -> Cell:
        n_threads = os.cpu_count() or 1
        classifier = OnnxEmotionClassifier.load(model, n_threads=n_threads)
        rival = (
            OnnxEmotionClassifier.load(self.compare, n_threads=n_threads) if self.compare else None
        )
        evaluation = evaluate_model(
            classifier,
            benchmark,
            leaks=leaks,
            tta=self.tta,
            rival=rival,
            progress=partial(progress, quiet=self.quiet),
        )
        faces = benchmark.faces(classifier)
        remarks = without_folder(faces.remarks, benchmark.source)
        record: dict[str, object] = {
            "model": classifier.manifest.name,
            "model_sha256": classifier.model_sha256,
            "data_sha256": faces.sha256,
            "remarks": list(remarks),
            "split": benchmark.split,
            "target": self.target,
            "tta": self.tta,
            "rival_model": rival.manifest.name if rival else None,
            "rival_sha256": rival.model_sha256 if rival else None,
            **evaluation.to_dict(),
        }
        return Cell(model, benchmark, evaluation, record, remarks)

    def write(self, folder: Path, cell: Cell) -> None:
        """The figures and the page of one pair."""
        gallery = None
        if self.shows_faces:
            explainer = ActivationExplainer.load(cell.model)
            gallery = _gallery(
                cell.evaluation, explainer, cell.benchmark.load(explainer.input_spec.size_px)
            )
        write_bytes(folder / METRICS, to_line(cell.record).encode("ascii"))
        write_bytes(folder / REPORT, _page(cell, gallery).encode())
        if not self.quiet:
            say(f"wrote {folder / METRICS} and {folder / REPORT}")

    def write_all(self, folder: Path, cross: CrossEvaluation) -> None:
        """A page of each pair in a folder of its own, and one over all of them."""
        from emolens.reports.cross_page import (  # noqa: PLC0415 (plotting is optional)
            cross_page,
            folders_of,
        )

        for column, names in zip(cross.columns, folders_of(cross), strict=True):
            for cell, name in zip(column.cells, names, strict=True):
                self.write(folder / name, cell)
        write_bytes(folder / METRICS, to_line(cross.to_dict()).encode("ascii"))
        write_bytes(folder / REPORT, cross_page(cross, emolens_version=__version__).encode())
        if not self.quiet:
            say(f"wrote {folder / METRICS} and {folder / REPORT}")


def _page(cell: Cell, gallery: "Gallery | None") -> str:
    from emolens.reports.evaluation_page import Subject, write_report  # noqa: PLC0415 (optional)

    record, benchmark = cell.record, cell.benchmark
    subject = Subject(
        model=str(record["model"]),
        model_sha256=str(record["model_sha256"]),
        data=benchmark.source.name,
        data_sha256=str(record["data_sha256"]),
        split=benchmark.split,
        target=benchmark.target,
        training=benchmark.training.name if benchmark.training else None,
        tta=bool(record["tta"]),
        rival=cell.rival,
        emolens_version=__version__,
        remarks=cell.remarks,
    )
    return write_report(cell.evaluation, subject, gallery)


def _gallery(evaluation: Evaluation, explainer: ActivationExplainer, faces: FaceSet) -> "Gallery":
    """The surest mistakes, and where the model looked in these and in the surest hits."""
    from emolens.reports.evaluation_page import (  # noqa: PLC0415 (plotting is optional)
        Gallery,
        surest_rows,
        thumbnails,
    )

    hits, misses = (surest_rows(evaluation, hits=are_hits) for are_hits in (True, False))
    hit_maps, miss_maps = (
        thumbnails(evaluation, _maps(evaluation, explainer, faces, rows), rows)
        for rows in (hits, misses)
    )
    mistakes = thumbnails(evaluation, list(faces.images[misses]), misses)
    return Gallery(mistakes, hit_maps, miss_maps)


def _maps(
    evaluation: Evaluation,
    explainer: ActivationExplainer,
    faces: FaceSet,
    rows: npt.NDArray[np.int64],
) -> list[npt.NDArray[np.uint8]]:
    """Faces of some rows with a heat map of the class that was named, uint8 BGR."""
    images = faces.images[rows]
    named = evaluation.predictions.predicted[rows].tolist()
    return [
        draw_heat(as_bgr(image), maps.heat_map(Emotion(index), _MAP_PX), _MAP_PX)
        for image, maps, index in zip(images, explainer.explain(list(images)), named, strict=True)
    ]
