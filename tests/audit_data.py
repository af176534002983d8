"""A small data set of drawings with everything that an audit looks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from emolens.datasets.votes import VOTE_NAMES
from tests.drawings import cut_out, drawn_face, drawn_photograph

HAPPY, SAD, NEUTRAL = 3, 4, 6


@dataclass(frozen=True, slots=True)
class Row:
    """One drawing; most of the raters give the answer `seen`."""

    image: npt.NDArray[np.uint8]
    label: int = HAPPY
    split: str = "train"
    seen: str = "happiness"


def near_copy(seed: int) -> npt.NDArray[np.uint8]:
    """Another square of what `drawn_face` of the same number shows."""
    return cut_out(drawn_photograph(seed), left=17)


ROWS = (
    Row(drawn_face(1)),  # row 1, stays
    Row(drawn_face(1)),  # row 2, the same pixels
    Row(near_copy(1)),  # row 3, nearly
    Row(drawn_face(2)),  # row 4, stands in validation
    Row(near_copy(3)),  # row 5, nearly stands in validation
    Row(drawn_face(4), HAPPY),  # rows 6 and 7: the same pixels, other labels
    Row(drawn_face(4), SAD),
    Row(drawn_face(5), NEUTRAL),  # rows 8 and 9: nearly the same, other labels
    Row(near_copy(5), SAD, seen="sadness"),
    Row(np.full((48, 48), 7, np.uint8)),  # row 10, blank
    Row(drawn_face(6), seen="not_face"),  # row 11; row 12 has the same pixels and may stay
    Row(drawn_face(6)),
    Row(drawn_face(7), SAD, seen="sadness"),  # row 13, stays
    Row(drawn_face(2), split="validation"),  # row 14
    Row(drawn_face(3), split="validation"),  # row 15
    Row(drawn_face(8), split="validation"),  # row 16
)


def write_rows(path: Path, rows: Sequence[Row] = ROWS, *, with_votes: bool = True) -> Path:
    """The rows as a Parquet file."""
    encoded = [cv2.imencode(".png", row.image)[1].tobytes() for row in rows]
    columns: dict[str, pa.Array] = {
        "usage": pa.array([row.split for row in rows], pa.string()),
        "emotion": pa.array([row.label for row in rows], pa.int64()),
        "image": pa.array(encoded, pa.binary()),
    }
    if with_votes:
        for name in VOTE_NAMES:
            counts = [8 * (name == row.seen) + 2 * (name == "fear") for row in rows]
            columns[f"ferplus_{name}"] = pa.array(counts, pa.int64())
    pq.write_table(pa.table(columns), path)
    return path
