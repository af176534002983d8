from pathlib import Path

import numpy as np
import pytest

from emolens.curation.audit import audit
from emolens.curation.audited_faces import join_audited, read_audited
from emolens.curation.clean_rows import list_clean_rows
from emolens.datasets.clean_file import RULES, CleanFile, CleanReason, rows_left_out
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from tests.audit_data import ROWS, Row, near_copy, write_rows
from tests.drawings import drawn_face

DUPLICATE, LEAK, CONFLICT = CleanReason.DUPLICATE, CleanReason.LEAK, CleanReason.CONFLICT


def clean_rows(*sources: Path) -> CleanFile:
    return list_clean_rows(audit(join_audited([read_audited(source) for source in sources])))


def reasons(clean: CleanFile, source: int = 0) -> dict[str, tuple[CleanReason, ...]]:
    return {row.location: row.reasons for row in clean.sources[source].rows}


def test_every_row_has_its_reasons_and_one_copy_stays(tmp_path: Path) -> None:
    clean = clean_rows(write_rows(tmp_path / "a.parquet"))
    assert reasons(clean) == {
        "row 2": (DUPLICATE,),
        "row 3": (DUPLICATE,),
        "row 4": (LEAK,),
        "row 5": (LEAK,),
        "row 6": (CONFLICT,),
        "row 7": (CONFLICT,),
        "row 8": (CONFLICT,),
        "row 9": (CONFLICT,),
        "row 10": (CleanReason.BLANK,),
        "row 11": (CleanReason.NOT_A_FACE,),
    }
    assert clean.sources[0].n_training == 13
    assert clean.rules == RULES


def test_what_stays_is_clean(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "a.parquet")
    path = tmp_path / "clean.json"
    path.write_text(clean_rows(source).model_dump_json())
    training = load_faces(source, Split.TRAIN)
    kept = np.delete(np.arange(len(training)), rows_left_out(path, training))
    assert [training.locations[row].rpartition(": ")[2] for row in kept] == [
        "row 1",
        "row 12",
        "row 13",
    ]


def test_a_row_may_have_several_reasons(tmp_path: Path) -> None:
    blank = np.full((48, 48), 9, np.uint8)
    rows = [
        Row(blank, seen="not_face"),
        Row(blank, 4),
        Row(drawn_face(0)),
        Row(blank, split="test"),
    ]
    clean = clean_rows(write_rows(tmp_path / "a.parquet", rows))
    assert reasons(clean) == {
        "row 1": (CleanReason.NOT_A_FACE, CleanReason.BLANK, LEAK, CONFLICT),
        "row 2": (CleanReason.BLANK, LEAK, CONFLICT),
    }


def test_of_copies_in_two_sources_one_stays_in_each(tmp_path: Path) -> None:
    rows = [Row(drawn_face(1)), Row(near_copy(1))]
    sources = [write_rows(tmp_path / f"{name}.parquet", rows) for name in "ab"]
    clean = clean_rows(*sources)
    assert reasons(clean, 0) == reasons(clean, 1) == {"row 2": (DUPLICATE,)}
    assert [one.source for one in clean.sources] == list(map(str, sources))


def test_a_leak_into_another_source_is_one(tmp_path: Path) -> None:
    training = write_rows(tmp_path / "training.parquet", ROWS[:13])
    clean = clean_rows(training, write_rows(tmp_path / "test.parquet", ROWS[13:]))
    assert reasons(clean)["row 4"] == reasons(clean)["row 5"] == (LEAK,)
    assert clean.sources[1].rows == ()
    assert "row 4" not in reasons(clean_rows(training))


@pytest.mark.parametrize("split", ["train", "validation"])
def test_rows_of_one_split_alone(tmp_path: Path, split: str) -> None:
    rows = [row for row in ROWS if row.split == split]
    clean = clean_rows(write_rows(tmp_path / "a.parquet", rows))
    assert all(LEAK not in named for named in reasons(clean).values())
    assert bool(reasons(clean)) == (split == "train")


def test_locations_are_relative_to_the_source(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_rows(tmp_path / name / "part.parquet")
    first, second = (clean_rows(tmp_path / name) for name in ("one", "two"))
    assert "part.parquet: row 2" in reasons(first)
    assert first.sources[0].rows == second.sources[0].rows


def test_locations_are_relative_also_below_the_folder_of_all_data_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOLENS_DATA", str(tmp_path))
    write_rows(tmp_path / "faces.parquet")
    (source,) = clean_rows(Path("faces.parquet")).sources
    assert source.source == "faces.parquet"
    assert {row.location for row in source.rows} <= {f"row {n + 1}" for n in range(len(ROWS))}
