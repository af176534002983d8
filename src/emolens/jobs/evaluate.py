"""Models measured on labelled faces: one pair, or every model on every source."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from emolens import __version__
from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.core.progress import Progress, silently
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.reading import without_folder
from emolens.datasets.targets import Target
from emolens.evaluation.benchmark import evaluate_model, read_benchmark
from emolens.evaluation.cross import Cell, CrossEvaluation, names_of
from emolens.evaluation.evaluation import Evaluation
from emolens.explanation import ActivationExplainer
from emolens.imaging.bgr import as_bgr
from emolens.pipeline.models import Models
from emolens.rendering.heatmap import draw_heat
from emolens.runtime.catalogue import DEFAULT_ALIAS, DEFAULT_EMOTION_MODEL, LABEL_MODEL
from emolens.storage.files import write_bytes
from emolens.storage.jsonl import to_line

if TYPE_CHECKING:
    from emolens.reports.evaluation_page import Gallery

METRICS: Final = "metrics.json"
REPORT: Final = "report.html"
# Heat maps are drawn at twice the size of FER2013's faces.
_MAP_PX: Final = 96


def model_for(name: str, target: Target) -> str:
    """The model meant by a name: the default one is another for labels than for other targets."""
    if name != DEFAULT_ALIAS:
        return name
    return LABEL_MODEL if target is Target.LABEL else DEFAULT_EMOTION_MODEL


@dataclass(frozen=True, slots=True)
class EvaluationJob:
    """How every pair of a model and a source is measured.

    Attributes:
        split: The split to measure on; None takes the one held out.
        target: What is right.
        tta: Take the mean of ten views as a model's answer.
        training: Where the training rows are that the models have seen; None takes those of the
            source itself.
        has_leaks: Whether to look for faces that stand in the training rows too.
        compare: Another model to compare with on the same faces, or None.
        shows_faces: Whether pages show faces: mistakes, and maps of where the model looked.
        progress: Shows how far it is.
    """

    split: Split | None = None
    target: Target = Target.LABEL
    tta: bool = False
    training: Path | None = None
    has_leaks: bool = True
    compare: str | None = None
    shows_faces: bool = False
    progress: Progress = silently
    _models: dict[str, Models] = field(default_factory=dict, init=False, repr=False)

    def measure(self, source: Path, models: Sequence[str]) -> list[Cell]:
        """Every model on one source, which is read once and whose copies are looked for once.

        Raises:
            DatasetError: The source, or the training rows, cannot be read.
            ModelError: A model cannot be used.
        """
        classifiers = [self._loaded(model).classifier for model in models]
        rival = self._loaded(self.compare).classifier if self.compare else None
        readers = classifiers + ([rival] if rival else [])
        benchmark = read_benchmark(
            source,
            self.split,
            sizes_px=[reader.input_spec.size_px for reader in readers],
            training=self.training,
            has_leaks=self.has_leaks,
            target=self.target,
        )
        leaks = benchmark.leaks(self.progress)
        cells = []
        for model, classifier in zip(models, classifiers, strict=True):
            evaluation = evaluate_model(
                classifier,
                benchmark,
                leaks=leaks,
                tta=self.tta,
                rival=rival,
                progress=self.progress,
            )
            faces = benchmark.faces(classifier)
            warnings = without_folder(faces.warnings, source)
            record: dict[str, object] = {
                "model": classifier.manifest.name,
                "model_sha256": classifier.model_sha256,
                "data_sha256": faces.sha256,
                "warnings": list(warnings),
                "split": benchmark.split,
                "target": self.target,
                "tta": self.tta,
                "rival_model": rival.manifest.name if rival else None,
                "rival_sha256": rival.model_sha256 if rival else None,
                **evaluation.to_dict(),
            }
            # Of the faces no more is kept than pages show.
            kept = {faces.images.shape[1]: faces} if self.shows_faces else {}
            seen = replace(benchmark, training=None, by_size=kept)
            cells.append(Cell(model, seen, evaluation, record, warnings))
        return cells

    def measure_all(
        self, sources: Sequence[Path], models: Sequence[str], on_error: Callable[[str], None]
    ) -> CrossEvaluation:
        """Every model on every source; a source that cannot be read is told and left out.

        Raises:
            DatasetError: No source can be read.
            ModelError: A model cannot be used.
        """
        columns = []
        for source, name in zip(sources, names_of(sources), strict=True):
            try:
                columns.append((name, self.measure(source, models)))
            except DatasetError as error:
                on_error(str(error))
        if not columns:
            raise DatasetError("none of the sources could be read")
        return CrossEvaluation.of(columns)

    def write(self, folder: Path, cell: Cell) -> tuple[Path, Path]:
        """Write figures and page of one pair into a folder, and return both files."""
        gallery = None
        if self.shows_faces:
            gallery = _gallery(cell, self._loaded(cell.model).explainer)
        return _write(folder, to_line(cell.record), _page(cell, gallery))

    def write_all(self, folder: Path, cross: CrossEvaluation) -> list[tuple[Path, Path]]:
        """Write a page of each pair into a folder of its own, and one over all of them."""
        from emolens.reports.cross_page import (  # noqa: PLC0415 (plotting is optional)
            cross_page,
            folders_of,
        )

        written = [
            self.write(folder / name, cell)
            for column, names in zip(cross.columns, folders_of(cross), strict=True)
            for cell, name in zip(column.cells, names, strict=True)
        ]
        page = cross_page(cross, emolens_version=__version__)
        return [*written, _write(folder, to_line(cross.to_dict()), page)]

    def _loaded(self, model: str) -> Models:
        """A model, of which one file is read once, whatever it is needed for."""
        if model not in self._models:
            self._models[model] = Models(model=model, n_threads=os.cpu_count())
        return self._models[model]


def _write(folder: Path, metrics: str, page: str) -> tuple[Path, Path]:
    written = folder / METRICS, folder / REPORT
    write_bytes(written[0], metrics.encode("ascii"))
    write_bytes(written[1], page.encode())
    return written


def _page(cell: Cell, gallery: "Gallery | None") -> str:
    from emolens.reports.evaluation_page import Subject, write_report  # noqa: PLC0415 (optional)

    record, benchmark = cell.record, cell.benchmark
    training = benchmark.training_source
    subject = Subject(
        model=str(record["model"]),
        model_sha256=str(record["model_sha256"]),
        data=benchmark.source.name,
        data_sha256=str(record["data_sha256"]),
        split=benchmark.split,
        target=benchmark.target,
        training=training.name if training else None,
        tta=bool(record["tta"]),
        rival=cell.rival,
        emolens_version=__version__,
        warnings=cell.warnings,
    )
    return write_report(cell.evaluation, subject, gallery)


def _gallery(cell: Cell, explainer: ActivationExplainer) -> "Gallery":
    """The surest mistakes, and where the model looked in these and in the surest hits."""
    from emolens.reports.evaluation_page import (  # noqa: PLC0415 (plotting is optional)
        Gallery,
        surest_rows,
        thumbnails,
    )

    evaluation = cell.evaluation
    faces = cell.benchmark.by_size[explainer.input_spec.size_px]
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
