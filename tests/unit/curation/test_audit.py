import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from emolens.curation.audit import Audit, audit, members_of
from emolens.curation.audited_faces import FaceEntry, join_audited, read_audited
from emolens.datasets.faces import Split
from tests.audit_data import ROWS, Row, write_rows
from tests.drawings import drawn_face
from tests.real_data import FER2013, needs


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return audit(read_audited(write_rows(tmp_path_factory.mktemp("data") / "faces.parquet")))


def row_numbers(entries: tuple[FaceEntry, ...]) -> list[int]:
    return [int(entry.location.rpartition("row ")[2]) for entry in entries]


def test_faces_are_counted_by_split_and_class(found: Audit) -> None:
    assert found.counts["train"]["happy"] == 9
    assert found.counts["train"]["disgust"] == 0
    assert sum(found.counts["validation"].values()) == 3
    assert list(found.counts) == ["train", "validation"]


def test_copies_are_counted(found: Audit) -> None:
    exact, near = found.exact, found.near
    # Exact: rows 1 2, 4 14, 6 7, 11 12; near: 1 2 3, 4 14, 5 15, 6 7, 8 9, 11 12.
    assert (exact.n_groups, exact.n_faces, exact.n_spare) == (4, 8, 4)
    assert (near.n_groups, near.n_faces, near.n_spare) == (6, 13, 7)
    assert (exact.n_across_splits, near.n_across_splits) == (1, 2)
    assert (exact.n_conflicting, near.n_conflicting) == (1, 2)
    assert (exact.sizes, near.sizes) == ({2: 4}, {2: 5, 3: 1})


def test_leaks_are_listed_with_their_copies(found: Audit) -> None:
    (pair,) = found.splits
    assert (pair.held_out, pair.other, pair.n_faces) == ("validation", "train", 3)
    assert (pair.n_exact, pair.n_near) == (1, 2)
    listed = [(row_numbers((leak.face, *leak.copies)), leak.is_exact) for leak in pair.leaks]
    assert listed == [([14, 4], True), ([15, 5], False)]


def test_conflicts_are_listed(found: Audit) -> None:
    listed = [(row_numbers(conflict.faces), conflict.is_exact) for conflict in found.conflicts]
    assert listed == [([6, 7], True), ([8, 9], False)]
    assert [entry.label for entry in found.conflicts[0].faces] == ["happy", "sad"]


def test_blanks_and_non_faces_are_listed(found: Audit) -> None:
    assert row_numbers(found.blanks) == [10]
    assert found.not_faces is not None
    assert row_numbers(found.not_faces) == [11]


def test_agreement_is_counted_by_label(found: Audit) -> None:
    assert found.agreement is not None
    assert found.agreement["happy"].n_unique == 12
    assert found.agreement["happy"].share == pytest.approx(11 / 12)
    assert found.agreement["sad"].share == pytest.approx(2 / 3)
    assert found.agreement["neutral"].share == 0
    assert found.agreement["fear"].share is None
    assert (found.agreement["all"].n_voted, found.agreement["all"].n_agreeing) == (16, 13)


def test_the_record_is_plain_json(found: Audit) -> None:
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert record["n_faces"] == 16
    assert record["splits"][0]["leaks"][0]["face"]["split"] == "validation"
    assert record["near_copies"]["sizes"] == {"2": 5, "3": 1}
    assert record["agreement"]["all"]["share"] == pytest.approx(13 / 16)


def test_without_votes_nothing_is_said_about_them(tmp_path: Path) -> None:
    found = audit(read_audited(write_rows(tmp_path / "a.parquet", with_votes=False)))
    assert found.not_faces is None
    assert found.agreement is None
    assert found.to_dict()["agreement"] is found.to_dict()["not_faces"] is None
    assert found.near.n_groups == 6


def test_a_single_split_has_no_leaks(tmp_path: Path) -> None:
    training = [row for row in ROWS if row.split == "train"]
    found = audit(read_audited(write_rows(tmp_path / "a.parquet", training)))
    assert found.splits == ()
    assert found.near.n_across_splits == 0


def test_every_pair_of_three_splits_is_compared(tmp_path: Path) -> None:
    rows = [Row(drawn_face(0), split=split) for split in reversed(Split)]
    found = audit(read_audited(write_rows(tmp_path / "a.parquet", rows)))
    assert [(pair.held_out, pair.other, pair.n_exact) for pair in found.splits] == [
        ("validation", "train", 1),
        ("test", "train", 1),
        ("test", "validation", 1),
    ]


def test_copies_in_another_source_are_found(tmp_path: Path) -> None:
    names = ("training", "test")
    parts = (ROWS[:13], ROWS[13:])
    sources = [
        read_audited(write_rows(tmp_path / f"{name}.parquet", rows))
        for name, rows in zip(names, parts, strict=True)
    ]
    (pair,) = audit(join_audited(sources)).splits
    assert (pair.n_exact, pair.n_near) == (1, 2)
    assert pair.leaks[0].copies[0].location == f"{tmp_path / 'training.parquet'}: row 4"


def test_progress_ends_with_all_faces(tmp_path: Path) -> None:
    seen: list[int] = []
    audit(read_audited(write_rows(tmp_path / "a.parquet")), seen.append)
    assert seen[-1] == len(ROWS)


def test_members_are_rows_of_groups_of_two_or_more() -> None:
    groups = np.array([0, 1, 0, 2, 3, 2, 2], np.int64)
    assert [rows.tolist() for rows in members_of(groups)] == [[0, 2], [3, 5, 6]]
    assert members_of(np.zeros(0, np.int64)) == []


@pytest.mark.data
@pytest.mark.slow
@needs(FER2013)
def test_fer2013_has_what_counting_its_bytes_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exact copies alone: to look for near ones takes a minute of computing."""
    monkeypatch.setattr("emolens.datasets.duplicates.likely_pairs", lambda *_: iter(()))
    found = audit(read_audited(FER2013))
    assert len(found.audited) == 32298
    (pair,) = found.splits
    assert (pair.n_faces, pair.n_exact, len(pair.leaks)) == (3589, 280, 280)
    assert all(leak.is_exact and leak.copies for leak in pair.leaks)
    assert found.not_faces is not None
    assert len(found.not_faces) == 161  # of the 177 in all splits
    assert found.agreement is not None
    assert found.agreement["all"].share == pytest.approx(0.65, abs=0.005)
    images = [image.tobytes() for image in found.audited.faces.images]
    copies = Counter(images)
    assert found.exact.n_groups == sum(n_copies > 1 for n_copies in copies.values())
    assert found.exact.n_faces == sum(n_copies for n_copies in copies.values() if n_copies > 1)
