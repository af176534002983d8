from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError, InputError
from emolens.datasets.faces import FaceSample, Split
from emolens.datasets.formats import SourceFormat, find_format
from emolens.datasets.readers.ck_plus_sequences import SHEET, is_ck_plus, iter_ck_plus
from emolens.datasets.reading import ReadingReport
from emolens.testing.layouts.ck_plus import write_ck_plus
from emolens.testing.layouts.samples import DrawnSample, draw_samples

HAPPY, CONTEMPT = "5", "2"
NAME = "S005/001/S005_001_"


def drawn(*codes: str, size_px: int = 48) -> list[DrawnSample]:
    """Three faces of every code, and a neutral one, of one person."""
    samples = draw_samples(SHEET, (None,), per_class=3, size_px=size_px)
    return [
        DrawnSample(sample.image, sample.code, sample.emotion, None, subject=0)
        for sample in samples
        if sample.code in codes or (sample.code == "0" and sample.subject == 0)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One sequence: a neutral frame, then three happy ones."""
    return write_ck_plus(tmp_path / "CK+", drawn(HAPPY))


def label_of(folder: Path) -> Path:
    return folder / "Emotion" / f"{NAME}00000004_emotion.txt"


def landmarks_of(folder: Path, frame: int) -> Path:
    return folder / "Landmarks" / f"{NAME}{frame:08d}_landmarks.txt"


def image_of(folder: Path, frame: int) -> Path:
    return folder / "cohn-kanade-images" / f"{NAME}{frame:08d}.png"


def emotions(faces: list[FaceSample]) -> list[Emotion]:
    return [face.emotion for face in faces]


def test_the_first_frame_is_neutral_and_the_last_three_have_the_label(folder: Path) -> None:
    neutral, *happy = drawn(HAPPY)

    faces = list(iter_ck_plus(folder))

    assert emotions(faces) == [Emotion.NEUTRAL, Emotion.HAPPY, Emotion.HAPPY, Emotion.HAPPY]
    assert [face.location for face in faces] == [str(image_of(folder, n)) for n in (1, 2, 3, 4)]
    assert {(face.subject, face.split) for face in faces} == {("S005", None)}
    for face, sample in zip(faces, [neutral, *happy], strict=True):
        assert (face.image == sample.image).all()


@pytest.mark.parametrize("size_px", [33, 200])
def test_the_square_around_the_landmarks_is_cut_out_at_any_size(
    tmp_path: Path, size_px: int
) -> None:
    samples = drawn(HAPPY, size_px=size_px)
    folder = write_ck_plus(tmp_path, samples)

    for face, sample in zip(iter_ck_plus(folder), samples, strict=True):
        assert (face.image == sample.image).all()


def test_frames_in_between_are_not_read(folder: Path) -> None:
    label_of(folder).rename(label_of(folder).with_name("S005_001_00000006_emotion.txt"))
    for frame in (5, 6):
        landmarks_of(folder, frame).write_bytes(landmarks_of(folder, 4).read_bytes())
        image_of(folder, frame).write_bytes(image_of(folder, 4).read_bytes())
    for frame in (2, 3):
        image_of(folder, frame).write_bytes(b"")

    faces = list(iter_ck_plus(folder))

    assert [int(face.location[-12:-4]) for face in faces] == [1, 4, 5, 6]


def test_a_short_sequence_keeps_its_first_frame_neutral(tmp_path: Path) -> None:
    folder = write_ck_plus(tmp_path, drawn(HAPPY)[:2])

    assert emotions(list(iter_ck_plus(folder))) == [Emotion.NEUTRAL, Emotion.HAPPY]


def test_frames_after_the_labelled_one_are_not_read(folder: Path) -> None:
    label_of(folder).rename(label_of(folder).with_name("S005_001_00000003_emotion.txt"))

    assert [int(face.location[-12:-4]) for face in iter_ck_plus(folder)] == [1, 2, 3]


def test_contempt_is_left_out_but_not_its_first_frame(tmp_path: Path) -> None:
    folder = write_ck_plus(tmp_path, drawn(CONTEMPT))
    report = ReadingReport()

    assert emotions(list(iter_ck_plus(folder, report=report))) == [Emotion.NEUTRAL]
    assert report.left_out == {"contempt": 3}


@pytest.mark.parametrize("has_folder", [True, False])
def test_sequences_without_a_label_are_counted(tmp_path: Path, has_folder: bool) -> None:
    folder = write_ck_plus(tmp_path, drawn(HAPPY, CONTEMPT))
    label = folder / "Emotion" / "S005" / "001" / "S005_001_00000004_emotion.txt"
    label.unlink()
    if not has_folder:
        label.parent.rmdir()
    report = ReadingReport()

    assert len(list(iter_ck_plus(folder, report=report))) == 4
    assert report.left_out == {"unlabelled sequence": 1}


def test_a_split_has_no_faces(folder: Path) -> None:
    assert list(iter_ck_plus(folder, Split.TEST)) == []


def test_system_files_and_foreign_ones_are_ignored(folder: Path) -> None:
    for place in ("cohn-kanade-images", "Emotion", "Landmarks"):
        for inner in ("", "S005", "S005/001"):
            (folder / place / inner / ".DS_Store").write_bytes(b"\0")
            (folder / place / inner / "warnings.txt").write_text("x")
    (folder / "FACS").mkdir()
    (folder / "ReadMeCohnKanadeDatabase_website.txt").write_text("x")

    assert find_format(folder) == (SourceFormat.CK_PLUS, folder)
    assert len(list(iter_ck_plus(folder))) == 4


@pytest.mark.parametrize(
    ("content", "emotion"),
    [
        (b"   3.0000000e+00\n", Emotion.DISGUST),
        (b"\xef\xbb\xbf 1\r\n\r\n", Emotion.ANGRY),
        (b"0", Emotion.NEUTRAL),
    ],
)
def test_labels_are_numbers_in_any_writing(folder: Path, content: bytes, emotion: Emotion) -> None:
    label_of(folder).write_bytes(content)

    assert emotions(list(iter_ck_plus(folder))) == [Emotion.NEUTRAL, *[emotion] * 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"line 1: label is ''; expected one of 0 \(neutral\), 1 \(anger\), 2 \(contempt\)"),
        (b"8", r"label is '8'"),
        (b"-1", r"label is '-1'"),
        (b"3.5", r"label is '3\.5'"),
        (b"nan", r"label is 'nan'"),
        (b"1e999", r"label is 'inf'"),
        (b"\xff3", r"label is '\\\\xff3'"),
        (b"happy" * 100, r"label is 'happy.{55}';"),
        pytest.param(b"3" * 100_000, r"line 1 is longer than", id="long line"),
    ],
)
def test_a_broken_label_is_one_fault_and_loses_its_sequence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    folder = write_ck_plus(tmp_path, drawn(HAPPY, "7"))
    label_of(folder).write_bytes(content)
    report = ReadingReport(skip_damaged=True)

    faces = list(iter_ck_plus(folder, report=report))

    assert Counter(emotions(faces)) == {Emotion.NEUTRAL: 1, Emotion.SURPRISE: 3}
    assert report.n_damaged == 1
    with pytest.raises(DatasetError, match=rf"00000004_emotion\.txt: .*{message}"):
        list(iter_ck_plus(folder))


def test_a_label_of_a_frame_that_is_not_there_is_a_fault(folder: Path) -> None:
    image_of(folder, 4).unlink()

    with pytest.raises(DatasetError, match=r"labels the frame S005_001_00000004; expected one"):
        list(iter_ck_plus(folder))


def test_a_label_of_the_first_frame_is_a_fault(folder: Path) -> None:
    label_of(folder).rename(label_of(folder).with_name("S005_001_00000001_emotion.txt"))

    with pytest.raises(DatasetError, match=r"expected one after the first of the 4 frames"):
        list(iter_ck_plus(folder))


def test_a_label_without_its_sequence_is_a_fault(folder: Path) -> None:
    for image in image_of(folder, 1).parent.iterdir():
        image.unlink()
    image_of(folder, 1).parent.rmdir()

    with pytest.raises(DatasetError, match=r"expected one after the first of the 0 frames"):
        list(iter_ck_plus(folder))


def test_two_labels_of_a_sequence_are_a_fault(folder: Path) -> None:
    label_of(folder).with_name("S005_001_00000003_emotion.txt").write_text("3")

    with pytest.raises(
        DatasetError, match=r"contains the labels .*00000003_emo.* expected at most one"
    ):
        list(iter_ck_plus(folder))


def spoil_line(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    def spoil(file: Path) -> None:
        file.write_text("\n".join(change(file.read_text().splitlines())))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (Path.unlink, r"the landmarks of this frame are missing\. Unpack Landmarks\.zip again"),
        (spoil_line(lambda lines: []), r"has 0 landmarks; expected 68 lines of x and y"),
        (spoil_line(lambda lines: lines[1:]), r"has 67 landmarks"),
        (spoil_line(lambda lines: [*lines, "1 2"]), r"has 69 landmarks"),
        (
            spoil_line(lambda lines: ["1", *lines[1:]]),
            r"line 1: found '1'; expected x and y in pix",
        ),
        (spoil_line(lambda lines: ["1 2 3", *lines[1:]]), r"line 1: found '1 2 3'"),
        (spoil_line(lambda lines: [lines[0], "1 x", *lines[2:]]), r"line 2: found '1 x'"),
        (spoil_line(lambda lines: ["nan 1", *lines[1:]]), r"line 1: found 'nan 1'"),
        (spoil_line(lambda lines: ["1 1e300", *lines[1:]]), r"line 1: found '1 1e300'"),
        (spoil_line(lambda lines: ["9 9"] * 68), r"the landmarks lie on one line"),
        (spoil_line(lambda lines: ["9 9", "8 9"] * 34), r"the landmarks lie on one line"),
        (
            spoil_line(lambda lines: ["9000 9000", "9100 9100"] * 34),
            r"00000002\.png: the face box from .* lies outside the image",
        ),
    ],
)
def test_broken_landmarks_are_a_fault_of_their_frame(
    folder: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(landmarks_of(folder, 2))
    report = ReadingReport(skip_damaged=True)

    faces = list(iter_ck_plus(folder, report=report))

    assert [int(face.location[-12:-4]) for face in faces] == [1, 3, 4]
    with pytest.raises(DatasetError, match=message):
        list(iter_ck_plus(folder))


def test_a_broken_frame_is_a_fault_of_its_own(folder: Path) -> None:
    image_of(folder, 1).write_bytes(b"")
    report = ReadingReport(skip_damaged=True)

    assert len(list(iter_ck_plus(folder, report=report))) == 3
    assert "S005_001_00000001.png: not a readable image" in report.damaged[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cohn-kanade-images", r"cohn-kanade-images: the folder of CK\+'s frames is missing"),
        (
            "Emotion",
            r"Emotion: the folder of CK\+'s labels is missing\. Unpack Emotion_labels\.zip",
        ),
        ("Landmarks", r"landmarks is missing\. Unpack Landmarks\.zip there\. The landmarks loc"),
    ],
)
def test_a_folder_that_is_missing_is_named_at_once(folder: Path, name: str, message: str) -> None:
    (folder / name).rename(folder.parent / name)

    assert is_ck_plus(folder)
    with pytest.raises(DatasetError, match=message):
        iter_ck_plus(folder)


@pytest.mark.parametrize("names", [["Emotion"], ["Landmarks"], ["FACS"]])
def test_one_folder_of_many_sets_is_something_else(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).mkdir()

    assert not is_ck_plus(tmp_path)


def test_the_writer_needs_a_neutral_face(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="subject 0 has no neutral face"):
        write_ck_plus(tmp_path, drawn(HAPPY)[1:])


def test_the_sheet_counts_first_frames_and_peaks() -> None:
    counts = SHEET.published_counts()["unknown"]

    assert counts["neutral"] == 327
    assert sum(counts.values()) == 327 + 3 * (327 - 18)
