from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split
from emolens.datasets.readers.fer2013_parquet import (
    SCHEMA,
    iter_parquet,
    iter_parquet_folder,
    parquet_files,
    to_table,
    warnings_metadata,
)
from emolens.datasets.reading import ReadingReport
from emolens.datasets.votes import VOTE_NAMES

FACE = np.random.default_rng(3).integers(0, 256, (48, 48)).astype(np.uint8)


def encode(image: np.ndarray, suffix: str = ".webp", *options: int) -> bytes:
    if suffix == ".webp":
        options = (cv2.IMWRITE_WEBP_QUALITY, 101)  # above 100 means lossless
    is_done, encoded = cv2.imencode(suffix, image, options)
    assert is_done
    return bytes(encoded)


def write(path: Path, **columns: object) -> Path:
    """A file of two good rows, with some columns replaced."""
    table: Mapping[str, object] = {
        "usage": ["Training", "PublicTest"],
        "emotion": pa.array([3, 6], pa.int8()),
        "image": [encode(FACE), encode(FACE)],
        **columns,
    }
    path.parent.mkdir(exist_ok=True)
    pq.write_table(
        pa.table({key: value for key, value in table.items() if value is not None}), path
    )
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "faces.parquet"


def test_rows_become_faces_without_loss(file: Path) -> None:
    write(file, ferplus_neutral=pa.array([0, 10], pa.uint8()))

    first, second = iter_parquet(file)

    assert (first.image == FACE).all()
    assert first.image.shape == (48, 48)
    assert (first.emotion, second.emotion) == (Emotion.HAPPY, Emotion.NEUTRAL)
    assert (first.split, second.split) == (Split.TRAIN, Split.VALIDATION)
    assert (first.location, second.location) == (f"{file}: row 1", f"{file}: row 2")


@pytest.mark.parametrize(
    "columns",
    [
        {"emotion": pa.array([3.0, 6.0])},
        {"emotion": pa.array([3.0, 6.0], pa.float32())},
        {"emotion": pa.array(["3", "6.0"])},
        {"emotion": pa.array(["happy", "Neutral"])},
        {"emotion": pa.array(["happiness", "neutral"]).dictionary_encode()},
        {"emotion": None, "Emotion": pa.array([3, 6])},
        {"usage": None, "Usage": ["train", "val"]},
        {"usage": ["TRAIN", "Public Test"]},
        {"image": [{"bytes": encode(FACE), "path": "a.webp"}] * 2},
        {"image": None, "pixels": [" ".join(map(str, FACE.ravel()))] * 2},
    ],
)
def test_other_ways_to_write_a_table_give_the_same_faces(
    file: Path, columns: dict[str, object]
) -> None:
    write(file, **columns)

    faces = list(iter_parquet(file))

    assert [(face.emotion, face.split) for face in faces] == [
        (Emotion.HAPPY, Split.TRAIN),
        (Emotion.NEUTRAL, Split.VALIDATION),
    ]
    assert all((face.image == FACE).all() for face in faces)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *(("train-00000-of-00001.parquet", Split.TRAIN), ("public-test.pq", Split.VALIDATION)),
        ("faces.parquet", None),
    ],
)
def test_without_usage_the_name_of_the_file_tells_the_split(
    tmp_path: Path, name: str, split: Split | None
) -> None:
    path, report = write(tmp_path / name, usage=None), ReadingReport()

    assert [face.split for face in iter_parquet(path, report=report)] == [split, split]
    assert len(list(iter_parquet(path, split))) == 2
    assert "the column Usage is missing" in report.warnings[0]


def test_the_numbers_of_faces_that_ferplus_rated_are_fer2013s(file: Path) -> None:
    report = ReadingReport()
    write(file, **vote_table([1] * 10, [1] * 10))

    assert len(list(iter_parquet(file, report=report))) == 2
    assert report.warnings == []


def test_numbers_as_labels_are_warninged_on_unless_they_were_written_here(tmp_path: Path) -> None:
    foreign, own = ReadingReport(), ReadingReport()
    write(tmp_path / "foreign" / "a.parquet")
    write(tmp_path / "foreign" / "b.parquet")
    (tmp_path / "own").mkdir()
    pq.write_table(to_table(SAMPLES), tmp_path / "own" / "a.parquet")

    assert len(list(iter_parquet_folder(tmp_path / "foreign", report=foreign))) == 4
    assert len(list(iter_parquet_folder(tmp_path / "own", report=own))) == len(SAMPLES)
    [warning] = foreign.warnings
    assert warning.startswith(f"{tmp_path / 'foreign'}: the labels are numbers, read in FER2013's")
    assert own.warnings == []


@pytest.mark.parametrize("written", [["folders: assumed"], []])
def test_warnings_travel_with_a_file(file: Path, written: list[str]) -> None:
    with pq.ParquetWriter(file, SCHEMA) as writer:
        writer.write_table(to_table(SAMPLES))
        writer.add_key_value_metadata(warnings_metadata(written))
    report = ReadingReport()

    assert len(list(iter_parquet(file, report=report))) == len(SAMPLES)
    assert report.warnings == [f"{file}: converted from {warning}" for warning in written]


@pytest.mark.parametrize("damaged", ["[", "{}", "3", "\x00"])
def test_damaged_warnings_are_none(file: Path, damaged: str) -> None:
    with pq.ParquetWriter(file, SCHEMA) as writer:
        writer.write_table(to_table(SAMPLES))
        writer.add_key_value_metadata({"emolens_warnings": damaged})
    report = ReadingReport()

    assert len(list(iter_parquet(file, report=report))) == len(SAMPLES)
    assert report.warnings == []


def test_only_the_asked_split_is_given(file: Path) -> None:
    write(file)

    [face] = iter_parquet(file, Split.VALIDATION)

    assert face.location == f"{file}: row 2"
    assert list(iter_parquet(file, Split.TEST)) == []


def test_other_sizes_colours_and_formats_are_read_as_grey(file: Path) -> None:
    colored = cv2.merge([FACE, FACE, FACE])
    small = FACE[:20, :30].copy()
    write(file, image=[encode(colored, ".png"), encode(small, ".bmp")])

    first, second = iter_parquet(file)

    assert (first.image == FACE).all()
    assert (second.image == small).all()


def test_text_may_be_stored_as_categories_or_large(file: Path) -> None:
    usage = pa.array(["Training", "PublicTest"])
    image = pa.array([encode(FACE)] * 2, pa.large_binary())
    write(file, usage=usage.dictionary_encode(), image=image, emotion=pa.array([0, 1], pa.int64()))
    assert len(list(iter_parquet(file))) == 2
    write(file, usage=usage.cast(pa.large_string()))
    assert len(list(iter_parquet(file))) == 2


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": None}, r"expected one column image; found usage, emotion\. A"),
        (
            {"emotion": None, "label": [3, 6]},
            r"expected one column emotion; .*If the column 'label' is",
        ),
        (
            {"usage": None, "split": ["a", "b"]},
            r"expected one column usage; .*If the column 'split' is",
        ),
        ({"image": None, "emotion": None}, r"expected one column emotion and one column image"),
        ({"usage": pa.array([1, 2])}, r"column usage has type int64; expected text"),
        ({"emotion": pa.array([3.0, 6.5])}, r"row 2: emotion is '6\.5'"),
        ({"emotion": pa.array(["happy", "glad"])}, r"row 2: emotion is 'glad'; .* or a word"),
        (
            {"emotion": pa.array([True, True])},
            r"column emotion has type bool; expected whole numbers",
        ),
        ({"image": ["a", "b"]}, r"column image has type string; expected bytes of an en"),
        ({"image": [[1], [2]]}, r"column image has type list.*; expected bytes of an en"),
        ({"usage": ["Training", "tset"]}, r"row 2: usage is 'tset'; expected one of Training, Pu"),
        ({"emotion": pa.array([3, 7])}, r"row 2: emotion is '7'; expected .* 0 to 6"),
        ({"emotion": pa.array([3, -1])}, r"row 2: emotion is '-1'"),
        ({"emotion": pa.array([3, None], pa.int8())}, r"row 2: emotion is ''"),
        ({"image": [encode(FACE), None]}, r"row 2: image (is None|cannot be decoded)"),
        ({"image": [encode(FACE), b""]}, r"row 2: image (is None|cannot be decoded)"),
        ({"image": [encode(FACE), b"no image"]}, r"row 2: image (is None|cannot be decoded)"),
        (
            {"image": [encode(FACE), encode(FACE)[:-200]]},
            r"row 2: image (is None|cannot be decoded)",
        ),
        (
            {"image": [encode(FACE), encode(FACE, ".png")[:-200]]},
            r"row 2: image (is None|cannot be decoded)",
        ),
        (
            {"image": [encode(FACE), encode(FACE, ".jpg")[:-200]]},
            r"row 2: image (is None|cannot be decoded)",
        ),
    ],
)
def test_a_broken_file_is_told_by_row_and_expectation(
    file: Path, columns: dict[str, object], message: str
) -> None:
    write(file, **columns)

    with pytest.raises(DatasetError, match=rf"faces\.parquet: {message}"):
        list(iter_parquet(file))


def test_a_doubled_column_is_refused(file: Path) -> None:
    pq.write_table(pa.table([[1], [2]], names=["emotion", "emotion"]), file)

    with pytest.raises(DatasetError, match=r"expected one column emotion and one column image"):
        list(iter_parquet(file))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 and more that is no Parquet PAR1"])
def test_a_file_of_another_kind_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)

    with pytest.raises(DatasetError, match=r"faces\.parquet: not a readable Parquet file"):
        list(iter_parquet(file))


def test_a_missing_file_is_a_data_set_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone\.parquet: not a readable Parquet file"):
        list(iter_parquet(tmp_path / "gone.parquet"))


def test_a_truncated_file_is_refused(file: Path) -> None:
    content = write(file).read_bytes()
    file.write_bytes(content[: len(content) // 2])

    with pytest.raises(DatasetError, match=r"not a readable Parquet file"):
        list(iter_parquet(file))


@given(damage=st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 255)), min_size=1))
@settings(max_examples=60, deadline=None)
def test_damage_is_read_over_or_raises_a_data_set_error(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]]
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "damaged.parquet")
    content = bytearray(path.read_bytes())
    for position, mask in damage:
        content[position % len(content)] ^= mask
    path.write_bytes(content)

    try:
        list(iter_parquet(path))
    except DatasetError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 (either outcome is right)


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    for name in ("part-10.parquet", "part-2.parquet", "._part-1.parquet", "Part-3.PARQUET", "a.pq"):
        write(tmp_path / name)
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "deeper.parquet").mkdir()

    names = [path.name for path in parquet_files(tmp_path)]

    assert names == ["Part-3.PARQUET", "a.pq", "part-2.parquet", "part-10.parquet"]
    locations = [face.location for face in iter_parquet_folder(tmp_path, Split.TRAIN)]
    assert locations == [f"{tmp_path / name}: row 1" for name in names]


def test_memory_does_not_grow_with_the_file(file: Path) -> None:
    image = encode(np.zeros((200, 250), np.uint8), ".bmp")
    n_faces = 800
    columns = {
        "usage": ["Training"] * n_faces,
        "emotion": [0] * n_faces,
        "image": [image] * n_faces,
    }
    # One row group of 40 MB in pages of usual size: reading must not hold the group at once.
    pq.write_table(
        pa.table(columns), file, compression="none", use_dictionary=False, write_batch_size=16
    )
    before = pa.total_allocated_bytes()

    peak_bytes = max(pa.total_allocated_bytes() - before for _ in iter_parquet(file))

    assert peak_bytes < file.stat().st_size / 2


def vote_table(*rows: list[int] | None) -> dict[str, pa.Array]:
    """Vote columns from a list of ten counts, or None, for each row."""
    return {
        f"ferplus_{name}": pa.array([None if row is None else row[place] for row in rows])
        for place, name in enumerate(VOTE_NAMES)
    }


def test_a_face_may_lack_a_split(file: Path) -> None:
    write(file, usage=["Training", None])

    assert [face.split for face in iter_parquet(file)] == [Split.TRAIN, None]
    assert [face.location for face in iter_parquet(file, Split.TRAIN)] == [f"{file}: row 1"]
    write(file, usage=pa.array([None, None], pa.string()))
    assert [face.split for face in iter_parquet(file)] == [None, None]


def test_a_face_may_lack_votes(file: Path) -> None:
    counts = list(range(10))
    write(file, **vote_table(None, counts))

    assert [face.votes for face in iter_parquet(file)] == [None, tuple(counts)]


def test_votes_of_nobody_are_no_lack_of_votes(file: Path) -> None:
    write(file, **vote_table([0] * 10, None))

    assert [face.votes for face in iter_parquet(file)] == [(0,) * 10, None]


@pytest.mark.parametrize("count", [None, -1, 256])
def test_votes_are_all_there_or_none(file: Path, count: int | None) -> None:
    broken = vote_table([1] * 10, [1] * 10) | {"ferplus_fear": pa.array([1, count], pa.int16())}
    write(file, **broken)

    with pytest.raises(
        DatasetError, match=r"row 2: the FER\+ votes are \[.*\]; expected ten whole"
    ):
        list(iter_parquet(file))


def test_nine_of_the_ten_columns_are_no_votes(file: Path) -> None:
    columns = vote_table([1] * 10, [1] * 10)
    del columns["ferplus_fear"]
    write(file, **columns)

    assert [face.votes for face in iter_parquet(file)] == [None, None]


def test_people_are_read_where_they_are_numbered(file: Path) -> None:
    write(file, subject=["S05", None])
    assert [face.subject for face in iter_parquet(file)] == ["S05", None]
    write(file, subject=pa.array([7, 8]))
    assert [face.subject for face in iter_parquet(file)] == ["7", "8"]
    write(file)
    assert [face.subject for face in iter_parquet(file)] == [None, None]


SAMPLES = [
    FaceSample(FACE, Emotion.SAD, Split.TRAIN, "a", tuple(range(10)), "S05"),
    FaceSample(FACE[:20, :30].copy(), Emotion.ANGRY, None, "b", None, None),
    FaceSample(FACE[::2, ::2], Emotion.NEUTRAL, Split.TEST, "c", (0,) * 10, ""),
]


def test_what_is_written_reads_back_without_loss(file: Path) -> None:
    pq.write_table(to_table(SAMPLES), file)

    found = list(iter_parquet(file))

    for face, sample in zip(found, SAMPLES, strict=True):
        assert face.image.shape == sample.image.shape
        assert (face.image == sample.image).all()
        assert (face.emotion, face.split) == (sample.emotion, sample.split)
        assert (face.votes, face.subject) == (sample.votes, sample.subject)


def test_no_faces_are_written_as_an_empty_table(file: Path) -> None:
    pq.write_table(to_table([]), file)

    assert list(iter_parquet(file)) == []


def test_broken_rows_may_be_skipped_and_counted(file: Path) -> None:
    write(file, usage=["tset", "PublicTest"], emotion=pa.array([3, 6], pa.int8()))
    report = ReadingReport(skip_damaged=True)

    [face] = iter_parquet(file, report=report)

    assert face.location == f"{file}: row 2"
    assert report.n_damaged == 1
    assert report.damaged[0].startswith(f"{file}: row 1: usage is 'tset'")


@pytest.mark.parametrize("name", ["subject", "ferplus_fear"])
def test_a_doubled_further_column_is_refused_too(file: Path, name: str) -> None:
    table = to_table(SAMPLES)
    pq.write_table(table.append_column(name, table[name]), file)

    with pytest.raises(DatasetError, match=name):
        list(iter_parquet(file))
