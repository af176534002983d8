"""What is wrong with a data set: copies, leaks, conflicting labels, blanks, doubtful votes."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from emolens.core.emotion import LABELS, N_EMOTIONS
from emolens.curation.audited_faces import AuditedFaces, FaceEntry
from emolens.curation.label_agreement import ClassAgreement, label_agreement
from emolens.datasets.cleaning import is_blank
from emolens.datasets.duplicates import DuplicateGroups, find_duplicates
from emolens.datasets.votes import is_not_a_face


@dataclass(frozen=True, slots=True)
class CopyCounts:
    """How much of a data set is copies.

    Attributes:
        n_groups: Groups of two or more images.
        n_faces: Images in these groups.
        n_spare: Images that would go if one of each group stayed.
        n_across_splits: Groups with images of more than one split.
        n_conflicting: Groups with images of more than one label.
        sizes: Number of images to number of groups of that size.
    """

    n_groups: int
    n_faces: int
    n_spare: int
    n_across_splits: int
    n_conflicting: int
    sizes: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Leak:
    """An image that stands in another split too.

    Attributes:
        face: The image.
        is_exact: Whether one of the copies has the very same pixels.
        copies: Its copies in the other split, exact and near.
    """

    face: FaceEntry
    is_exact: bool
    copies: tuple[FaceEntry, ...]


@dataclass(frozen=True, slots=True)
class SplitLeaks:
    """What two splits have in common.

    Attributes:
        held_out: The split whose images are counted.
        other: The split that they stand in too.
        n_faces: Images of `held_out`.
        n_exact: Those that stand in `other` pixel by pixel.
        n_near: Those that stand there exactly or nearly.
        leaks: Each of the latter with its copies.
    """

    held_out: str
    other: str
    n_faces: int
    n_exact: int
    n_near: int
    leaks: tuple[Leak, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Copies of one image with different labels.

    Attributes:
        is_exact: Whether pixel-identical ones differ already.
        faces: All copies.
    """

    is_exact: bool
    faces: tuple[FaceEntry, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """What an audit found.

    Attributes:
        audited: The faces that it looked at.
        groups: Which of them are copies of each other.
        counts: Split to label to number of faces; every split has all seven labels.
        exact: Figures of pixel-identical images.
        near: Figures of exact or near copies.
        splits: Every pair of splits.
        conflicts: Groups of exact or near copies with more than one label.
        blanks: Faces with almost no contrast.
        not_faces: Faces that FER+'s raters call none, or None without votes.
        agreement: By label, then `"all"`; None without votes.
    """

    audited: AuditedFaces
    groups: DuplicateGroups
    counts: Mapping[str, Mapping[str, int]]
    exact: CopyCounts
    near: CopyCounts
    splits: tuple[SplitLeaks, ...]
    conflicts: tuple[Conflict, ...]
    blanks: tuple[FaceEntry, ...]
    not_faces: tuple[FaceEntry, ...] | None
    agreement: Mapping[str, ClassAgreement] | None

    def to_dict(self) -> dict[str, object]:
        """All figures and lists as plain values, ready for JSON."""
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
    """Look for everything that makes figures of a data set doubtful.

    Splits of the same name count as one, whichever source they stand in.

    Args:
        audited: All faces of the data sets to look at.
        on_progress: Called with the number of faces done.
    """
    faces, votes = audited.faces, audited.votes
    groups = find_duplicates(faces.images, on_progress=on_progress)
    has_votes = bool(votes.any())
    return Audit(
        audited=audited,
        groups=groups,
        counts=_counts(audited),
        exact=_copy_counts(groups.exact, audited),
        near=_copy_counts(groups.near, audited),
        splits=_all_split_leaks(audited, groups),
        conflicts=_conflicts(audited, groups),
        blanks=audited.entries(np.flatnonzero(is_blank(faces.images))),
        not_faces=audited.entries(np.flatnonzero(is_not_a_face(votes))) if has_votes else None,
        agreement=label_agreement(faces.labels, votes) if has_votes else None,
    )


def members_of(groups: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """The rows of every group of two or more, in order of first appearance."""
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


def _copy_counts(groups: npt.NDArray[np.int64], audited: AuditedFaces) -> CopyCounts:
    members = members_of(groups)
    n_faces = sum(map(len, members))
    sizes: dict[int, int] = defaultdict(int)
    for rows in members:
        sizes[len(rows)] += 1
    return CopyCounts(
        n_groups=len(members),
        n_faces=n_faces,
        n_spare=n_faces - len(members),
        n_across_splits=sum(len(set(audited.splits[rows].tolist())) > 1 for rows in members),
        n_conflicting=sum(_differ(audited.faces.labels[rows]) for rows in members),
        sizes=dict(sorted(sizes.items())),
    )


def _differ(values: npt.NDArray[np.int64]) -> bool:
    return len(set(values.tolist())) > 1


def _all_split_leaks(audited: AuditedFaces, groups: DuplicateGroups) -> tuple[SplitLeaks, ...]:
    names = audited.split_names
    return tuple(
        _split_leaks(audited, groups, held_out, other)
        for place, held_out in enumerate(names)
        for other in names[:place]
    )


def _split_leaks(
    audited: AuditedFaces, groups: DuplicateGroups, held_out: str, other: str
) -> SplitLeaks:
    rows, others = (np.flatnonzero(audited.splits == name) for name in (held_out, other))
    is_exact = np.isin(groups.exact[rows], groups.exact[others])
    is_near = np.isin(groups.near[rows], groups.near[others])
    copies: dict[int, list[int]] = defaultdict(list)
    for row in others[np.isin(groups.near[others], groups.near[rows])].tolist():
        copies[int(groups.near[row])].append(row)
    leaks = tuple(
        Leak(audited.entry(row), exact, audited.entries(copies[int(groups.near[row])]))
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
