"""Evaluation of models on labelled faces: one pair, or every model on every source."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from emolens.classification import OnnxEmotionClassifier
from emolens.contract import PROVENANCE_KEY, Provenance
from emolens.core.description import settings_of
from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError, ModelError
from emolens.core.ports import EmotionClassifier
from emolens.core.progress import Progress, silently
from emolens.datasets.faces import Split
from emolens.datasets.loading import Framer
from emolens.datasets.reading import without_folder
from emolens.datasets.targets import Target
from emolens.evaluation.benchmark import Benchmark, evaluate_model, read_benchmark
from emolens.evaluation.cross import Cell, CrossEvaluation, names_of
from emolens.evaluation.detection import rows_with_face
from emolens.explanation.agreement import agreement_text
from emolens.explanation.legend import full_scale, legend
from emolens.imaging.bgr import as_bgr
from emolens.jobs.sources import data_record
from emolens.pipeline.models import Models
from emolens.pipeline.provenance import provenance
from emolens.pipeline.sample_framing import CropCheck, LargestFaceFramer
from emolens.rendering.heatmap import draw_heat
from emolens.runtime.catalogue import DEFAULT_ALIAS, DEFAULT_EMOTION_MODEL, LABEL_MODEL
from emolens.storage.files import write_bytes
from emolens.storage.jsonl import to_line

if TYPE_CHECKING:
    from emolens.reports.evaluation_page import Gallery

METRICS: Final = "metrics.json"
REPORT: Final = "report.html"
# Heat maps are twice as large as the faces of FER2013.
_MAP_PX: Final = 96


def model_for(name: str, target: Target) -> str:
    """Resolve the name of a model; labels and other targets have different default models."""
    if name != DEFAULT_ALIAS:
        return name
    return LABEL_MODEL if target is Target.LABEL else DEFAULT_EMOTION_MODEL


@dataclass(frozen=True, slots=True)
class EvaluationJob:
    """The settings of an evaluation.

    Attributes:
        split: Split to measure; None uses the held-out split.
        target: Ground truth.
        tta: Whether to average the predictions over ten views (test-time augmentation).
        training: Data set with the training rows of the models; None uses those of the source.
        has_leaks: Whether to detect faces that also occur in the training rows.
        compare: Second model to compare on the same faces, or None.
        detect: Whether to detect the faces and evaluate the largest one of each image, as `emolens
            image` does. By default every image is taken as a face crop, and a warning says if
            faces fill less of the images than of face crops.
        group: Column that divides the faces into groups with metrics of their own, or None.
        shows_faces: Whether reports show faces: mistakes and heat maps.
        progress: Progress callback.
    """

    split: Split | None = None
    target: Target = Target.LABEL
    tta: bool = False
    training: Path | None = None
    has_leaks: bool = True
    compare: str | None = None
    detect: bool = False
    group: str | None = None
    shows_faces: bool = False
    progress: Progress = silently
    _models: dict[str, Models] = field(default_factory=dict, init=False, repr=False)

    def measure(self, source: Path, models: Sequence[str]) -> list[Cell]:
        """Measure every model on one source, which is read and checked for leaks only once.

        Raises:
            DatasetError: The source or the training rows cannot be read.
            ModelError: A model cannot be loaded.
        """
        classifiers = [self._loaded(model).classifier for model in models]
        rival = self._loaded(self.compare).classifier if self.compare else None
        all_classifiers = classifiers + ([rival] if rival else [])
        detecting = self._loaded(models[0])
        benchmark, notices = self._read(source, all_classifiers, detecting)
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
            warnings = without_folder([*faces.warnings, *notices], source)
            record: dict[str, object] = {
                "model": classifier.manifest.name,
                "model_sha256": classifier.model_sha256,
                "data_sha256": faces.sha256,
                "warnings": list(warnings),
                "split": benchmark.split,
                "target": self.target,
                "tta": self.tta,
                "detector": detecting.detector().name if self.detect else None,
                "rival_model": rival.manifest.name if rival else None,
                "rival_sha256": rival.model_sha256 if rival else None,
                **evaluation.to_dict(),
                PROVENANCE_KEY: self._provenance([source], [classifier], rival).to_dict(),
            }
            # Keep only the faces that reports show, to save memory.
            shown = faces.take(rows_with_face(faces) if self.shows_faces else np.arange(0))
            by_size = {faces.images.shape[1]: shown}
            reduced = replace(benchmark, training=None, groups=None, by_size=by_size)
            cells.append(Cell(model, reduced, evaluation, record, warnings))
        return cells

    def _read(
        self, source: Path, classifiers: Sequence[EmotionClassifier], detecting: Models
    ) -> tuple[Benchmark, tuple[str, ...]]:
        """Read a source, detect its faces if requested, and return warnings about both."""

        def read(framer: Framer) -> Benchmark:
            return read_benchmark(
                source,
                self.split,
                sizes_px=[one.input_spec.size_px for one in classifiers],
                training=self.training,
                has_leaks=self.has_leaks,
                target=self.target,
                framer=framer,
                group=self.group,
            )

        if self.detect:
            with self.progress("detecting faces", None) as done:
                benchmark = read(LargestFaceFramer(detecting.detector(sideways=True), done))
            notices: tuple[str, ...] = ()
        else:
            check = CropCheck()
            benchmark = read(check)
            notices = _crop_warnings(check, detecting, source)
        return benchmark, notices + (benchmark.groups.warnings if benchmark.groups else ())

    def measure_all(
        self, sources: Sequence[Path], models: Sequence[str], on_error: Callable[[str], None]
    ) -> CrossEvaluation:
        """Measure every model on every source; report and skip sources that cannot be read.

        Raises:
            DatasetError: No source can be read.
            ModelError: A model cannot be loaded.
        """
        columns = []
        for source, name in zip(sources, names_of(sources), strict=True):
            try:
                columns.append((name, self.measure(source, models)))
            except DatasetError as error:
                on_error(str(error))
        if not columns:
            raise DatasetError("none of the sources can be read")
        return CrossEvaluation.of(columns)

    def write(self, folder: Path, cell: Cell) -> tuple[Path, Path]:
        """Write the metrics and report of one pair to a folder and return both paths."""
        gallery = None
        if self.shows_faces:
            gallery = _gallery(cell, self._loaded(cell.model))
        return _write(folder, to_line(cell.record), _page(cell, gallery))

    def write_all(self, folder: Path, cross: CrossEvaluation) -> list[tuple[Path, Path]]:
        """Write a report for each pair to its own subfolder, and one report for all pairs."""
        from emolens.reports.cross_page import (  # noqa: PLC0415 (plotting is optional)
            cross_page,
            folders_of,
        )

        written = [
            self.write(folder / name, cell)
            for column, names in zip(cross.columns, folders_of(cross), strict=True)
            for cell, name in zip(column.cells, names, strict=True)
        ]
        page = cross_page(cross, made=self.provenance_of(cross))
        return [*written, _write(folder, to_line(self.record_of(cross)), page)]

    def record_of(self, cross: CrossEvaluation) -> dict[str, object]:
        """Return the matrices as plain values, with the record of how they were made."""
        return {**cross.to_dict(), PROVENANCE_KEY: self.provenance_of(cross).to_dict()}

    def provenance_of(self, cross: CrossEvaluation) -> Provenance:
        """Return the record of how all pairs were measured."""
        sources = [column.cells[0].benchmark.source for column in cross.columns]
        classifiers = [self._loaded(cell.model).classifier for cell in cross.columns[0].cells]
        return self._provenance(sources, classifiers, None)

    def _provenance(
        self,
        sources: Sequence[Path],
        classifiers: Sequence[OnnxEmotionClassifier],
        rival: OnnxEmotionClassifier | None,
    ) -> Provenance:
        """Build the record; several models are listed by name and digest."""
        listed = [f"{one.manifest.name} {one.model_sha256}" for one in classifiers]
        models = classifiers[0] if len(classifiers) == 1 else {"models": ", ".join(listed)}
        compared = {"compare": f"{rival.manifest.name} {rival.model_sha256}"} if rival else {}
        settings = settings_of(self, without=("compare", "shows_faces"))
        loaded = next(iter(self._models.values()))
        detector = loaded.detector(sideways=True) if self.detect else None
        return provenance(models, detector, settings, compared, source=data_record(sources))

    def _loaded(self, model: str) -> Models:
        """Load a model, or return it from the cache."""
        if model not in self._models:
            self._models[model] = Models(model=model, n_threads=os.cpu_count())
        return self._models[model]


def _crop_warnings(check: CropCheck, models: Models, source: Path) -> tuple[str, ...]:
    if not check.has_images:
        return ()
    try:
        warning = check.warning(models.detector())
    except ModelError as error:
        # An evaluation of face crops needs no detector.
        warning = f"the images were not checked for whole photographs: {error}"
    return (f"{source}: {warning}",) if warning else ()


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
        data=names_of([benchmark.source])[0],
        data_sha256=str(record["data_sha256"]),
        split=benchmark.split_text,
        target=benchmark.target,
        training=names_of([training])[0] if training else None,
        tta=bool(record["tta"]),
        rival=cell.rival,
        made=Provenance.model_validate(record[PROVENANCE_KEY]),
        warnings=cell.warnings,
    )
    return write_report(cell.evaluation, subject, gallery)


def _gallery(cell: Cell, models: Models) -> "Gallery":
    """Collect mistakes of each label, and heat maps of mistakes and of correct predictions."""
    from emolens.reports.evaluation_page import (  # noqa: PLC0415 (plotting is optional)
        Gallery,
        example_hits,
        example_mistakes,
        thumbnails,
    )

    evaluation, explainer = cell.evaluation, models.explainer
    faces = cell.benchmark.by_size[explainer.input_spec.size_px]
    hits, misses = example_hits(evaluation), example_mistakes(evaluation)
    rows = np.concatenate([hits, misses])
    predicted = [Emotion.from_index(row) for row in evaluation.predictions.predicted[rows].tolist()]
    drawn, about = _drawn_maps(models, list(faces.images[rows]), predicted)
    maps = thumbnails(evaluation, drawn, rows)
    mistakes = thumbnails(evaluation, list(faces.images[misses]), misses)
    return Gallery(mistakes, maps[: len(hits)], maps[len(hits) :], about)


def _drawn_maps(
    models: Models, faces: Sequence[npt.NDArray[np.uint8]], predicted: Sequence[Emotion]
) -> tuple[list[npt.NDArray[np.uint8]], str]:
    """Draw the map of the predicted class over each face, on one scale, and describe the colours.

    Returns:
        uint8 BGR images, and a text with the scale and the measured agreement of the maps.
    """
    pairs = list(zip(models.explainer.explain(faces), predicted, strict=True))
    scale = full_scale(pairs)
    drawn = [
        draw_heat(as_bgr(face), maps.heat_map(emotion, _MAP_PX, full_scale=scale), _MAP_PX)
        for face, (maps, emotion) in zip(faces, pairs, strict=True)
    ]
    kind = models.default_map_kind
    colors = legend(kind, None, scale)
    agreement = agreement_text(kind, models.classifier.model_sha256)
    return drawn, f"{colors}. {agreement}"
