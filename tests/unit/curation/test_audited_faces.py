from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.errors import DatasetError
from emolens.curation.audited_faces import FaceEntry, join_audited, read_audited
from tests.audit_data import ROWS, write_rows
from tests.drawings import drawn_photograph


def test_all_splits_are_read_with_votes(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "a.parquet")
    audited = read_audited(source)
    assert len(audited) == len(ROWS)
    assert (audited.faces.images == np.stack([row.image for row in ROWS])).all()
    assert audited.splits.tolist() == [row.split for row in ROWS]
    assert audited.split_names == ["train", "validation"]
    assert audited.votes.sum() == 10 * len(ROWS)
    assert audited.entry(6) == FaceEntry(f"{source}: row 7", "train", "sad")


def test_faces_without_votes_or_split_stand_beside_others(tmp_path: Path) -> None:
    first = write_rows(tmp_path / "a.parquet", ROWS[:2])
    folder = tmp_path / "b" / "sad"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "a.png"), drawn_photograph(0))
    audited = join_audited([read_audited(first), read_audited(tmp_path / "b")])
    assert audited.sources == (first, tmp_path / "b")
    assert audited.source_numbers.tolist() == [0, 0, 1]
    assert audited.splits.tolist() == ["train", "train", "unknown"]
    assert audited.split_names == ["train", "unknown"]
    assert audited.votes.sum(axis=1).tolist() == [10, 10, 0]
    assert audited.faces.images.shape == (3, 48, 48)


def test_a_source_without_faces_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"a\.parquet: contains no faces"):
        read_audited(write_rows(tmp_path / "a.parquet", ()))


def test_an_unreadable_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="none"):
        read_audited(tmp_path / "none")
