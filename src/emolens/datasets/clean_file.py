"""Lists of training rows to leave out, for the recipe key `data.clean`.

`emolens data audit SOURCE --clean FILE` writes such a list. It identifies a row by its content: the
digest of its pixels at 48 x 48 px, its label, and its number among the rows with the same pixels
and label. The list therefore stays valid if the data moves to another folder or another lossless
format. A digest of all training rows ties the list to its data.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emolens.contract import Provenance
from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.cleaning import pixel_digests
from emolens.datasets.faces import FaceSet

CLEAN_FORMAT: Literal["emolens clean 1"] = "emolens clean 1"
COMPARED_SIZE_PX: Literal[48] = 48

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
RowKey = tuple[str, int, int]


class CleanReason(StrEnum):
    """Why a training row is left out."""

    NOT_A_FACE = "not_a_face"
    BLANK = "blank"
    LEAK = "leak"
    CONFLICT = "conflict"
    DUPLICATE = "duplicate"


RULES: dict[CleanReason, str] = {
    CleanReason.NOT_A_FACE: "Most votes of FER+'s raters are for not a face.",
    CleanReason.BLANK: "The image has almost no contrast.",
    CleanReason.LEAK: "A held-out split contains an exact duplicate or near-duplicate.",
    CleanReason.CONFLICT: "Its exact duplicates and near-duplicates have different labels; all of "
    "them are left out.",
    CleanReason.DUPLICATE: "An earlier exact duplicate or near-duplicate with the same label is "
    "kept: the first training row of the same source that no other rule leaves out.",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CleanRow(_Part):
    """One training row to leave out.

    Attributes:
        sha256: Digest of its pixels at 48 x 48 px.
        label: Its class, 0..6.
        occurrence: Its number among the training rows with these pixels and this label, from 1.
        location: Its file and row, relative to the source; for readers of the list only.
        reasons: Every rule that leaves it out.
    """

    sha256: Sha256
    label: Annotated[int, Field(ge=0, lt=len(Emotion))]
    occurrence: Annotated[int, Field(ge=1)]
    location: str
    reasons: Annotated[tuple[CleanReason, ...], Field(min_length=1)]

    @property
    def key(self) -> RowKey:
        """The key that identifies the row."""
        return self.sha256, self.label, self.occurrence


class CleanSource(_Part):
    """The rows of one source to leave out.

    Attributes:
        source: Its path when the list was written; for readers of the list only.
        n_training: Number of its training rows.
        training_sha256: `content_sha256` of all training rows.
        rows: The rows to leave out, in the order of the source.
    """

    source: str
    n_training: Annotated[int, Field(ge=0)]
    training_sha256: Sha256
    rows: tuple[CleanRow, ...]


class CleanFile(_Part):
    """The content of a file written by `emolens data audit --clean`."""

    format: Literal["emolens clean 1"] = CLEAN_FORMAT
    size_px: Literal[48] = COMPARED_SIZE_PX
    rules: dict[CleanReason, str] = RULES
    sources: tuple[CleanSource, ...]
    provenance: Provenance | None = None


def row_keys(faces: FaceSet) -> list[RowKey]:
    """Return the key of each row of 48 px faces: pixel digest, label, occurrence from 1."""
    occurrences: Counter[tuple[str, int]] = Counter()
    keys: list[RowKey] = []
    for digest, label in zip(pixel_digests(faces.images), faces.labels.tolist(), strict=True):
        content = (digest.hex(), label)
        occurrences[content] += 1
        keys.append((*content, occurrences[content]))
    return keys


def content_sha256(keys: Sequence[RowKey]) -> str:
    """Compute a digest of rows, independent of their order."""
    lines = "".join(f"{digest} {label} {number}\n" for digest, label, number in sorted(keys))
    return hashlib.sha256(lines.encode("ascii")).hexdigest()


def read_clean_file(path: Path) -> CleanFile:
    """Read and validate a list of rows to leave out.

    Raises:
        DatasetError: The file cannot be read, is not JSON, or has unknown keys or wrong values.
    """
    try:
        return CleanFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        raise DatasetError(
            f"{path}: not a list of rows to leave out: {_problems(error)}. Create one with: "
            "emolens data audit SOURCE --clean FILE.json"
        ) from error


def rows_left_out(path: Path, training: FaceSet) -> npt.NDArray[np.int64]:
    """Find the training rows that a file leaves out.

    Args:
        path: A file written by `emolens data audit --clean`.
        training: All training rows of the data, read at 48 px.

    Returns:
        The row numbers, int64 (P,), in ascending order.

    Raises:
        DatasetError: The file is not such a list, belongs to other data, lists rows that the data
            does not have, or leaves out every row.
    """
    clean = read_clean_file(path)
    keys = row_keys(training)
    content = content_sha256(keys)
    listed = next((one for one in clean.sources if one.training_sha256 == content), None)
    if listed is None:
        made_for = ", ".join(f"{one.source} ({one.n_training} rows)" for one in clean.sources)
        raise DatasetError(
            f"{path}: belongs to the training rows of {made_for or 'no source'}, not to these "
            f"{len(keys)} rows. Create a list for them with: "
            "emolens data audit SOURCE --clean FILE.json"
        )
    row_of = {key: row for row, key in enumerate(keys)}
    unknown = next((row for row in listed.rows if row.key not in row_of), None)
    if unknown is not None:
        raise DatasetError(
            f"{path}: lists {unknown.location}, occurrence {unknown.occurrence}, which is not a "
            "training row of the data. The file was edited; create it again."
        )
    rows = sorted({row_of[row.key] for row in listed.rows})
    if len(rows) == len(keys):
        raise DatasetError(
            f"{path}: lists all {len(rows)} training rows, so none is left. Remove rows from it."
        )
    return np.array(rows, np.int64)


def _problems(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(map(str, problem['loc'])) or 'the file'}: {problem['msg']}"
        for problem in error.errors()
    ]
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    return "; ".join(problems[:3]) + more
