import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from emolens.core.emotion import LABELS, Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.faces import FaceSample, Split
from emolens.datasets.loading import load_faces
from emolens.datasets.readers import affectnet, fer2013_csv, raf_db
from emolens.datasets.readers.fer2013_parquet import to_table
from emolens.datasets.summary import summarize
from emolens.testing.layouts.affectnet import write_affectnet_annotations
from emolens.testing.layouts.raf_db import write_raf_db
from emolens.testing.layouts.samples import draw_samples
from tests.real_data import FER2013, needs


def put_image(path: Path, *shape: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(len(str(path))).integers(0, 256, shape).astype(np.uint8)
    path.write_bytes(bytes(cv2.imencode(".png", image)[1]))


def test_faces_are_counted_by_split_and_class(tmp_path: Path) -> None:
    put_image(tmp_path / "train" / "sad" / "a.png", 48, 48)
    put_image(tmp_path / "train" / "sad" / "b.png", 30, 60)
    put_image(tmp_path / "test" / "happy" / "a.png", 100, 40)

    summary = summarize(tmp_path)

    assert summary.format_name == "class folders"
    assert summary.n_faces == 3
    assert list(summary.counts) == ["train", "test"]
    assert summary.counts["train"] == {**dict.fromkeys(LABELS, 0), "sad": 2}
    assert summary.counts["test"] == {**dict.fromkeys(LABELS, 0), "happy": 1}
    assert summary.min_size_wh == (40, 30)
    assert summary.max_size_wh == (60, 100)
    for split in (Split.TRAIN, Split.TEST):
        assert summary.sha256[split] == load_faces(tmp_path, split).sha256


def test_faces_without_split_count_as_unknown(tmp_path: Path) -> None:
    put_image(tmp_path / "sad" / "a.png", 48, 48)

    summary = summarize(tmp_path)

    assert list(summary.counts) == ["unknown"]
    assert summary.sha256["unknown"] == load_faces(tmp_path).sha256


def test_the_summary_becomes_json(tmp_path: Path) -> None:
    put_image(tmp_path / "sad" / "a.png", 48, 50)

    values = json.loads(json.dumps(summarize(tmp_path).to_dict()))

    assert values["source"] == str(tmp_path)
    assert values["format"] == "class folders"
    assert values["n_faces"] == 1
    assert values["counts"]["unknown"]["sad"] == 1
    assert values["min_size_wh"] == values["max_size_wh"] == [50, 48]
    assert len(values["sha256"]["unknown"]) == 64


def test_a_source_without_faces_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("emotion,pixels,Usage\n")

    with pytest.raises(DatasetError, match=r"a\.csv: contains no faces"):
        summarize(path)


def test_no_data_set_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Supported: FER2013"):
        summarize(tmp_path)


@pytest.mark.data
@pytest.mark.slow
@needs(FER2013)
def test_the_real_data_set_has_its_published_counts() -> None:
    summary = summarize(FER2013)

    training, public_test = summary.counts["train"], summary.counts["validation"]
    assert list(training.values()) == [3995, 436, 4097, 7215, 4830, 3171, 4965]
    assert list(public_test.values()) == [467, 56, 496, 895, 653, 415, 607]
    assert (sum(training.values()), sum(public_test.values())) == (28_709, 3_589)
    assert summary.min_size_wh == summary.max_size_wh == (48, 48)
    assert summary.data_set == "FER2013"
    assert [check.is_complete for check in summary.published.values()] == [True, True]
    assert [check.has_labels for check in summary.published.values()] == [True, True]
    assert [check.has_votes for check in summary.published.values()] == [True, True]


FACE = np.arange(48 * 48, dtype=np.uint32).reshape(48, 48).astype(np.uint8)
VOTES = tuple(range(10))


def put_faces(path: Path, *faces: FaceSample) -> Path:
    pq.write_table(to_table(faces), path)
    return path


def face(
    emotion: Emotion,
    split: Split | None = Split.TRAIN,
    votes: tuple[int, ...] | None = VOTES,
    subject: str | None = None,
) -> FaceSample:
    return FaceSample(FACE, emotion, split, "", votes, subject)


def test_labels_and_votes_have_digests_of_their_own(tmp_path: Path) -> None:
    path = put_faces(
        tmp_path / "a.parquet",
        face(Emotion.SAD),
        face(Emotion.FEAR, votes=VOTES[::-1]),
        face(Emotion.HAPPY, Split.VALIDATION),
        face(Emotion.HAPPY, Split.VALIDATION, votes=None),
    )

    summary = summarize(path)

    labels = bytes([Emotion.SAD.index, Emotion.FEAR.index])
    assert summary.labels_sha256["train"] == hashlib.sha256(labels).hexdigest()
    votes = bytes([*VOTES, *VOTES[::-1]])
    # Only where every face of a split has votes.
    assert summary.votes_sha256 == {"train": hashlib.sha256(votes).hexdigest()}


@pytest.mark.parametrize(
    ("subjects", "n_subjects"),
    [(("a", "b", "a"), 2), (("a", None, "a"), None), ((None, None, None), None)],
)
def test_people_are_counted_where_all_are_known(
    tmp_path: Path, subjects: tuple[str | None, ...], n_subjects: int | None
) -> None:
    faces = [face(Emotion.SAD, subject=subject) for subject in subjects]

    assert summarize(put_faces(tmp_path / "a.parquet", *faces)).n_subjects == n_subjects


def test_nobody_is_no_number_of_people(tmp_path: Path) -> None:
    faces = put_faces(tmp_path / "a.parquet", face(Emotion.HAPPY))
    assert summarize(faces).n_subjects is None


@pytest.fixture
def raf(tmp_path: Path) -> Path:
    samples = draw_samples(raf_db.SHEET, (Split.TRAIN, Split.TEST), per_class=1)
    return write_raf_db(tmp_path / "raf", samples)


def test_what_cannot_be_read_stops_or_is_counted(raf: Path) -> None:
    for name in ("train_00003", "test_0001"):
        (raf / f"basic/Image/aligned/{name}_aligned.jpg").unlink()

    with pytest.raises(DatasetError, match=r"line 3: the image .*train_00003.* is missing"):
        summarize(raf)
    summary = summarize(raf, skip_damaged=True)

    assert (summary.n_faces, summary.n_damaged) == (12, 2)
    assert [message.split(": ")[1] for message in summary.damaged] == ["line 3", "line 8"]
    values = summary.to_dict()
    assert values["n_damaged"] == 2
    assert values["damaged"] == list(summary.damaged)


def test_classes_that_are_none_of_ours_are_counted_apart(tmp_path: Path) -> None:
    samples = draw_samples(affectnet.SHEET, (Split.TRAIN, Split.VALIDATION), per_class=2)

    summary = summarize(write_affectnet_annotations(tmp_path, samples))

    assert summary.n_faces == 7 * 2 * 2
    assert summary.left_out == {"contempt": 4, "no face": 4, "none": 4, "uncertain": 4}
    assert list(summary.left_out) == sorted(summary.left_out)
    assert summary.to_dict()["left_out"] == summary.left_out


def test_a_published_data_set_is_compared_with_what_is_published(raf: Path) -> None:
    summary = summarize(raf)

    assert summary.data_set == raf_db.SHEET.name
    assert list(summary.published) == ["train", "test"]
    check = summary.published["train"]
    assert check.n_published["happy"] == 4772
    assert (check.is_complete, check.has_labels, check.has_votes) == (False, None, None)
    assert json.loads(json.dumps(summary.to_dict()))["published"]["train"] == {
        "counts": dict(check.n_published),
        "is_complete": False,
        "has_labels": None,
        "has_votes": None,
    }


def small_fer2013(monkeypatch: pytest.MonkeyPatch, **fields: object) -> None:
    """Pretends that FER2013 has been published as two sad faces and one of fear."""
    counts = {"train": {"sad": 2, "fear": 1}, "validation": {"happy": 1}}
    sheet = fer2013_csv.SHEET
    names = sheet.__dataclass_fields__
    changed = {name: getattr(sheet, name) for name in names} | {"counts": counts} | fields
    monkeypatch.setattr(fer2013_csv, "SHEET", type(sheet)(**changed))


COMPLETE = (face(Emotion.SAD), face(Emotion.FEAR), face(Emotion.SAD))


def test_only_complete_splits_of_a_general_format_are_said_to_be_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_fer2013(monkeypatch)

    complete = summarize(put_faces(tmp_path / "a.parquet", *COMPLETE))
    fewer = summarize(put_faces(tmp_path / "b.parquet", *COMPLETE[:2]))

    assert list(complete.published) == ["train"]
    assert complete.published["train"].is_complete
    assert complete.data_set == "FER2013"
    assert (fewer.published, fewer.data_set) == ({}, None)


@pytest.mark.parametrize(
    ("emotions", "votes", "expected"),
    [
        ((4, 2, 4), VOTES, (True, True)),
        ((2, 4, 4), VOTES, (False, True)),
        ((4, 2, 4), VOTES[::-1], (True, False)),
        ((4, 2, 4), None, (True, None)),
    ],
)
def test_labels_and_votes_are_compared_with_the_published_ones(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    emotions: tuple[int, ...],
    votes: tuple[int, ...] | None,
    expected: tuple[bool | None, bool | None],
) -> None:
    small_fer2013(
        monkeypatch,
        labels_sha256={"train": hashlib.sha256(bytes([4, 2, 4])).hexdigest()},
        votes_sha256={"train": hashlib.sha256(bytes(VOTES * 3)).hexdigest()},
    )
    faces = [face(Emotion.from_index(emotion), votes=votes) for emotion in emotions]

    check = summarize(put_faces(tmp_path / "a.parquet", *faces)).published["train"]

    assert check.is_complete
    assert (check.has_labels, check.has_votes) == expected


def test_class_folders_are_nobody_s_published_data_set(tmp_path: Path) -> None:
    put_image(tmp_path / "train" / "sad" / "a.png", 48, 48)

    summary = summarize(tmp_path)

    assert (summary.published, summary.data_set) == ({}, None)


def test_what_was_assumed_stands_in_the_summary(tmp_path: Path) -> None:
    for name in ("0", "1"):
        put_image(tmp_path / "train" / name / "a.png", 48, 48)

    summary = summarize(tmp_path)

    [warning] = summary.warnings
    assert "the class folders 0, 1 are numbers, read in FER2013's order (0 angry" in warning
    assert json.loads(json.dumps(summary.to_dict()))["warnings"] == [warning]
