"""Files that list training rows to leave out, and how recipes use them (`data.clean`).

`emolens data audit SOURCE --clean FILE` writes one. A row is known by what it shows: the digest of
its pixels at 48 x 48 px, its label and which of the rows with this same content it is. So a file
stays good when the data moves to another folder or another lossless format. A digest over all
training rows tells whether the file was made for the data at hand.
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
    CleanReason.NOT_A_FACE: "FER+'s raters say most often that it shows no face.",
    CleanReason.BLANK: "It has almost no contrast.",
    CleanReason.LEAK: "The photograph stands in a held-out split too, exactly or nearly.",
    CleanReason.CONFLICT: "Exact or near copies of it have different labels; all of them go.",
    CleanReason.DUPLICATE: "An exact or near copy with the same label stays: the first one in the "
    "Training rows of the same source that no other rule names.",
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CleanRow(_Part):
    """One training row to leave out.

    Attributes:
        sha256: Digest of its pixels at 48 x 48 px.
        label: Its class, 0..6.
        occurrence: Which of the training rows with these pixels and this label, counted from 1.
        location: Where it stood, relative to the source; for people.
        reasons: Every rule that names it.
    """

    sha256: Sha256
    label: Annotated[int, Field(ge=0, lt=len(Emotion))]
    occurrence: Annotated[int, Field(ge=1)]
    location: str
    reasons: Annotated[tuple[CleanReason, ...], Field(min_length=1)]

    @property
    def key(self) -> RowKey:
        """What the row is known by."""
        return self.sha256, self.label, self.occurrence


class CleanSource(_Part):
    """The rows of one source to leave out.

    Attributes:
        source: Its path when the file was made; for people.
        n_training: Number of its training rows.
        training_sha256: `content_sha256` of them.
        rows: Those to leave out, in the order of the source.
    """

    source: str
    n_training: Annotated[int, Field(ge=0)]
    training_sha256: Sha256
    rows: tuple[CleanRow, ...]


class CleanFile(_Part):
    """What `emolens data audit --clean` writes."""

    format: Literal["emolens clean 1"] = CLEAN_FORMAT
    size_px: Literal[48] = COMPARED_SIZE_PX
    rules: dict[CleanReason, str] = RULES
    sources: tuple[CleanSource, ...]


def row_keys(faces: FaceSet) -> list[RowKey]:
    """What each row of faces of 48 px is known by: pixels, label, occurrence from 1."""
    seen: Counter[tuple[str, int]] = Counter()
    keys: list[RowKey] = []
    for digest, label in zip(pixel_digests(faces.images), faces.labels.tolist(), strict=True):
        content = (digest.hex(), label)
        seen[content] += 1
        keys.append((*content, seen[content]))
    return keys


def content_sha256(keys: Sequence[RowKey]) -> str:
    """A digest of rows that does not depend on their order."""
    lines = "".join(f"{digest} {label} {number}\n" for digest, label, number in sorted(keys))
    return hashlib.sha256(lines.encode("ascii")).hexdigest()


def read_clean_file(path: Path) -> CleanFile:
    """Read and check a file of rows to leave out.

    Raises:
        DatasetError: It cannot be read, is no JSON, or has unknown keys or wrong values.
    """
    try:
        return CleanFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        raise DatasetError(
            f"{path}: is no list of rows to leave out: {_problems(error)}; make one with "
            "emolens data audit SOURCE --clean FILE.json"
        ) from error


def rows_left_out(path: Path, training: FaceSet) -> npt.NDArray[np.int64]:
    """Which training rows a file says to leave out.

    Args:
        path: A file that `emolens data audit --clean` wrote.
        training: All training rows of the data, read at 48 px.

    Returns:
        int64 (P,), in rising order.

    Raises:
        DatasetError: The file is none, was made for other data, names rows that the data has not,
            or leaves nothing.
    """
    clean = read_clean_file(path)
    keys = row_keys(training)
    content = content_sha256(keys)
    listed = next((one for one in clean.sources if one.training_sha256 == content), None)
    if listed is None:
        made_for = ", ".join(f"{one.source} ({one.n_training} rows)" for one in clean.sources)
        raise DatasetError(
            f"{path}: was made for the training rows of {made_for or 'nothing'}, not for the "
            f"{len(keys)} rows given; make one for them with: "
            "emolens data audit SOURCE --clean FILE.json"
        )
    places = {key: row for row, key in enumerate(keys)}
    unknown = next((row for row in listed.rows if row.key not in places), None)
    if unknown is not None:
        raise DatasetError(
            f"{path}: lists {unknown.location}, occurrence {unknown.occurrence}, which is no "
            "training row of the data; the file was changed, make it anew"
        )
    rows = sorted({places[row.key] for row in listed.rows})
    if len(rows) == len(keys):
        raise DatasetError(f"{path}: leaves no training row; take rows off the list")
    return np.array(rows, np.int64)


def _problems(error: ValidationError) -> str:
    found = [
        f"{'.'.join(map(str, problem['loc'])) or 'the file'}: {problem['msg']}"
        for problem in error.errors()
    ]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return "; ".join(found[:3]) + more
