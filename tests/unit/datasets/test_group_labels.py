from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.group_labels import MAX_GROUPS, NO_GROUP, group_name, read_group_labels
from emolens.datasets.loading import load_faces
from emolens.datasets.readers import raf_db
from emolens.testing import drawn_faces
from emolens.testing.layouts.files import write_lossless
from emolens.testing.layouts.raf_db import write_raf_db
from emolens.testing.layouts.samples import draw_samples

FACES = drawn_faces(7)
PIXELS = [" ".join(map(str, image.ravel())) for image in FACES.images]


def write_csv(file: Path, values: list[str], column: str = "Age", separator: str = ",") -> Path:
    rows = [separator.join(("emotion", "pixels", "Usage", column))]
    rows += [
        separator.join((str(row % 7), PIXELS[row % 7], "PublicTest", value))
        for row, value in enumerate(values)
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


def write_parquet(file: Path, values: pa.Array) -> Path:
    rows = len(values)
    table = {
        "usage": ["PublicTest"] * rows,
        "emotion": [row % 7 for row in range(rows)],
        "pixels": [PIXELS[row % 7] for row in range(rows)],
        "Age": values,
    }
    pq.write_table(pa.table(table), file)
    return file


def write_folders(root: Path, table: str | None) -> Path:
    for name in ("a", "b"):
        write_lossless(root / "train/happy" / f"{name}.png", FACES.images[3])
        write_lossless(root / "test/sad" / f"{name}.png", FACES.images[4])
    if table is not None:
        (root / "groups.csv").write_text(table, encoding="utf-8")
    return root


def groups_of(source: Path, column: str = "age") -> list[str]:
    labels = read_group_labels(source, column)
    return [labels.of(location) for location in load_faces(source).locations]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("NaN", None),
        (float("nan"), None),
        (NO_GROUP, None),
        (" old ", "old"),
        (3, "3"),
        (3.0, "3"),
        (2.5, "2.5"),
        (True, "True"),
        ("None", "None"),
    ],
)
def test_values_are_named(value: object, name: str | None) -> None:
    assert group_name(value) == name


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_has_its_groups_in_a_column(tmp_path: Path, separator: str) -> None:
    file = write_csv(tmp_path / "a.csv", ["old", "", "3", '"young"'], separator=separator)
    assert groups_of(file) == ["old", NO_GROUP, "3", "young"]
    assert groups_of(file, "AGE") == ["old", NO_GROUP, "3", "young"]


def test_a_quoted_group_may_contain_the_separator(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", ['"18, 19"', "20"])
    assert groups_of(file) == ["18, 19", "20"]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (pa.array(["old", None, "old"]), ["old", NO_GROUP, "old"]),
        (pa.array([1, None, 2]), ["1", NO_GROUP, "2"]),
        (pa.array([1.0, float("nan"), None]), ["1", NO_GROUP, NO_GROUP]),
        (pa.array([True, False, None]), ["True", "False", NO_GROUP]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
    ],
)
def test_parquet_may_have_text_and_numbers(
    tmp_path: Path, values: pa.Array, names: list[str]
) -> None:
    assert groups_of(write_parquet(tmp_path / "a.parquet", values)) == names


def test_a_folder_of_parquet_files_has_the_groups_of_each(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", pa.array(["x", "y"]))
    write_parquet(tmp_path / "b.parquet", pa.array(["z"]))
    assert groups_of(tmp_path) == ["x", "y", "z"]


def test_class_folders_have_a_table_beside_them(tmp_path: Path) -> None:
    table = "path;Age\ntrain/happy/a.png;old\n\ntrain\\happy\\b.png;\n./test/sad/a.png; young \n"
    root = write_folders(tmp_path / "faces", table)
    assert groups_of(root) == ["old", NO_GROUP, "young", NO_GROUP]
    labels = read_group_labels(root, "age")
    assert labels.warnings == ()
    assert labels.of("elsewhere") == NO_GROUP


def test_paths_without_an_image_are_counted(tmp_path: Path) -> None:
    table = "path,age\ntrain/happy/a.png,old\ntrain/happy/z.png,old\n"
    [warning] = read_group_labels(write_folders(tmp_path / "faces", table), "age").warnings
    assert "1 of 2 paths name no image, such as 'train/happy/z.png'" in warning


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (None, "groups.csv is missing"),
        ("", "expected one column 'path'; found"),
        ("file,age\nx,1\n", "expected one column 'path'; found file, age"),
        ("path,sex\nx,1\n", "expected one column 'age'; found path, sex"),
        ("path,age,Age\nx,1,2\n", "expected one column 'age'; found path, age, age"),
        ("path,age\ntrain/happy/a.png\n", "line 2: has 1 fields; the header has 2"),
        ("path,age\n../a.png,1\n", "expected a path inside"),
        ("path,age\n/etc/passwd,1\n", "expected a path inside"),
        ("path,age\ntrain/happy/a.png,1\ntrain/happy/a.png,2\n", "in the groups '1' and '2'"),
        ("path,age\ntrain/happy/a.png,\n", "has no values"),
        ('path,age\n"train/happy/a.png,1\n', "cannot be read"),
    ],
)
def test_a_damaged_table_of_class_folders_says_so(
    tmp_path: Path, table: str | None, problem: str
) -> None:
    root = write_folders(tmp_path / "faces", table)
    with pytest.raises(DatasetError) as raised:
        read_group_labels(root, "age")
    assert problem in str(raised.value)


def test_a_table_that_is_not_text_says_so(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "faces", "")
    (root / "groups.csv").write_bytes(b"path,age\n\xff\xfe\x00,1\n")
    with pytest.raises(DatasetError, match="Save it as CSV in UTF-8"):
        read_group_labels(root, "age")


def test_a_missing_column_lists_those_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected one column 'sex'; found emotion, pixels"):
        read_group_labels(write_csv(tmp_path / "a.csv", ["x"]), "sex")
    file = write_parquet(tmp_path / "a.parquet", pa.array(["x"]))
    with pytest.raises(DatasetError, match="expected one column 'sex'; found usage, emotion"):
        read_group_labels(file, "sex")


@pytest.mark.parametrize("values", [pa.array([b"x"]), pa.array([["x"]])])
def test_bytes_and_lists_are_no_groups(tmp_path: Path, values: pa.Array) -> None:
    with pytest.raises(DatasetError, match="expected text or numbers"):
        read_group_labels(write_parquet(tmp_path / "a.parquet", values), "age")


def test_a_column_without_values_and_one_with_too_many_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no values"):
        read_group_labels(write_csv(tmp_path / "a.csv", ["", "nan"]), "age")
    most = write_csv(tmp_path / "b.csv", [str(n) for n in range(MAX_GROUPS)])
    assert len(set(groups_of(most))) == MAX_GROUPS
    more = write_csv(tmp_path / "c.csv", [str(n) for n in range(200)])
    with pytest.raises(DatasetError, match="has 200 different values .* at most 50 groups"):
        read_group_labels(more, "age")


def test_a_published_set_has_no_column_of_groups(tmp_path: Path) -> None:
    write_raf_db(tmp_path / "raf", draw_samples(raf_db.SHEET, (Split.TEST,), per_class=1))
    with pytest.raises(DatasetError, match=r"found RAF-DB\. Make a Parquet file"):
        read_group_labels(tmp_path / "raf", "age")


def test_a_damaged_parquet_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DatasetError, match="not a readable Parquet file"):
        read_group_labels(tmp_path / "a.parquet", "age")
