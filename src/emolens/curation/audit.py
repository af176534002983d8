"""Audits of data sets: duplicates, leaks, conflicting labels, blank images, doubtful votes."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS, N_EMOTIONS
from emolens.curation.audited_faces import AuditedFaces, FaceEntry
from emolens.curation.label_agreement import ClassAgreement, label_agreement
from emolens.curation.split_duplicates import SplitDuplicates, find_split_duplicates
from emolens.datasets.cleaning import is_blank
from emolens.datasets.duplicates import DuplicateGroups
from emolens.datasets.votes import is_not_a_face


@dataclass(frozen=True, slots=True)
class DuplicateCounts:
    """Counts of duplicates in a data set.

    Attributes:
        n_groups: Number of groups of two or more images.
        n_faces: Number of images in these groups.
        n_spare: Number of images to remove to keep one per group.
        n_across_splits: Number of groups with images of more than one split.
        n_conflicting: Number of groups with images of more than one label.
        sizes: Size of a group to number of groups of this size.
    """

    n_groups: int
    n_faces: int
    n_spare: int
    n_across_splits: int
    n_conflicting: int
    sizes: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Leak:
    """An image with duplicates in another split.

    Attributes:
        face: The image.
        is_exact: Whether one of the duplicates is pixel-identical.
        copies: Its exact duplicates and near-duplicates in the other split.
    """

    face: FaceEntry
    is_exact: bool
    copies: tuple[FaceEntry, ...]


@dataclass(frozen=True, slots=True)
class SplitLeaks:
    """Leaks between two splits.

    Attributes:
        held_out: The split whose images are counted.
        other: The split with their duplicates.
        n_faces: Number of images in `held_out`.
        n_exact: Number of those with an exact duplicate in `other`.
        n_near: Number of those with an exact duplicate or near-duplicate in `other`.
        leaks: The latter images with their duplicates.
    """

    held_out: str
    other: str
    n_faces: int
    n_exact: int
    n_near: int
    leaks: tuple[Leak, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A group of duplicates with different labels.

    Attributes:
        is_exact: Whether pixel-identical images in the group have different labels.
        faces: All images of the group.
    """

    is_exact: bool
    faces: tuple[FaceEntry, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """The result of an audit.

    Attributes:
        audited: The audited faces.
        groups: Their groups of duplicates.
        counts: Split to label to number of faces; every split has all seven labels.
        exact: Counts of exact duplicates.
        near: Counts of exact duplicates and near-duplicates.
        splits: The leaks of every pair of splits.
        conflicts: Groups of exact duplicates and near-duplicates with more than one label.
        blanks: Faces with almost no contrast.
        not_faces: Images in which FER+'s raters find no face; None without votes.
        agreement: Agreement of the votes with each label and with `"all"`; None without votes.
    """

    audited: AuditedFaces
    groups: DuplicateGroups
    counts: Mapping[str, Mapping[str, int]]
    exact: DuplicateCounts
    near: DuplicateCounts
    splits: tuple[SplitLeaks, ...]
    conflicts: tuple[Conflict, ...]
    blanks: tuple[FaceEntry, ...]
    not_faces: tuple[FaceEntry, ...] | None
    agreement: Mapping[str, ClassAgreement] | None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels with faces."""
        counts = self.counts.values()
        return tuple(label for label in LABELS if any(by_label[label] for by_label in counts))

    @property
    def labels_without_faces(self) -> tuple[str, ...]:
        """The labels without faces."""
        return tuple(label for label in LABELS if label not in self.labels)

    def to_dict(self) -> dict[str, object]:
        """Convert all counts and lists to plain values for JSON."""
        not_faces, agreement = self.not_faces, self.agreement
        return {
            "sources": [str(source) for source in self.audited.sources],
            "n_faces": len(self.audited),
            "warnings": list(self.audited.faces.warnings),
            "counts": {split: dict(by_label) for split, by_label in self.counts.items()},
            "exact_copies": asdict(self.exact),
            "near_copies": asdict(self.near),
            "splits": [asdict(pair) for pair in self.splits],
            "conflicts": [asdict(conflict) for conflict in self.conflicts],
            "blanks": [asdict(entry) for entry in self.blanks],
            "not_faces": None if not_faces is None else [asdict(entry) for entry in not_faces],
            "agreement": None
            if agreement is None
            else {label: of_class.to_dict() for label, of_class in agreement.items()},
        }


def audit(
    audited: AuditedFaces, on_progress: Callable[[int], None] = lambda _n_done: None
) -> Audit:
    """Detect everything in a data set that makes metrics unreliable.

    Splits with the same name in several sources count as one split.

    Args:
        audited: All faces of the data sets.
        on_progress: Called with the number of faces done.

    Returns:
        The result of the audit.
    """
    faces, votes = audited.faces, audited.votes
    found = find_split_duplicates(faces.images, audited.splits, audited.split_names, on_progress)
    groups = found.groups
    has_votes = bool(votes.any())
    return Audit(
        audited=audited,
        groups=groups,
        counts=_counts(audited),
        exact=_duplicate_counts(groups.exact, audited),
        near=_duplicate_counts(groups.near, audited),
        splits=_all_split_leaks(audited, found),
        conflicts=_conflicts(audited, groups),
        blanks=audited.entries(np.flatnonzero(is_blank(faces.images))),
        not_faces=audited.entries(np.flatnonzero(is_not_a_face(votes))) if has_votes else None,
        agreement=label_agreement(faces.labels, votes) if has_votes else None,
    )


def members_of(groups: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """List the rows of every group of two or more, in order of first appearance."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    return [rows for rows in np.split(order, starts[1:]) if len(rows) > 1]


def _counts(audited: AuditedFaces) -> dict[str, dict[str, int]]:
    counts = {}
    for split in audited.split_names:
        labels = audited.faces.labels[audited.splits == split]
        of_split = np.bincount(labels, minlength=N_EMOTIONS).tolist()
        counts[split] = dict(zip(LABELS, of_split, strict=True))
    return counts


def _duplicate_counts(groups: npt.NDArray[np.int64], audited: AuditedFaces) -> DuplicateCounts:
    members = members_of(groups)
    n_faces = sum(map(len, members))
    sizes: dict[int, int] = defaultdict(int)
    for rows in members:
        sizes[len(rows)] += 1
    return DuplicateCounts(
        n_groups=len(members),
        n_faces=n_faces,
        n_spare=n_faces - len(members),
        n_across_splits=sum(len(set(audited.splits[rows].tolist())) > 1 for rows in members),
        n_conflicting=sum(_differ(audited.faces.labels[rows]) for rows in members),
        sizes=dict(sorted(sizes.items())),
    )


def _differ(values: npt.NDArray[np.int64]) -> bool:
    return len(set(values.tolist())) > 1


def _all_split_leaks(audited: AuditedFaces, found: SplitDuplicates) -> tuple[SplitLeaks, ...]:
    return tuple(
        _split_leaks(audited, found.groups, held_out, other, is_near)
        for (held_out, other), is_near in found.leaks.items()
    )


def _split_leaks(
    audited: AuditedFaces,
    groups: DuplicateGroups,
    held_out: str,
    other: str,
    is_leak: npt.NDArray[np.bool_],
) -> SplitLeaks:
    rows, others = (np.flatnonzero(audited.splits == name) for name in (held_out, other))
    is_exact, is_near = np.isin(groups.exact[rows], groups.exact[others]), is_leak[rows]
    duplicates: dict[int, list[int]] = defaultdict(list)
    for row in others[np.isin(groups.near[others], groups.near[rows])].tolist():
        duplicates[int(groups.near[row])].append(row)
    leaks = tuple(
        Leak(audited.entry(row), exact, audited.entries(duplicates[int(groups.near[row])]))
        for row, exact in zip(rows[is_near].tolist(), is_exact[is_near].tolist(), strict=True)
    )
    return SplitLeaks(held_out, other, len(rows), int(is_exact.sum()), len(leaks), leaks)


def _conflicts(audited: AuditedFaces, groups: DuplicateGroups) -> tuple[Conflict, ...]:
    labels = audited.faces.labels
    exact = {
        int(groups.near[rows[0]]) for rows in members_of(groups.exact) if _differ(labels[rows])
    }
    return tuple(
        Conflict(int(groups.near[rows[0]]) in exact, audited.entries(rows))
        for rows in members_of(groups.near)
        if _differ(labels[rows])
    )
