"""Summaries of data sets, computed in one pass without keeping the images in memory."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emolens.core.emotion import LABELS
from emolens.datasets.faces import FaceDigest, FaceSample
from emolens.datasets.formats import PUBLISHED, find_format, sheet_of
from emolens.datasets.loading import UNKNOWN_SPLIT, iter_faces
from emolens.datasets.reading import ReadingReport
from emolens.imaging.crop import resize_gray_square

_DIGEST_SIZE_PX = 48


@dataclass(frozen=True, slots=True)
class PublishedCheck:
    """A comparison of a split with the published counts and digests.

    Attributes:
        n_published: Published number of faces of the seven classes, by label.
        is_complete: Whether the source has exactly these numbers.
        has_labels: Whether the labels are the published ones, in their order; None without a known
            digest.
        has_votes: Whether FER+'s votes are the published ones, in their order; None without a
            known digest or without votes.
    """

    n_published: Mapping[str, int]
    is_complete: bool
    has_labels: bool | None
    has_votes: bool | None

    def to_dict(self) -> dict[str, object]:
        """Convert the comparison to plain values."""
        return {
            "counts": dict(self.n_published),
            "is_complete": self.is_complete,
            "has_labels": self.has_labels,
            "has_votes": self.has_votes,
        }


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """A summary of a source.

    Attributes:
        source: The path as given.
        format_name: Its format, one of `formats.SourceFormat`.
        n_faces: Number of faces.
        counts: Split name (or `"unknown"` for faces without a split) to label to number of faces.
            Splits are in order of first appearance, each with all seven labels.
        min_size_wh: Smallest width and smallest height in pixels.
        max_size_wh: Largest width and largest height in pixels.
        sha256: Split name to `load_faces(source, split).sha256` at 48 px.
        labels_sha256: Split name to the SHA-256 of its labels in order, one byte each.
        votes_sha256: Split name to the SHA-256 of its faces' ten vote counts in order, one byte
            each; only splits in which every face has votes.
        n_subjects: Number of subjects, or None unless every face has a subject.
        left_out: Class outside the seven to number of its faces, which are not counted above.
        n_damaged: Number of damaged faces that were skipped.
        damaged: The error messages of the first of them.
        warnings: Assumptions of the reader, such as the order of numeric labels.
        data_set: Name of the published data set, or None.
        published: Split name to comparison with the published data set.
    """

    source: Path
    format_name: str
    n_faces: int
    counts: Mapping[str, Mapping[str, int]]
    min_size_wh: tuple[int, int]
    max_size_wh: tuple[int, int]
    sha256: Mapping[str, str]
    labels_sha256: Mapping[str, str]
    votes_sha256: Mapping[str, str]
    n_subjects: int | None
    left_out: Mapping[str, int]
    n_damaged: int
    damaged: tuple[str, ...]
    warnings: tuple[str, ...]
    data_set: str | None
    published: Mapping[str, PublishedCheck]

    def to_dict(self) -> dict[str, object]:
        """Convert the summary to plain values for JSON."""
        return {
            "source": str(self.source),
            "format": self.format_name,
            "data_set": self.data_set,
            "n_faces": self.n_faces,
            "counts": {split: dict(counts) for split, counts in self.counts.items()},
            "min_size_wh": list(self.min_size_wh),
            "max_size_wh": list(self.max_size_wh),
            "n_subjects": self.n_subjects,
            "left_out": dict(self.left_out),
            "n_damaged": self.n_damaged,
            "damaged": list(self.damaged),
            "warnings": list(self.warnings),
            "sha256": dict(self.sha256),
            "labels_sha256": dict(self.labels_sha256),
            "votes_sha256": dict(self.votes_sha256),
            "published": {split: check.to_dict() for split, check in self.published.items()},
        }


class _SplitTally:
    """A running count of the faces of one split."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(LABELS, 0)
        self.faces = FaceDigest()
        self.labels = hashlib.sha256()
        self.votes = hashlib.sha256()
        self.has_votes = True

    def add(self, sample: FaceSample) -> None:
        self.counts[sample.emotion.label] += 1
        self.faces.add(resize_gray_square(sample.image, _DIGEST_SIZE_PX), sample.emotion.index)
        self.labels.update(bytes([sample.emotion.index]))
        self.votes.update(bytes(sample.votes or ()))
        self.has_votes &= sample.votes is not None


def summarize(source: Path, *, skip_damaged: bool = False) -> DatasetSummary:
    """Read a source once and count its faces by split and class.

    Args:
        source: Any source of `loading.iter_faces`.
        skip_damaged: Count damaged faces instead of raising an error at the first one.

    Returns:
        The summary.

    Raises:
        DatasetError: The source has no supported format, is damaged, or has no faces.
    """
    source_format, _ = find_format(source)
    report = ReadingReport(skip_damaged=skip_damaged)
    tallies: dict[str, _SplitTally] = {}
    sizes_wh: set[tuple[int, int]] = set()
    subjects: set[str | None] = set()
    for sample in iter_faces(source, report=report):
        tallies.setdefault(sample.split or UNKNOWN_SPLIT, _SplitTally()).add(sample)
        height, width = sample.image.shape
        sizes_wh.add((width, height))
        subjects.add(sample.subject)
    if not tallies:
        raise report.no_faces(source)
    widths, heights = zip(*sizes_wh, strict=True)
    published = _published_checks(source, tallies)
    sheet = sheet_of(source_format)
    return DatasetSummary(
        source=source,
        format_name=source_format.value,
        n_faces=sum(sum(tally.counts.values()) for tally in tallies.values()),
        counts={split: tally.counts for split, tally in tallies.items()},
        min_size_wh=(min(widths), min(heights)),
        max_size_wh=(max(widths), max(heights)),
        sha256={split: tally.faces.hexdigest() for split, tally in tallies.items()},
        labels_sha256={split: tally.labels.hexdigest() for split, tally in tallies.items()},
        votes_sha256={
            split: tally.votes.hexdigest() for split, tally in tallies.items() if tally.has_votes
        },
        n_subjects=None if None in subjects or not subjects else len(subjects),
        left_out=dict(sorted(report.left_out.items())),
        n_damaged=report.n_damaged,
        damaged=tuple(report.damaged),
        warnings=tuple(report.warnings),
        data_set=sheet.name if sheet and (published or source_format in PUBLISHED) else None,
        published=published,
    )


def _published_checks(
    source: Path, tallies: Mapping[str, _SplitTally]
) -> dict[str, PublishedCheck]:
    """Compare each published split with the source.

    Files in FER2013's formats may contain faces of another data set, so a split with other counts
    is not compared there.
    """
    source_format, _ = find_format(source)
    sheet = sheet_of(source_format)
    if sheet is None:
        return {}
    checks = {}
    for split, n_published in sheet.published_counts().items():
        tally = tallies.get(split) or _SplitTally()
        labels, votes = sheet.labels_sha256.get(split), sheet.votes_sha256.get(split)
        has_votes = tally.has_votes and any(tally.counts.values())
        check = PublishedCheck(
            n_published,
            tally.counts == n_published,
            tally.labels.hexdigest() == labels if labels else None,
            tally.votes.hexdigest() == votes if votes and has_votes else None,
        )
        if check.is_complete or source_format in PUBLISHED:
            checks[split] = check
    return checks
