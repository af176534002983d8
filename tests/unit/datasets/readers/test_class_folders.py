import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.formats import SourceFormat, find_format
from emolens.datasets.readers.class_folders import has_class_folders, iter_class_folders
from emolens.datasets.readers.raf_db import SHEET as RAF_DB_SHEET
from emolens.datasets.reading import ReadingReport
from emolens.testing.layouts.class_folders import write_class_folders
from emolens.testing.layouts.samples import draw_samples

FACE = np.random.default_rng(5).integers(0, 256, (48, 48)).astype(np.uint8)
NEEDS_LINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")


def put(path: Path, image: np.ndarray = FACE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    is_done, encoded = cv2.imencode(path.suffix, image)
    assert is_done
    path.write_bytes(bytes(encoded))
    return path


def listed(root: Path, split: Split | None = None) -> list[tuple[str, Emotion, Split | None]]:
    return [
        (Path(face.location).relative_to(root).as_posix(), face.emotion, face.split)
        for face in iter_class_folders(root, split)
    ]


def test_split_folders_are_read_in_the_order_of_the_official_csv(tmp_path: Path) -> None:
    for name in ("test/sad/a.png", "valid/happy/a.png", "train/sad/a.png", "train/angry/b.png"):
        put(tmp_path / name)

    assert listed(tmp_path) == [
        ("train/angry/b.png", Emotion.ANGRY, Split.TRAIN),
        ("train/sad/a.png", Emotion.SAD, Split.TRAIN),
        ("valid/happy/a.png", Emotion.HAPPY, Split.VALIDATION),
        ("test/sad/a.png", Emotion.SAD, Split.TEST),
    ]
    assert listed(tmp_path, Split.TEST) == [("test/sad/a.png", Emotion.SAD, Split.TEST)]


def test_class_folders_alone_have_no_split(tmp_path: Path) -> None:
    put(tmp_path / "neutral" / "a.png")
    put(tmp_path / "fear" / "a.png")

    assert listed(tmp_path) == [
        ("fear/a.png", Emotion.FEAR, None),
        ("neutral/a.png", Emotion.NEUTRAL, None),
    ]
    assert listed(tmp_path, Split.TRAIN) == []


@pytest.mark.parametrize(
    ("name", "emotion"),
    [
        ("anger", Emotion.ANGRY),
        ("Disgusted", Emotion.DISGUST),
        ("FEARFUL", Emotion.FEAR),
        ("Happiness", Emotion.HAPPY),
        ("sadness", Emotion.SAD),
        ("surprised", Emotion.SURPRISE),
        ("Neutral", Emotion.NEUTRAL),
        ("0", Emotion.ANGRY),
    ],
)
def test_common_spellings_of_a_class_are_read(tmp_path: Path, name: str, emotion: Emotion) -> None:
    put(tmp_path / name / "a.png")

    assert listed(tmp_path) == [(f"{name}/a.png", emotion, None)]


def test_a_split_in_the_file_name_wins_over_the_folder(tmp_path: Path) -> None:
    for name in ("PublicTest_10.jpg", "PublicTest_9.jpg", "PrivateTest_1.jpg", "other.jpg"):
        put(tmp_path / "test" / "happy" / name)
    put(tmp_path / "train" / "happy" / "Training_7.jpg")

    assert [name for name, _, _ in listed(tmp_path, Split.VALIDATION)] == [
        "test/happy/PublicTest_9.jpg",
        "test/happy/PublicTest_10.jpg",
    ]
    assert [name for name, _, _ in listed(tmp_path, Split.TEST)] == [
        "test/happy/PrivateTest_1.jpg",
        "test/happy/other.jpg",
    ]
    assert len(listed(tmp_path, Split.TRAIN)) == 1


def test_a_split_in_the_file_name_counts_without_split_folders(tmp_path: Path) -> None:
    put(tmp_path / "happy" / "Training_7.jpg")

    assert listed(tmp_path) == [("happy/Training_7.jpg", Emotion.HAPPY, Split.TRAIN)]


def test_grey_and_colour_of_any_size_are_read_as_grey(tmp_path: Path) -> None:
    put(tmp_path / "sad" / "1.png", cv2.merge([FACE, FACE, FACE]))
    put(tmp_path / "sad" / "2.png", FACE[:20, :31].copy())
    put(tmp_path / "sad" / "3.bmp", np.full((60, 70, 3), (0, 0, 255), np.uint8))

    first, second, third = (face.image for face in iter_class_folders(tmp_path))

    assert (first == FACE).all()
    assert (second == FACE[:20, :31]).all()
    assert third.shape == (60, 70)
    assert (third == 76).all()  # red has 29.9 % of the luma (ITU-R BT.601)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_a_grey_image_stays_exact(tmp_path: Path, suffix: str) -> None:
    smooth = cv2.GaussianBlur(FACE, (9, 9), 3)
    path = put(tmp_path / "sad" / f"a{suffix}", smooth)
    [face] = iter_class_folders(tmp_path)

    expected = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)

    assert expected is not None
    if expected.ndim == 3:  # WebP has no grey, and a lossy one may leave a tint
        expected = cv2.cvtColor(expected, cv2.COLOR_BGR2GRAY)
    assert (face.image == expected).all()


def test_every_grey_value_survives_the_way_over_colour(tmp_path: Path) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    put(tmp_path / "sad" / "a.png", ramp)

    [face] = iter_class_folders(tmp_path)

    assert (face.image == ramp).all()


def test_hidden_and_foreign_files_are_ignored(tmp_path: Path) -> None:
    put(tmp_path / "train" / "sad" / "a.png")
    put(tmp_path / "train" / "unlabelled.png")
    put(tmp_path / "contact_sheet.png")
    (tmp_path / "train" / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".git").mkdir()
    for name in (".DS_Store", "Thumbs.db", "._a.png", "warnings.txt", "labels.csv"):
        (tmp_path / "train" / "sad" / name).write_bytes(b"x")

    assert [name for name, _, _ in listed(tmp_path)] == ["train/sad/a.png"]


def test_empty_class_folders_are_fine(tmp_path: Path) -> None:
    (tmp_path / "train" / "disgust").mkdir(parents=True)
    (tmp_path / "test").mkdir()

    assert listed(tmp_path) == []


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        (
            "train/contempt",
            r"contempt: unknown class folder 'contempt'; allowed: angry/anger, disg",
        ),
        ("train/7", r"unknown class folder '7'; numbers are read .* only if they are 0 to 6"),
        ("train/7", r'label_map\.toml\. Replace each "\?"(.|\n)*\n\[classes\]\n"7" = "\?"$'),
        ("train/train/happy", r"unknown class folder 'train'"),
        ("images/train/happy", r"the folder 'images' is not a split, unlike train\. Move it"),
        ("fold2/happy", r"assign it a split below \[splits\] in .*label_map\.toml"),
        ("train/happy/person1", r"person1: is a folder inside the class folder 'happy'"),
    ],
)
def test_a_folder_that_does_not_fit_is_refused(tmp_path: Path, folder: str, message: str) -> None:
    put(tmp_path / "train" / "angry" / "a.png")
    (tmp_path / folder).mkdir(parents=True)

    with pytest.raises(DatasetError, match=message):
        list(iter_class_folders(tmp_path))


def test_an_unknown_class_folder_is_refused_before_the_first_face(tmp_path: Path) -> None:
    put(tmp_path / "angry" / "a.png")
    (tmp_path / "zorn").mkdir()

    with pytest.raises(DatasetError, match=r"unknown class folder 'zorn'"):
        iter_class_folders(tmp_path)


def test_a_root_without_class_folders_shows_the_layouts(tmp_path: Path) -> None:
    put(tmp_path / "a.png")

    with pytest.raises(DatasetError, match=r"no class folders; expected .*train/happy/\*\.jpg"):
        iter_class_folders(tmp_path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.bmp"])
@pytest.mark.parametrize("kept", [0.0, 0.05, 0.6])
def test_a_truncated_image_is_named(tmp_path: Path, name: str, kept: float) -> None:
    path = put(tmp_path / "sad" / name)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(DatasetError, match=rf"sad.{name}"):
        list(iter_class_folders(tmp_path))


def test_a_text_called_jpg_is_named(tmp_path: Path) -> None:
    path = put(tmp_path / "sad" / "a.jpg")
    path.write_text("<html>not found</html>")

    with pytest.raises(DatasetError, match=r"sad.a\.jpg"):
        list(iter_class_folders(tmp_path))


@NEEDS_LINKS
@pytest.mark.timeout(20)
@pytest.mark.parametrize("link", ["train", "train/happy/loop", "loop", "happy"])
def test_links_in_a_circle_end_in_an_error(tmp_path: Path, link: str) -> None:
    put(tmp_path / "test" / "happy" / "a.png")
    path = tmp_path / link
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(tmp_path, target_is_directory=True)

    with pytest.raises(DatasetError):
        list(iter_class_folders(tmp_path))


@NEEDS_LINKS
@pytest.mark.timeout(20)
def test_an_image_that_links_to_itself_is_named(tmp_path: Path) -> None:
    put(tmp_path / "happy" / "a.png")
    (tmp_path / "happy" / "b.png").symlink_to("b.png")

    with pytest.raises(DatasetError, match=r"happy.b\.png"):
        list(iter_class_folders(tmp_path))


@NEEDS_LINKS
def test_links_to_folders_and_images_are_followed(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "glad" / "x.png")
    root = tmp_path / "root"
    root.mkdir()
    (root / "happy").symlink_to(tmp_path / "elsewhere" / "glad", target_is_directory=True)

    assert listed(root) == [("happy/x.png", Emotion.HAPPY, None)]


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("train", True), ("Sadness", True), ("3", True), ("docs", False), (".train", False)],
)
def test_the_names_of_folders_tell_the_format(tmp_path: Path, folder: str, expected: bool) -> None:
    (tmp_path / folder).mkdir()

    assert has_class_folders(tmp_path) is expected


def write_map(root: Path, text: str) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "label_map.toml").write_text(text)


def test_a_label_map_says_what_folders_are(tmp_path: Path) -> None:
    for name in ("fold1/1/a.png", "fold1/joy/a.png", "fold2/1/a.png", "test/Joy/a.png"):
        put(tmp_path / name)
    write_map(
        tmp_path,
        '[classes]\n1 = "surprise"\njoy = "happy"\n'
        '[splits]\nfold1 = "Training"\nfold2 = "validation"\n',
    )

    assert listed(tmp_path) == [
        ("fold1/joy/a.png", Emotion.HAPPY, Split.TRAIN),
        ("fold1/1/a.png", Emotion.SURPRISE, Split.TRAIN),
        ("fold2/1/a.png", Emotion.SURPRISE, Split.VALIDATION),
        ("test/Joy/a.png", Emotion.HAPPY, Split.TEST),
    ]


def test_what_a_label_map_leaves_out_is_counted_and_not_opened(tmp_path: Path) -> None:
    put(tmp_path / "train" / "happy" / "a.png")
    for name in ("train/contempt/a.png", "train/contempt/b.png", "test/contempt/c.png"):
        put(tmp_path / name).write_bytes(b"")
    write_map(tmp_path, '[classes]\ncontempt = "leave out"\n')
    report, of_test = ReadingReport(), ReadingReport()

    assert len(list(iter_class_folders(tmp_path, report=report))) == 1
    assert list(iter_class_folders(tmp_path, Split.TEST, of_test)) == []
    assert report.left_out == {"contempt": 3}
    assert of_test.left_out == {"contempt": 1}


def test_a_label_map_wins_over_known_names(tmp_path: Path) -> None:
    for name in ("happy", "sad", "val"):
        put(tmp_path / name / "happy" / "a.png")
    write_map(
        tmp_path,
        '[classes]\nhappy = "sad"\n[splits]\nval = "test"\nhappy = "train"\nsad = "val"\n',
    )

    assert listed(tmp_path) == [
        ("happy/happy/a.png", Emotion.SAD, Split.TRAIN),
        ("sad/happy/a.png", Emotion.SAD, Split.VALIDATION),
        ("val/happy/a.png", Emotion.SAD, Split.TEST),
    ]


def test_names_that_a_label_map_does_not_have_keep_their_meaning(tmp_path: Path) -> None:
    for name in ("0", "joy", "fear"):
        put(tmp_path / name / "a.png")
    write_map(tmp_path, '[classes]\njoy = "happy"\n')

    assert [emotion for _, emotion, _ in listed(tmp_path)] == [
        Emotion.ANGRY,
        Emotion.FEAR,
        Emotion.HAPPY,
    ]


def test_a_label_map_names_all_numbers_or_none(tmp_path: Path) -> None:
    for name in ("1", "2"):
        put(tmp_path / name / "a.png")
    write_map(tmp_path, '[classes]\n1 = "surprise"\n')

    with pytest.raises(
        DatasetError, match=r"unknown class folder '2'; .*so it must list every number"
    ):
        iter_class_folders(tmp_path)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('[classes]\nhapy = "happy"\nzorn = "angry"', "'hapy', 'zorn'"),
        ('[classes]\nhappy = "happy"\n[splits]\ntrian = "Training"', "'trian'"),
        ('[classes]\nHAPPY = "happy"\nHappy = "happy"', "'HAPPY', 'Happy'"),
    ],
)
def test_a_name_in_a_label_map_that_no_folder_has_is_refused(
    tmp_path: Path, text: str, names: str
) -> None:
    put(tmp_path / "train" / "happy" / "a.png")
    write_map(tmp_path, text)

    with pytest.raises(
        DatasetError, match=rf"label_map\.toml: lists {names}, but there is no such"
    ):
        iter_class_folders(tmp_path)


def test_a_broken_label_map_is_told_at_once(tmp_path: Path) -> None:
    put(tmp_path / "happy" / "a.png")
    write_map(tmp_path, "[classes")

    with pytest.raises(DatasetError, match=r"label_map\.toml: not TOML"):
        iter_class_folders(tmp_path)


def test_a_label_map_tells_the_format(tmp_path: Path) -> None:
    (tmp_path / "joy").mkdir()
    assert not has_class_folders(tmp_path)

    write_map(tmp_path, "[classes]\n")
    assert has_class_folders(tmp_path)


def test_the_layout_that_is_written_is_read(tmp_path: Path) -> None:
    samples = draw_samples(RAF_DB_SHEET, tuple(Split))
    root = write_class_folders(tmp_path / "drawn", samples)

    faces = list(iter_class_folders(root))

    assert find_format(root) == (SourceFormat.CLASS_FOLDERS, root)
    expected = {sample.image.tobytes(): (sample.emotion, sample.split) for sample in samples}
    assert {face.image.tobytes(): (face.emotion, face.split) for face in faces} == expected
