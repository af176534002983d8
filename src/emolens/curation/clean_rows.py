"""Choose the training rows that a recipe had better leave out, from what an audit found."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.curation.audit import Audit
from emolens.curation.audited_faces import AuditedFaces
from emolens.datasets.clean_file import (
    CleanFile,
    CleanReason,
    CleanRow,
    CleanSource,
    content_sha256,
    row_keys,
)
from emolens.datasets.cleaning import is_blank
from emolens.datasets.faces import Split
from emolens.datasets.votes import is_not_a_face

_Rows = npt.NDArray[np.bool_]


def list_clean_rows(audit: Audit) -> CleanFile:
    """Name the training rows to leave out, each with every reason.

    A row goes where the raters see no face, where it is blank, where its photograph stands in
    validation or test too, or where copies of it have different labels (then all of them
    go). Of the other copies within a source, the first one stays. See `clean_file.RULES`.

    Args:
        audit: Of all splits: leaks can only be found where the held-out split was looked at.
    """
    audited = audit.audited
    reasons = _reasons(audit)
    return CleanFile(
        sources=tuple(
            _clean_source(audited, number, source, reasons)
            for number, source in enumerate(audited.sources)
        )
    )


def _reasons(audit: Audit) -> dict[CleanReason, _Rows]:
    """Which rows each rule names, bool (N,) each, training rows alone."""
    audited, near = audit.audited, audit.groups.near
    faces, splits = audited.faces, audited.splits
    is_training = splits == Split.TRAIN
    is_held_out = np.isin(splits, [Split.VALIDATION, Split.TEST])
    labels_in_group = np.unique(np.stack([near, faces.labels]), axis=1)[0]
    n_labels = np.bincount(labels_in_group, minlength=1)
    reasons = {
        CleanReason.NOT_A_FACE: is_not_a_face(audited.votes),
        CleanReason.BLANK: is_blank(faces.images),
        CleanReason.LEAK: np.isin(near, near[is_held_out]),
        CleanReason.CONFLICT: n_labels[near] > 1,
    }
    may_stay = is_training & ~np.any(list(reasons.values()), axis=0)
    reasons[CleanReason.DUPLICATE] = _later_ones(audited, near, may_stay)
    return {reason: named & is_training for reason, named in reasons.items()}


def _later_ones(audited: AuditedFaces, near: npt.NDArray[np.int64], may_stay: _Rows) -> _Rows:
    """Those of the rows that have an earlier copy among them in the same source."""
    rows = np.flatnonzero(may_stay)
    copies = np.stack([audited.source_numbers[rows], near[rows]])
    firsts = np.unique(copies, axis=1, return_index=True)[1]
    later = may_stay.copy()
    later[rows[firsts]] = False
    return later


def _clean_source(
    audited: AuditedFaces, number: int, source: Path, reasons: dict[CleanReason, _Rows]
) -> CleanSource:
    is_training = (audited.source_numbers == number) & (audited.splits == Split.TRAIN)
    training = np.flatnonzero(is_training)
    keys = row_keys(audited.faces.take(training))
    rows = []
    for row, (digest, label, occurrence) in zip(training.tolist(), keys, strict=True):
        named = tuple(reason for reason, of_reason in reasons.items() if of_reason[row])
        if named:
            location = _relative(audited.faces.locations[row], source)
            rows.append(
                CleanRow(
                    sha256=digest,
                    label=label,
                    occurrence=occurrence,
                    location=location,
                    reasons=named,
                )
            )
    return CleanSource(
        source=str(source),
        n_training=len(keys),
        training_sha256=content_sha256(keys),
        rows=tuple(rows),
    )


def _relative(location: str, source: Path) -> str:
    return location.removeprefix(str(source)).lstrip("/\\: ")
