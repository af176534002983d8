"""What every data set reader keeps to: the same faces in any format are the same faces."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.core.emotion import LABELS, N_EMOTIONS, Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.loading import iter_faces, load_faces
from emolens.datasets.readers.fer2013_usage import USAGES
from emolens.datasets.summary import summarize


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawing with a label, not a person."""

    image: npt.NDArray[np.uint8]
    emotion: Emotion
    split: Split


def draw(seed: int) -> npt.NDArray[np.uint8]:
    """A disc, a line and noise, 48 x 48."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 60, (48, 48)).astype(np.uint8)
    x, y, radius = (int(value) for value in random.integers(10, 30, 3))
    cv2.circle(image, (x, y), radius, 180, thickness=-1)
    cv2.line(image, (y, x), (47, radius), 255, thickness=2)
    return image


# In the order that class folders are read in, so that order matters to none of the formats.
FACES = [
    Drawn(draw(100 * index + 10 * emotion.index + copy), emotion, split)
    for index, split in enumerate(Split)
    for emotion in Emotion
    for copy in range(1 + emotion.index % 3)
]


def write_csv(path: Path, faces: Sequence[Drawn]) -> Path:
    rows = [
        f"{face.emotion.index},{' '.join(map(str, face.image.ravel()))},{USAGES[face.split]}\n"
        for face in faces
    ]
    path.write_text("emotion,pixels,Usage\n" + "".join(rows))
    return path


def write_icml_csv(path: Path, faces: Sequence[Drawn]) -> Path:
    rows = [
        f'{face.emotion.index},{USAGES[face.split]},"{" ".join(map(str, face.image.ravel()))}"\r\n'
        for face in faces
    ]
    path.write_bytes(("emotion, Usage, pixels\r\n" + "".join(rows)).encode())
    return path


def write_parquet(path: Path, faces: Sequence[Drawn]) -> Path:
    lossless = (cv2.IMWRITE_WEBP_QUALITY, 101)
    columns = {
        "usage": [USAGES[face.split] for face in faces],
        "emotion": pa.array([face.emotion.index for face in faces], pa.int8()),
        "image": [bytes(cv2.imencode(".webp", face.image, lossless)[1]) for face in faces],
    }
    pq.write_table(pa.table(columns), path)
    return path


def write_parquet_folder(path: Path, faces: Sequence[Drawn]) -> Path:
    path.mkdir()
    for part, start in enumerate(range(0, len(faces), 4)):
        write_parquet(path / f"part-{part}.parquet", faces[start : start + 4])
    return path


def write_class_folders(path: Path, faces: Sequence[Drawn]) -> Path:
    names = {Split.TRAIN: "train", Split.VALIDATION: "val", Split.TEST: "test"}
    for index, face in enumerate(faces):
        folder = path / names[face.split] / face.emotion.label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{index}.png").write_bytes(bytes(cv2.imencode(".png", face.image)[1]))
    return path


def write_jpeg_copy_layout(path: Path, faces: Sequence[Drawn]) -> Path:
    """The layout of the JPEG copy, with PNG inside: the file name tells the split."""
    for index, face in enumerate(faces):
        parent = "train" if face.split is Split.TRAIN else "test"
        folder = path / parent / face.emotion.label
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{USAGES[face.split]}_{index}.png"
        file.write_bytes(bytes(cv2.imencode(".png", face.image)[1]))
    return path


Writer = Callable[[Path, Sequence[Drawn]], Path]
READERS = pytest.mark.parametrize(
    "write",
    [
        pytest.param(write_csv, id="csv"),
        pytest.param(write_icml_csv, id="icml csv"),
        pytest.param(write_parquet, id="parquet"),
        pytest.param(write_parquet_folder, id="parquet folder"),
        pytest.param(write_class_folders, id="class folders"),
        pytest.param(write_jpeg_copy_layout, id="jpeg copy layout"),
    ],
)


@READERS
@pytest.mark.parametrize("split", list(Split))
def test_a_split_has_the_same_pixels_labels_and_digest(
    tmp_path: Path, write: Writer, split: Split
) -> None:
    expected = [face for face in FACES if face.split is split]

    faces = load_faces(write(tmp_path / "source", FACES), split)

    assert (faces.images == np.stack([face.image for face in expected])).all()
    assert faces.labels.tolist() == [face.emotion.index for face in expected]
    reference = load_faces(write_csv(tmp_path / "reference.csv", FACES), split)
    assert faces.sha256 == reference.sha256


@READERS
def test_every_face_is_given_once_with_its_split_and_place(tmp_path: Path, write: Writer) -> None:
    source = write(tmp_path / "source", FACES)

    samples = list(iter_faces(source))

    by_split = {split: [s for s in samples if s.split is split] for split in Split}
    for split, given in by_split.items():
        assert [sample.emotion for sample in given] == [
            face.emotion for face in FACES if face.split is split
        ]
    assert len({sample.location for sample in samples}) == len(samples) == len(FACES)
    assert all(sample.location.startswith(str(source)) for sample in samples)
    assert all(
        sample.image.dtype == np.uint8 and sample.image.shape == (48, 48) for sample in samples
    )


@READERS
def test_reading_twice_gives_the_same(tmp_path: Path, write: Writer) -> None:
    source = write(tmp_path / "source", FACES)

    assert load_faces(source).sha256 == load_faces(source).sha256
    assert load_faces(source).locations == load_faces(source).locations


@READERS
def test_the_summary_agrees_with_the_faces(tmp_path: Path, write: Writer) -> None:
    source = write(tmp_path / "source", FACES)

    summary = summarize(source)

    assert summary.n_faces == len(FACES)
    assert set(summary.counts) == set(Split)
    for split in Split:
        faces = load_faces(source, split)
        assert list(summary.counts[split]) == list(LABELS)
        assert list(summary.counts[split].values()) == faces.class_counts.tolist()
        assert summary.sha256[split] == faces.sha256


@READERS
def test_a_split_that_is_not_there_is_refused(tmp_path: Path, write: Writer) -> None:
    source = write(tmp_path / "source", [face for face in FACES if face.split is Split.TRAIN])

    with pytest.raises(DatasetError, match=r"no faces of split validation; found 13 of split"):
        load_faces(source, Split.VALIDATION)


def test_the_drawn_faces_cover_all_classes_and_splits() -> None:
    assert {(face.split, face.emotion) for face in FACES} == {
        (split, Emotion.from_index(value)) for split in Split for value in range(N_EMOTIONS)
    }
