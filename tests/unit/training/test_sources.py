from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import ConfigError, DatasetError
from emolens.datasets.cleaning import pixel_digests
from emolens.datasets.faces import FaceSet, Split
from emolens.datasets.loading import load_faces
from emolens.datasets.readers import expw, raf_db
from emolens.testing.layouts.expw import write_expw
from emolens.testing.layouts.raf_db import write_raf_db
from emolens.testing.layouts.samples import draw_samples
from emolens.training.recipe import DataSection
from emolens.training.sources import (
    SourceFaces,
    digests_of_test_split,
    load_source,
    load_source_validation,
)
from tests.unit.training.face_files import SIDE_PX, both_splits, faces, of_people, write


def load(source: Path, size_px: int = SIDE_PX, **keys: object) -> SourceFaces:
    return load_source(section(source, **keys), size_px)


def section(source: Path, **keys: object) -> DataSection:
    return DataSection.model_validate({"name": "mine", "source": source, **keys})


def pixels(found: FaceSet) -> set[bytes]:
    return {image.tobytes() for image in found.images}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """140 training faces of 20 people, and no other split."""
    return write(tmp_path / "p.parquet", of_people(faces(140, Split.TRAIN, seed=0), 20))


def test_a_source_with_both_splits_is_read_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", both_splits(0))
    found = load(path)
    assert found.training.sha256 == load_faces(path, Split.TRAIN, size_px=SIDE_PX).sha256
    assert found.validation.sha256 == load_faces(path, Split.VALIDATION, size_px=SIDE_PX).sha256
    np.testing.assert_array_equal(found.shares, np.eye(7)[found.training.labels])
    assert found.n_dropped == {}
    assert found.held_out == digests_of(found.validation)
    assert load_source_validation(section(path), SIDE_PX).sha256 == found.validation.sha256


def test_faces_with_labels_that_are_not_trusted_are_not_validated_on(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", both_splits(0))
    found = load(path, teacher_weight=1)
    assert len(found.training) == len(load(path).training)
    assert len(found.validation) == 0
    assert found.held_out == frozenset()
    named = load(path, teacher_weight=1, validation=path)
    assert named.validation.sha256 == load(path).validation.sha256


def digests_of(found: FaceSet) -> frozenset[bytes]:
    return frozenset(pixel_digests(found.images))


def test_the_validation_split_may_lie_elsewhere(tmp_path: Path) -> None:
    here = write(tmp_path / "a.parquet", both_splits(0))
    there = write(tmp_path / "b.parquet", both_splits(5))
    found = load(here, validation=there)
    assert found.validation.sha256 == load_faces(there, Split.VALIDATION, size_px=16).sha256
    assert found.training.sha256 == load_faces(here, Split.TRAIN, size_px=16).sha256


def test_whole_people_are_held_out(people: Path) -> None:
    found = load(people, hold_out=0.3)
    assert found.training.subjects is not None
    assert found.validation.subjects is not None
    assert not set(found.training.subjects) & set(found.validation.subjects)
    assert len(found.training) + len(found.validation) == 140
    # Each of the 20 people has seven faces.
    assert len(found.validation) % 7 == 0
    assert 7 <= len(found.validation) <= 84


def test_the_same_faces_are_held_out_whatever_their_order(people: Path, tmp_path: Path) -> None:
    once = load(people, hold_out=0.3)
    table = pq.read_table(people)
    shuffled = table.take(pa.array(np.random.default_rng(1).permutation(len(table))))
    pq.write_table(shuffled, tmp_path / "shuffled.parquet")
    again = load(tmp_path / "shuffled.parquet", hold_out=0.3)
    assert pixels(once.validation) == pixels(again.validation)
    alone = load_source_validation(section(people, hold_out=0.3), SIDE_PX)
    assert alone.sha256 == once.validation.sha256


def test_more_are_held_out_where_more_are_asked_for_and_they_stay(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", faces(700, Split.TRAIN, seed=0))
    few, many = (load(path, hold_out=part) for part in (0.1, 0.4))
    # Five standard deviations of a binomial.
    assert len(few.validation) == pytest.approx(70, abs=40)
    assert len(many.validation) == pytest.approx(280, abs=65)
    assert pixels(few.validation) < pixels(many.validation)
    assert not pixels(many.validation) & pixels(many.training)


def test_copies_of_an_image_stay_together(tmp_path: Path) -> None:
    once = faces(70, Split.TRAIN, seed=0)
    relabelled = [replace(one, emotion=Emotion.SAD) for one in once]
    path = write(tmp_path / "a.parquet", [*once, *relabelled, *once])
    found = load(path, hold_out=0.5)
    assert len(found.training) + len(found.validation) == 210
    assert not pixels(found.training) & pixels(found.validation)
    assert len(found.validation) == 3 * len(pixels(found.validation)) > 0


def test_a_source_without_splits_is_divided(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", faces(70, None, seed=0))
    found = load(path, hold_out=0.3)
    assert len(found.training) + len(found.validation) == 70
    with pytest.raises(DatasetError, match="no faces of split train; found 70 of split unk"):
        load(path)


def test_the_test_split_is_neither_learnt_from_nor_validated_on(tmp_path: Path) -> None:
    tested = faces(35, Split.TEST, seed=1)
    path = write(tmp_path / "a.parquet", [*faces(70, Split.TRAIN, seed=0), *tested])
    found = load(path, hold_out=0.3)
    assert len(found.training) + len(found.validation) == 70
    assert digests_of_test_split(section(path), SIDE_PX) == digests_of(
        load_faces(path, Split.TEST, size_px=SIDE_PX)
    )
    # Faces without split are no training faces where there are such ones.
    others = write(tmp_path / "b.parquet", [*faces(70, None, seed=0), *tested])
    without = load(others, hold_out=0.3)
    assert not (pixels(without.training) | pixels(without.validation)) & {
        one.image.tobytes() for one in tested
    }


def test_nothing_is_held_out_beside_a_validation_split(tmp_path: Path, people: Path) -> None:
    path = write(tmp_path / "a.parquet", both_splits(0))
    with pytest.raises(
        ConfigError, match="mine: hold_out is 0.1, but the source has a validation split"
    ):
        load(path, hold_out=0.1)
    with pytest.raises(ConfigError, match=r"but validation is .*a\.parquet. Set hold_out to 0"):
        load(people, hold_out=0.1, validation=path)


@pytest.mark.parametrize("part", [1e-9, 1 - 1e-9])
def test_neither_side_may_be_empty(people: Path, tmp_path: Path, part: float) -> None:
    with pytest.raises(ConfigError, match="of 20 subjects leaves the training or the validation"):
        load(people, hold_out=part)
    once = faces(70, Split.TRAIN, seed=0)
    path = write(tmp_path / "a.parquet", [*once, *once])
    with pytest.raises(ConfigError, match="of 70 images leaves the training or the validation"):
        load(path, hold_out=part)


def test_a_source_without_validation_says_what_to_do(people: Path) -> None:
    with pytest.raises(DatasetError, match="no faces of split validation; .* hold_out = 0.1"):
        load(people)


def test_the_middle_of_every_image_is_used(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", both_splits(0))
    whole, cropped = load(path), load(path, crop=0.5, size_px=8)
    assert (cropped.training.images == whole.training.images[:, 4:12, 4:12]).all()
    assert (cropped.validation.images == whole.validation.images[:, 4:12, 4:12]).all()


@pytest.fixture
def raf(tmp_path: Path) -> Path:
    splits = (Split.TRAIN, Split.TEST)
    return write_raf_db(tmp_path / "raf", draw_samples(raf_db.SHEET, splits, per_class=6))


def image(raf: Path, name: str) -> Path:
    return raf / f"basic/Image/aligned/{name}_aligned.jpg"


def test_broken_images_stop_or_are_counted(raf: Path) -> None:
    image(raf, "train_00003").unlink()
    image(raf, "train_00005").write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"line 3: the image .*train_00003_aligned.jpg is mi"):
        load(raf, hold_out=0.3)
    found = load(raf, hold_out=0.3, damaged="skip")
    assert len(found.training) + len(found.validation) == 40
    assert found.report.n_damaged == 2
    assert [message.split(": ")[1] for message in found.report.damaged] == ["line 3", "line 5"]
    # Their test split is none of the run's business.
    image(raf, "test_0001").unlink()
    assert load(raf, hold_out=0.3, damaged="skip").report.n_damaged == 2


def test_a_row_whose_split_is_broken_counts_once(raf: Path) -> None:
    listed = raf / "basic/EmoLabel/list_patition_label.txt"
    listed.write_text(listed.read_text().replace("train_00002.jpg", "trial_00002.jpg"))
    with pytest.raises(DatasetError, match="line 2: the image name is 'trial_00002.jpg'"):
        load(raf, hold_out=0.3)
    found = load(raf, hold_out=0.3, damaged="skip")
    assert found.report.n_damaged == 1
    assert len(found.training) + len(found.validation) == 41


def test_a_source_of_scenes_is_divided(tmp_path: Path) -> None:
    source = write_expw(tmp_path, draw_samples(expw.SHEET, (None,), per_class=6))
    found = load(source, hold_out=0.3)
    assert len(found.training) + len(found.validation) == 42
    with pytest.raises(DatasetError, match="no faces of split train"):
        load(source)


def test_targets_take_labels_from_the_votes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", both_splits(0, votes=True))
    wrong = pq.read_table(path)
    wrong = wrong.set_column(1, "emotion", pa.array([0] * len(wrong), pa.int8()))
    pq.write_table(wrong, path)
    found = load(path, target="soft")
    assert found.training.labels.tolist() == [row % 7 for row in range(70)]
    assert found.validation.labels.tolist() == [row % 7 for row in range(14)]
    np.testing.assert_allclose(found.shares[0], [0.6, 0, 0, 0, 0, 0, 0.4], atol=1e-6)
    assert load(path).training.labels.tolist() == [0] * 70


def test_faces_without_target_are_counted_and_still_held_out(tmp_path: Path) -> None:
    unclear = (0, 0, 5, 5, 0, 0, 0, 0, 0, 0)
    samples = both_splits(0, votes=True)
    for row in (0, 1, 70):
        samples[row] = replace(samples[row], votes=unclear)
    samples[2] = replace(samples[2], votes=(0,) * 9 + (10,))
    path = write(tmp_path / "a.parquet", samples)
    found = load(path, target="majority", drop=["duplicates"])
    assert (len(found.training), len(found.validation)) == (67, 13)
    assert found.n_dropped == {"duplicates": 0, "no_target_undecided": 2, "no_target_not_face": 1}
    assert len(found.held_out) == 14


@pytest.mark.parametrize("target", ["majority", "soft", "multi"])
def test_votes_that_are_missing_are_named_with_the_source(tmp_path: Path, target: str) -> None:
    path = write(tmp_path / "a.parquet", both_splits(0))
    with pytest.raises(DatasetError, match=rf"mine \(.*a\.parquet\): the target {target} requires"):
        load(path, target=target)


def test_faces_may_be_refused(tmp_path: Path) -> None:
    samples = both_splits(0)
    samples.insert(0, replace(samples[75], split=Split.TRAIN))
    path = write(tmp_path / "a.parquet", samples)
    with pytest.raises(DatasetError, match=r"mine .*: 1 training faces match the refuse rule le"):
        load(path, refuse=["leaks"])
    assert len(load(path, refuse=["duplicates"], drop=["leaks"]).training) == 70


def test_a_missing_split_is_named_though_faults_are_skipped(tmp_path: Path) -> None:
    source = write_expw(tmp_path, draw_samples(expw.SHEET, (None,), per_class=2))
    (source / "image/origin/drawn_faces_2.jpg").unlink()
    with pytest.raises(DatasetError, match="no faces of split train; found 12 of split unk"):
        load(source, damaged="skip")
