"""FER2013 with FER+ votes as Parquet: one row per picture, pixels as encoded bytes."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emolens.core.emotion import N_EMOTIONS, Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split

_COLUMNS = ("usage", "emotion", "image")
_BATCH_ROWS = 1024


def iter_parquet(path: Path, split: Split | None = None) -> Iterator[FaceSample]:
    """Read one Parquet file in row batches, so memory does not grow with the file.

    Args:
        path: A file with the columns `usage` (FER2013's split name), `emotion` (0..6) and `image`
            (bytes of a grey picture in a format OpenCV decodes, e.g. lossless WebP).
        split: Only the faces of this split, or all.

    Raises:
        DatasetError: Not Parquet, a missing column, or a row that breaks the format; the message
            names file, row and what was expected.
    """
    try:
        table = pq.ParquetFile(path)
        missing = [name for name in _COLUMNS if name not in table.schema_arrow.names]
        if missing:
            raise DatasetError(
                f"{path}: no column {', '.join(missing)}; a FER2013 Parquet file has "
                f"{', '.join(_COLUMNS)}, this one has {', '.join(table.schema_arrow.names)}"
            )
        row = 0
        for batch in table.iter_batches(_BATCH_ROWS, columns=list(_COLUMNS)):
            columns = (batch.column(name).to_pylist() for name in _COLUMNS)
            for usage, emotion, image in zip(*columns, strict=True):
                location = f"{path}: row {row}"
                row += 1
                face_split = _split(usage, location)
                if split is None or face_split is split:
                    yield FaceSample(
                        _decode(image, location), _emotion(emotion, location), face_split, location
                    )
    except (pa.ArrowInvalid, OSError) as error:
        raise DatasetError(f"{path}: not a readable Parquet file: {error}") from error


def _split(usage: object, location: str) -> Split:
    if usage not in list(Split):
        raise DatasetError(f"{location}: usage is {usage!r}; expected one of {', '.join(Split)}")
    return Split(str(usage))


def _emotion(emotion: object, location: str) -> Emotion:
    if not isinstance(emotion, int) or not 0 <= emotion < N_EMOTIONS:
        raise DatasetError(
            f"{location}: emotion is {emotion!r}; expected a whole number from 0 to 6"
        )
    return Emotion(emotion)


def _decode(encoded: object, location: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    image = None
    if isinstance(encoded, bytes) and encoded:
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise DatasetError(f"{location}: column image holds no readable picture")
    return np.asarray(image, np.uint8)
