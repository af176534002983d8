"""The outcome of detection and the metrics by group, as text."""

from collections.abc import Iterator

from emolens.evaluation.by_group import ByGroup, GroupMetrics
from emolens.evaluation.detection import DetectionMetrics, ImageAccuracy
from emolens.reports.text import Block, TextTable, numbers_from, one_line, percent


def detection_text(detection: DetectionMetrics) -> Iterator[Block]:
    """List the images without a face or a label, and the accuracy over all images."""
    n_faces = detection.n_images - detection.n_no_face
    yield (
        f"{n_faces:,} of {detection.n_images:,} images have a face; "
        f"{detection.n_several_faces:,} have several, and the largest is evaluated"
    )
    if detection.n_not_assessable:
        reasons = (f"{reason} {n:,}" for reason, n in sorted(detection.reasons.items()))
        yield f"no label for {detection.n_not_assessable:,} of these faces: {', '.join(reasons)}"
    yield _accuracy("accuracy of all images", detection.all_images)
    yield "  (an image without a face or without a label is not correct)"
    if detection.with_label:
        yield _accuracy("accuracy of images with a label", detection.with_label)


def _accuracy(name: str, of: ImageAccuracy) -> str:
    low, high = of.accuracy_ci95
    return (
        f"{name} **{of.accuracy:.2%}** (95 % interval {low:.2%} to {high:.2%}) on {of.n:,} images"
    )


def by_group_text(found: ByGroup) -> Iterator[Block]:
    """List the metrics of each group, the differences from the largest one, and their limits."""
    has_detection = any(group.detection for group in found.groups)
    headings = ["faces", "accuracy", "95 % interval", "balanced recall", "macro-F1", "ECE"]
    headings += ["no face", "not assessable", "all images"] if has_detection else []
    yield ""
    yield TextTable(
        (one_line(found.column), *headings),
        [(one_line(group.name), *_group_row(group)) for group in found.groups],
        numbers_from(1, 1 + len(headings)),
    )
    if found.differences and found.reference:
        yield ""
        yield f"differences from **{one_line(found.reference)}**, in percentage points"
        yield _differences(found)
    yield from found.notes


def _group_row(group: GroupMetrics) -> Iterator[str]:
    metrics, detection = group.metrics, group.detection
    if metrics:
        low, high = metrics.accuracy_ci95
        yield from (f"{metrics.n:,}", percent(metrics.accuracy), f"{low:.1%} to {high:.1%}")
        yield from (percent(metrics.balanced_accuracy), f"{metrics.macro_f1:.3f}")
    else:
        yield from ("0", "-", "-", "-", "-")
    yield "-" if group.ece is None else f"{group.ece:.3f}"
    if detection:
        yield percent(detection.n_no_face / detection.n_images)
        yield percent(detection.n_not_assessable / detection.n_images)
        yield percent(detection.all_images.accuracy)


def _differences(found: ByGroup) -> TextTable:
    rows = [
        (
            one_line(one.group),
            one.measure,
            f"{one.n:,}",
            f"{100 * one.difference:+.1f}",
            points(one.ci95),
            points(one.adjusted_ci95),
        )
        for one in found.differences
    ]
    headings = (one_line(found.column), "measure", "n", "difference", "95 % interval", "adjusted")
    return TextTable(headings, rows, numbers_from(2, len(headings)))


def points(ends: tuple[float, float]) -> str:
    """Format an interval in percentage points: "-3.1 to +0.4"."""
    return f"{100 * ends[0]:+.1f} to {100 * ends[1]:+.1f}"
