"""Selection of the training rows to leave out, from the result of an audit."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolens.contract import Provenance
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
from emolens.datasets.locate import locate
from emolens.datasets.votes import is_not_a_face

_Rows = npt.NDArray[np.bool_]


def list_clean_rows(audit: Audit, *, made: Provenance | None = None) -> CleanFile:
    """List the training rows to leave out, each with every reason.

    A row is left out if the raters find no face in it, if it is blank, if validation or test
    contains a duplicate, or if its duplicates have different labels (then all of them are left
    out). Of the other duplicates within a source, the first one is kept. See `clean_file.RULES`.

    Args:
        audit: An audit of all splits. Leaks are detected only if it includes the held-out splits.
        made: The record of how the audit was made.
    """
    audited = audit.audited
    reasons = _reasons(audit)
    return CleanFile(
        sources=tuple(
            _clean_source(audited, number, source, reasons)
            for number, source in enumerate(audited.sources)
        ),
        provenance=made,
    )


def _reasons(audit: Audit) -> dict[CleanReason, _Rows]:
    """Mark the training rows that match each rule, as bool (N,)."""
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
    is_kept = is_training & ~np.any(list(reasons.values()), axis=0)
    reasons[CleanReason.DUPLICATE] = _later_duplicates(audited, near, is_kept)
    return {reason: matches & is_training for reason, matches in reasons.items()}


def _later_duplicates(audited: AuditedFaces, near: npt.NDArray[np.int64], is_kept: _Rows) -> _Rows:
    """Mark the kept rows with an earlier duplicate among the kept rows of the same source."""
    rows = np.flatnonzero(is_kept)
    groups = np.stack([audited.source_numbers[rows], near[rows]])
    firsts = np.unique(groups, axis=1, return_index=True)[1]
    is_later = is_kept.copy()
    is_later[rows[firsts]] = False
    return is_later


def _clean_source(
    audited: AuditedFaces, number: int, source: Path, reasons: dict[CleanReason, _Rows]
) -> CleanSource:
    is_training = (audited.source_numbers == number) & (audited.splits == Split.TRAIN)
    training = np.flatnonzero(is_training)
    keys = row_keys(audited.faces.take(training))
    rows = []
    for row, (digest, label, occurrence) in zip(training.tolist(), keys, strict=True):
        row_reasons = tuple(reason for reason, matches in reasons.items() if matches[row])
        if row_reasons:
            location = _relative(audited.faces.locations[row], source)
            rows.append(
                CleanRow(
                    sha256=digest,
                    label=label,
                    occurrence=occurrence,
                    location=location,
                    reasons=row_reasons,
                )
            )
    return CleanSource(
        source=str(source),
        n_training=len(keys),
        training_sha256=content_sha256(keys),
        rows=tuple(rows),
    )


def _relative(location: str, source: Path) -> str:
    for path in (locate(source), source):
        location = location.removeprefix(str(path))
    return location.lstrip("/\\: ")
