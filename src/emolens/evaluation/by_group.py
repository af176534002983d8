"""Error rates by group: metrics of each group, and differences from the largest one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS
from emolens.datasets.faces import DetectedFace
from emolens.datasets.group_labels import NO_GROUP
from emolens.evaluation.detection import DetectionMetrics, detection_metrics, image_hits
from emolens.evaluation.metrics import ClassificationMetrics, compute_metrics
from emolens.evaluation.predictions import Predictions
from emolens.evaluation.resampling import MeanDifference, mean_difference, share_interval

MIN_COMPARED: Final = 30
"""Smallest number of faces on each side of a comparison; near-duplicates count once."""
MIN_OF_KIND: Final = 5
"""Smallest number of correct and of wrong ones among them. Without this rule, a bootstrap interval
of 30 faces at an accuracy of 95 % contains the true difference in 78 % of the cases instead of
95 %. Source: docs/group-error-rates.md."""
MIN_ECE: Final = 500
"""Smallest number of faces for a calibration error. By chance alone it is 0.05 with 500 faces and
0.11 with 100, even if the probabilities are correct. Source: docs/group-error-rates.md."""
ACCURACY: Final = "accuracy"
LABELLED: Final = "images with a label"


@dataclass(frozen=True, slots=True, eq=False)
class GroupMetrics:
    """The metrics of one group.

    Attributes:
        name: Value of the column, or `NO_GROUP`.
        n_images: Number of images.
        n_independent: Number of groups of near-duplicates among its faces.
        metrics: Metrics of its faces; None without a face. The interval of the accuracy is Wilson's
            if there are too few faces for a bootstrap.
        missing_classes: Classes of the evaluated faces that this group has no face of. Its mean
            metrics leave them out.
        detection: The outcome of detection, or None for face crops.
    """

    name: str
    n_images: int
    n_independent: int
    metrics: ClassificationMetrics | None
    missing_classes: tuple[str, ...]
    detection: DetectionMetrics | None

    @property
    def ece(self) -> float | None:
        """The calibration error, or None with fewer than `MIN_ECE` faces."""
        return self.metrics.ece if self.metrics and self.n_independent >= MIN_ECE else None

    def to_dict(self) -> dict[str, object]:
        """Return plain values."""
        metrics = self.metrics.to_dict() if self.metrics else {"n": 0}
        return {
            "name": self.name,
            "n_images": self.n_images,
            "n_independent": self.n_independent,
            "missing_classes": list(self.missing_classes),
            **metrics,
            "ece": self.ece,
            "ece_equal_mass": None if self.ece is None else metrics["ece_equal_mass"],
            "detection": self.detection.to_dict() if self.detection else None,
        }


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """A difference of one group to the reference.

    Attributes:
        group: Name of the group.
        measure: `accuracy`, `images with a label`, or `recall of` a class.
        n: Number of faces (or images) of the group.
        n_reference: The same for the reference.
        difference: Group minus reference, -1..1.
        ci95: Its 95 % interval (percentile bootstrap over groups of near-duplicates).
        adjusted_ci95: The interval that holds for all differences together, with 95 %
            (Bonferroni).
    """

    group: str
    measure: str
    n: int
    n_reference: int
    difference: float
    ci95: tuple[float, float]
    adjusted_ci95: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class ByGroup:
    """The metrics of all groups.

    Attributes:
        column: Column of the groups.
        groups: The groups, largest first; `NO_GROUP` is last.
        reference: The largest group, to which the others are compared; None if it has too few
            faces.
        differences: All differences with enough faces.
    """

    column: str
    groups: tuple[GroupMetrics, ...]
    reference: str | None
    differences: tuple[GroupDifference, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the limits of these numbers."""
        return tuple(_notes(self))

    def to_dict(self) -> dict[str, object]:
        """Return plain values."""
        return {
            "column": self.column,
            "reference": self.reference,
            "groups": [group.to_dict() for group in self.groups],
            "n_differences": len(self.differences),
            "differences": [asdict(one) for one in self.differences],
            "notes": list(self.notes),
        }


def metrics_by_group(
    column: str,
    names: Sequence[str],
    predictions: Predictions,
    rows: npt.NDArray[np.int64],
    *,
    duplicates: npt.NDArray[np.int64],
    detected: Sequence[DetectedFace] | None = None,
) -> ByGroup:
    """Compute the metrics of each group.

    Args:
        column: Column of the groups.
        names: Group of each of N images.
        predictions: Predictions of the M images with a face.
        rows: int64 (M,), their rows among the images.
        duplicates: int64 (N,), group of near-duplicates of each image.
        detected: Detection of each image, or None if the images are face crops.
    """
    images = _Images(np.array(names, np.str_), predictions, rows, duplicates, detected)
    order = sorted(Counter(names).items(), key=lambda one: (one[0] == NO_GROUP, -one[1], one[0]))
    groups = tuple(images.metrics_of(name) for name, _n in order)
    reference = groups[0].name if groups[0].n_independent >= MIN_COMPARED else None
    found = [
        (group.name, measure, values, counts)
        for group in groups[1:]
        if reference is not None
        for measure, values, counts in images.differences(group.name, reference)
    ]
    return ByGroup(
        column,
        groups,
        reference,
        tuple(
            GroupDifference(
                name, measure, *counts, one.value, one.ci95, one.adjusted_ci95(len(found))
            )
            for name, measure, one, counts in found
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Images:
    """All images of an evaluation; the attributes are the arguments of `metrics_by_group`."""

    names: npt.NDArray[np.str_]
    predictions: Predictions
    rows: npt.NDArray[np.int64]
    duplicates: npt.NDArray[np.int64]
    detected: Sequence[DetectedFace] | None

    def metrics_of(self, name: str) -> GroupMetrics:
        """Compute the metrics of a group."""
        places = np.flatnonzero(self.names[self.rows] == name)
        duplicates = self.duplicates[self.rows][places]
        labels = self.predictions.labels
        missing = np.setdiff1d(labels, labels[places])
        return GroupMetrics(
            name=name,
            n_images=int((self.names == name).sum()),
            n_independent=len(np.unique(duplicates)),
            metrics=_metrics_of(self.predictions.take(places), duplicates) if len(places) else None,
            missing_classes=tuple(LABELS[index] for index in missing),
            detection=self._detection_of(name),
        )

    def _detection_of(self, name: str) -> DetectionMetrics | None:
        if self.detected is None:
            return None
        hits = image_hits(self.predictions, self.rows, len(self.names))
        places = np.flatnonzero(self.names == name)
        detected = tuple(self.detected[place] for place in places.tolist())
        return detection_metrics(detected, hits[places], self.duplicates[places])

    def differences(
        self, name: str, reference: str
    ) -> Iterator[tuple[str, MeanDifference, tuple[int, int]]]:
        """Compare a group with the reference: accuracy, recall of each class, share of labels."""
        for measure, values, of_images, duplicates in self._measures():
            ours, theirs = of_images == name, of_images == reference
            if all(_is_enough(values[side], duplicates[side]) for side in (ours, theirs)):
                difference = mean_difference(values.astype(np.float64), ours, theirs, duplicates)
                yield measure, difference, (int(ours.sum()), int(theirs.sum()))

    def _measures(
        self,
    ) -> Iterator[tuple[str, npt.NDArray[np.bool_], npt.NDArray[np.str_], npt.NDArray[np.int64]]]:
        """Yield each measure with its values, the groups and the near-duplicates of its images."""
        names, duplicates = self.names[self.rows], self.duplicates[self.rows]
        hits, labels = self.predictions.hits, self.predictions.labels
        yield ACCURACY, hits, names, duplicates
        if self.detected is not None:
            has_label = np.array([one.has_label for one in self.detected])
            yield LABELLED, has_label, self.names, self.duplicates
        for index, label in enumerate(LABELS):
            of_class = labels == index
            yield f"recall of {label}", hits[of_class], names[of_class], duplicates[of_class]


def _metrics_of(members: Predictions, duplicates: npt.NDArray[np.int64]) -> ClassificationMetrics:
    metrics = compute_metrics(members, duplicates)
    if _is_enough(members.hits, duplicates):
        return metrics
    return replace(metrics, accuracy_ci95=share_interval(members.hits))


def _is_enough(values: npt.NDArray[np.bool_], duplicates: npt.NDArray[np.int64]) -> bool:
    """Return whether a bootstrap interval of a share is reliable, by independent values."""
    return (
        len(np.unique(duplicates)) >= MIN_COMPARED
        and len(np.unique(duplicates[values])) >= MIN_OF_KIND
        and len(np.unique(duplicates[~values])) >= MIN_OF_KIND
    )


def _notes(found: ByGroup) -> Iterator[str]:
    small = [
        f"{group.name} ({group.n_independent})"
        for group in found.groups
        if group.n_independent < MIN_COMPARED
    ]
    if small:
        yield (
            f"Groups with fewer than {MIN_COMPARED} faces, near-duplicates counted once, are too "
            f"small for a comparison: {', '.join(small)}."
        )
    incomplete = [
        f"{group.name} ({', '.join(group.missing_classes)})"
        for group in found.groups
        if group.missing_classes
    ]
    if incomplete:
        yield (
            "Balanced recall and macro-F1 leave out classes without faces in a group: "
            f"{'; '.join(incomplete)}."
        )
    if any(group.ece is None for group in found.groups):
        yield f"ECE is shown for groups with at least {MIN_ECE} faces."
    yield from _notes_on_differences(found)


def _notes_on_differences(found: ByGroup) -> Iterator[str]:
    if len(found.groups) > 1 and found.reference is not None:
        yield (
            f"A difference is shown where both sides have at least {MIN_COMPARED} faces, "
            f"{MIN_OF_KIND} of them correct (or with a label) and {MIN_OF_KIND} not."
        )
    n_shown = len(found.differences)
    if n_shown > 1:
        yield (
            f"{n_shown} differences are shown. If no group differed, {0.05 * n_shown:.2g} of their "
            "95 % intervals would exclude zero by chance. The adjusted intervals (Bonferroni) hold "
            "for all of them together."
        )
