import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split
from emolens.datasets.readers.csv_rows import has_csv_header
from emolens.datasets.readers.fer2013_csv import iter_csv
from emolens.datasets.reading import ReadingReport

HEADER = b"emotion,pixels,Usage\n"
VALUES = np.random.default_rng(7).integers(0, 256, 2304).astype(np.uint8)
VALUES[:3] = 0, 255, 99
PIXELS = " ".join(map(str, VALUES)).encode()
ROW = b"3," + PIXELS + b",Training\n"


def zipped(contents: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return stream.getvalue()


def read(path: Path, content: bytes, split: Split | None = None) -> list[FaceSample]:
    path.write_bytes(content)
    return list(iter_csv(path, split))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "fer2013.csv"


def assert_is_the_face(samples: list[FaceSample]) -> None:
    [face] = samples
    assert face.image.dtype == np.uint8
    assert (face.image == VALUES.reshape(48, 48)).all()
    assert face.emotion is Emotion.HAPPY
    assert face.split is Split.TRAIN


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(HEADER + ROW, id="official"),
        pytest.param(b"emotion, Usage, pixels\n3,Training," + PIXELS + b"\n", id="icml_face_data"),
        pytest.param((HEADER + ROW).replace(b"\n", b"\r\n"), id="crlf"),
        pytest.param((HEADER + ROW).rstrip(), id="no newline at the end"),
        pytest.param(b"\xef\xbb\xbf" + HEADER + ROW, id="byte order mark"),
        pytest.param(HEADER + b'"3","' + PIXELS + b'","Training"\n', id="all quoted"),
        pytest.param(b'"emotion","pixels","Usage"\n' + ROW, id="quoted header"),
        pytest.param(b"\n" + HEADER + b"\n" + ROW + b"\r\n \n", id="empty lines"),
        pytest.param(HEADER + b" 3 , " + PIXELS + b" , Training \n", id="spaces around"),
        pytest.param(HEADER + ROW.replace(b" ", b"  ", 5), id="two spaces between"),
        pytest.param(HEADER + ROW.replace(b" ", b"\t"), id="tabs between"),
        pytest.param(HEADER + ROW.replace(b"3,0 255 99 ", b"3,000 255 099 "), id="zeros in front"),
        pytest.param(b"EMOTION,Pixels,usage\n" + ROW, id="case of the header"),
        pytest.param(
            b",emotion,pixels,Usage\n0," + ROW, id="a further column, as pandas writes its index"
        ),
        pytest.param(HEADER + b"3.0" + ROW[1:], id="floating label"),
        pytest.param(HEADER + b"Happiness" + ROW[1:], id="word as label"),
        pytest.param((HEADER + ROW).replace(b",", b";"), id="semicolons"),
        pytest.param((HEADER + ROW).replace(b",", b"\t"), id="tabs"),
        pytest.param((HEADER + ROW).replace(b",", b"|"), id="bars"),
        pytest.param((b"," + HEADER + b"0," + ROW).replace(b",", b"\t"), id="index and tabs"),
        pytest.param(b"sep=;\r\n" + (HEADER + ROW).replace(b",", b";"), id="line of a spreadsheet"),
        pytest.param(HEADER + ROW + b",,\n;;\n\t\n" + b'"","",""\n', id="rows without values"),
        pytest.param(HEADER + b'3,"' + PIXELS.replace(b" ", b",") + b'",Training\n', id="commas"),
        pytest.param(
            HEADER + b'3,"[' + PIXELS.replace(b" ", b", ") + b']",Training\n', id="Python's list"
        ),
        pytest.param(
            b'emotion,note,pixels,Usage\n3,"a, b",' + ROW[2:], id="a quoted field with a comma"
        ),
        *(
            pytest.param(HEADER + ROW.replace(b"Training", usage), id=f"Usage {usage.decode()}")
            for usage in (b"train", b"TRAIN", b"Training ", b"training", b'"Train"')
        ),
        pytest.param(gzip.compress(HEADER + ROW), id="gzip"),
        pytest.param(zipped({"fer2013.csv": HEADER + ROW}), id="zip"),
    ],
)
def test_every_spelling_gives_the_same_face(file: Path, content: bytes) -> None:
    assert_is_the_face(read(file, content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty; expected a header line"),
        (b"\n\n", r"is empty; expected a header line"),
        (ROW, r"line 1: not the header .* found '3,0 255"),
        (
            b"emotion pixels Usage\n3," + PIXELS,
            r"found 'emotion pix.*expected the columns emotion, ",
        ),
        (HEADER.replace(b",", b";") + ROW, r"row 1 \(line 2\): has 1 fields; the header has 3"),
        (b"emotion,pixels,Usage,pixels\n" + ROW, r"once each"),
        ("emotion,pixels,Usage\n".encode("utf-16"), r"is UTF-16 text. Save it as CSV in UTF"),
        (HEADER + ROW + b"3," + PIXELS, r"row 2 \(line 3\): has 2 fields; the header has 3"),
        (HEADER + ROW.replace(b"\n", b",\n"), r"row 1 \(line 2\): has 4 fields"),
        (HEADER + b"7" + ROW[1:], r"row 1 \(line 2\): emotion is '7'; .* from 0 to 6"),
        (HEADER + b"-1" + ROW[1:], r"emotion is '-1'"),
        (HEADER + b"3.5" + ROW[1:], r"emotion is '3\.5'"),
        (HEADER + b"joyous" + ROW[1:], r"emotion is 'joyous'; .* or a word \(angry/anger, "),
        (HEADER + b"contempt" + ROW[1:], r"emotion is 'contempt'; .* Remove rows of other classes"),
        (HEADER + b"nan" + ROW[1:], r"emotion is 'nan'"),
        (
            (HEADER + ROW).replace(b"\n", b"\r"),
            r"line 1 contains a CR, as in files with CR line",
        ),
        (HEADER + ROW[1:], r"emotion is ''"),
        (
            HEADER + b"3," + PIXELS[:-4].rsplit(b" ", 1)[0] + b",Training\n",
            r"has 230\d pixels; exp",
        ),
        (HEADER + b"3," + PIXELS + b" 1,Training\n", r"has 2305 pixels; expected 2304 \(48 x 48\)"),
        (HEADER + b"3,,Training\n", r"has 0 pixels"),
        (HEADER + ROW.replace(b"3,0 255 ", b"3,0 256 "), r"pixel 2 is '256'; .* from 0 to 255"),
        (HEADER + ROW.replace(b"3,0 255 ", b"3,0 1255 "), r"pixel 2 is '1255'"),
        (HEADER + ROW.replace(b"3,0 255 ", b"3,0 -1 "), r"pixel 2 is '-1'"),
        (HEADER + ROW.replace(b"3,0 255 ", b"3,0 2.5 "), r"pixel 2 is '2\.5'"),
        (HEADER + ROW.replace(b"3,0 255 ", b"3,0 1_0 "), r"pixel 2 is '1_0'"),
        (HEADER + ROW.replace(b"3,0 255 ", b"3,0 \x00 "), r"pixel 2 is '\\x00'"),
        (HEADER + ROW.replace(b"3,0 255 ", b"3,0 \xff "), r"pixel 2 is '\\\\xff'"),
        (HEADER + ROW.replace(b"3,0 255 ", "3,0 ٣ ".encode()), r"pixel 2 is '٣'"),
        (
            HEADER + ROW.replace(b"Training", b"Trainer"),
            r"Usage is 'Trainer'; expected one of Trai",
        ),
        (HEADER + ROW.replace(b"Training", b""), r"Usage is ''"),
        (
            HEADER + ROW.replace(b"Training", b"\x00" * 90),
            r"Usage is '(\\x00){60}'\.\.\.; expected",
        ),
        (HEADER + b"3," + PIXELS * 10 + b",Training\n", r"line 2 is longer than 65536 bytes"),
        (HEADER + b'3,"' + PIXELS + b",Training\n", r"pixel 1 is '\"0'"),
    ],
)
def test_a_broken_file_is_told_by_row_and_expectation(
    file: Path, content: bytes, message: str
) -> None:
    with pytest.raises(DatasetError, match=rf"fer2013\.csv: .*{message}"):
        read(file, content)


def test_the_faces_before_a_broken_row_are_given(file: Path) -> None:
    file.write_bytes(HEADER + ROW + b"9" + ROW[1:])
    samples = iter_csv(file)

    assert_is_the_face([next(samples)])
    with pytest.raises(DatasetError, match=r"row 2 \(line 3\)"):
        next(samples)


def test_a_missing_file_is_a_data_set_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"gone\.csv: cannot be read: No such file"):
        list(iter_csv(tmp_path / "gone.csv"))
    with pytest.raises(DatasetError, match=r"gone\.csv: cannot be read: No such file"):
        has_csv_header(tmp_path / "gone.csv")


def test_only_the_asked_split_is_given(file: Path) -> None:
    rows = [ROW, ROW.replace(b"Training", b"PublicTest"), ROW.replace(b"Training", b"PrivateTest")]
    content = HEADER + b"".join(rows)

    assert [face.split for face in read(file, content)] == list(Split)
    for row, split in enumerate(Split, start=1):
        [face] = read(file, content, split)
        assert face.split is split
        assert face.location == f"{file}: row {row} (line {row + 1})"


@pytest.mark.parametrize(
    ("usage", "split"),
    [
        *(("val", Split.VALIDATION), ("Validation", Split.VALIDATION), ("valid", "validation")),
        *(("Public Test", Split.VALIDATION), ("public_test", Split.VALIDATION)),
        *(
            ("test", Split.TEST),
            ("TEST", Split.TEST),
            ("private-test", "test"),
        ),
    ],
)
def test_common_words_for_a_split_are_read(file: Path, usage: str, split: Split) -> None:
    [face] = read(file, HEADER + ROW.replace(b"Training", usage.encode()))

    assert face.split == split


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *(("train.csv", Split.TRAIN), ("fer2013_val.csv", Split.VALIDATION)),
        *(("Public-Test-1.csv", Split.VALIDATION), ("test.csv", Split.TEST)),
        *(("fer2013.csv", None), ("train_test.csv", None)),
    ],
)
def test_without_usage_the_name_of_the_file_tells_the_split(
    tmp_path: Path, name: str, split: Split | None
) -> None:
    content, report = b"emotion,pixels\nhappy," + PIXELS, ReadingReport()
    for path, stored in (
        (tmp_path / name, content),
        (tmp_path / f"{name}.gz", gzip.compress(content)),
        (tmp_path / "archive.zip", zipped({f"data/{name}": content})),
    ):
        path.write_bytes(stored)
        [face] = iter_csv(path, report=report)
        assert face.split is split
        assert len(list(iter_csv(path, split))) == 1

    expected = [f"all rows are in the split {split}," if split else "its rows have no split. "] * 3
    assert len(report.warnings) == 3
    assert all(part in warning for part, warning in zip(expected, report.warnings, strict=True))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("pixels", r"the column emotion with the labels is missing: .* Kaggle's test\.csv"),
        ("pixels,Usage", r"the column emotion with the labels is missing"),
        ("label,pixels,Usage", r"If the column 'label' is emotion, rename it"),
        ("emotion,pixels,split", r"If the column 'split' is usage, rename it"),
        ("emotion,image,Usage", r"If the column 'image' is pixels, rename it"),
        ("a,b,c", r"not the header of FER2013's CSV"),
        (
            "emotion," + ",".join(f"pixel{number}" for number in range(2304)),
            r"The file has 2,305 columns. Put all pixels of a face into one col",
        ),
    ],
)
def test_other_columns_are_told_with_what_to_do(file: Path, header: str, message: str) -> None:
    with pytest.raises(DatasetError, match=rf"fer2013\.csv: line 1.*{message}"):
        read(file, header.encode() + b"\n" + ROW)


def test_numbers_as_labels_are_warninged_on_once_and_words_are_not(file: Path) -> None:
    report = ReadingReport()
    file.write_bytes(HEADER + ROW + ROW)

    assert len(list(iter_csv(file, report=report))) == len(list(iter_csv(file, report=report))) == 2
    [warning] = report.warnings
    assert warning.startswith(f"{file}: the labels are numbers, read in FER2013's order (0 angry")
    of_words = ReadingReport()
    file.write_bytes(HEADER + b"happy" + ROW[1:])
    assert len(list(iter_csv(file, report=of_words))) == 1
    assert of_words.warnings == []


def test_a_header_alone_holds_no_faces(file: Path) -> None:
    assert read(file, HEADER) == []


def test_lines_are_counted_with_the_empty_ones(file: Path) -> None:
    first, second = read(file, HEADER + b"\n" + ROW + b"\n\n" + ROW)

    assert first.location.endswith("row 1 (line 3)")
    assert second.location.endswith("row 2 (line 6)")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (HEADER, True),
        (b"emotion, Usage, pixels", True),
        (b"", False),
        (b"a,b,c\n", False),
        (b"\x89PNG\r\n\x1a\n", False),
        (b"\x00" * 100_000, False),
    ],
)
def test_the_header_tells_the_format(file: Path, content: bytes, expected: bool) -> None:
    file.write_bytes(content)

    assert has_csv_header(file) is expected


def test_memory_does_not_grow_with_the_file(file: Path) -> None:
    file.write_bytes(HEADER + ROW * 300)  # 2.5 MB
    tracemalloc.start()
    try:
        n_faces = sum(1 for _ in iter_csv(file))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert n_faces == 300
    assert peak_bytes < 1_000_000


@given(
    seed=st.integers(0, 1000),
    limits=st.tuples(st.integers(0, 255), st.integers(0, 255)).map(sorted),
    separator=st.sampled_from([b" ", b"  ", b"\t"]),
)
@settings(max_examples=40, deadline=None)
def test_any_pixels_come_back(
    tmp_path_factory: pytest.TempPathFactory, seed: int, limits: list[int], separator: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "values.csv"
    low, high = limits
    values = np.random.default_rng(seed).integers(low, high, 2304, endpoint=True)
    pixels = separator.join(b"%d" % value for value in values)

    [face] = read(path, HEADER + b"0," + pixels + b",PublicTest")

    assert (face.image.ravel() == values).all()


@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, len(HEADER + ROW + ROW)), st.integers(0, 40), st.binary(max_size=12)
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=150, deadline=None)
def test_a_mutated_file_parses_or_raises_a_data_set_error(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int, bytes]]
) -> None:
    content = HEADER + ROW + ROW
    for position, n_deleted, inserted in edits:
        content = content[:position] + inserted + content[position + n_deleted :]
    path = tmp_path_factory.getbasetemp() / "mutated.csv"

    try:
        faces = read(path, content)
    except DatasetError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 (either outcome is right)
    else:
        assert all(face.image.shape == (48, 48) for face in faces)


@given(content=st.binary(max_size=200), with_header=st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_bytes_parse_or_raise_a_data_set_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, with_header: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"

    try:
        read(path, HEADER * with_header + content)
    except DatasetError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 (either outcome is right)
