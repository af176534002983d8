"""The faces of several data sections together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import ConfigError, DatasetError
from emolens.datasets.faces import FaceSample, FaceSet, Split
from emolens.datasets.readers import affectnet, expw, raf_db
from emolens.testing.layouts.affectnet import write_affectnet_annotations
from emolens.testing.layouts.expw import write_expw
from emolens.testing.layouts.raf_db import write_raf_db
from emolens.testing.layouts.samples import draw_samples
from emolens.training.faces import TrainingFaces, load_training_faces, load_validation_faces
from emolens.training.recipe import Recipe
from tests.recipes import small_recipe
from tests.unit.training.face_files import SIDE_PX, both_splits, faces, of_people, write


def recipe_of(
    *sections: Mapping[str, object], loss: Mapping[str, object] | None = None, **keys: object
) -> Recipe:
    """A recipe of sections that are called a, b, c, ... without smoothing or mixing."""
    named = [{"name": "abc"[place], **one} for place, one in enumerate(sections)]
    return small_recipe(
        Path("unused"),
        batch_size=16,
        data=named,
        faces={"size_px": SIDE_PX, **keys},
        augment={"mix": 0},
        loss={"label_smoothing": 0, **(loss or {})},
    )


def load(*sections: Mapping[str, object], **keys: object) -> TrainingFaces:
    return load_training_faces(recipe_of(*sections, **keys))  # type: ignore[arg-type]


@pytest.fixture
def a(tmp_path: Path) -> Path:
    """70 faces to learn from, 14 to validate on."""
    return write(tmp_path / "a.parquet", both_splits(1))


@pytest.fixture
def b(tmp_path: Path) -> Path:
    """35 faces to learn from, 14 to validate on, all with votes."""
    return write(tmp_path / "b.parquet", both_splits(2, n_training=35, votes=True))


def drawn_weights(found: TrainingFaces) -> np.ndarray:
    """Weight of each face float32 (N,), once the mean of what is drawn is found to be 1."""
    weights: np.ndarray = found.targets.sum(axis=1)
    chances = np.ones(len(weights)) if found.chances is None else found.chances
    assert (weights * chances).sum() / chances.sum() == pytest.approx(1, abs=1e-5)
    return weights


def test_sources_follow_one_another(a: Path, b: Path) -> None:
    found = load({"source": a}, {"source": b})
    assert [str(a) in place for place in found.training.locations] == [True] * 70 + [False] * 35
    assert [str(a) in place for place in found.validation.locations] == [True] * 14 + [False] * 14
    assert [one.name for one in found.sources] == ["a", "b"]
    assert [(one.n_training, one.n_validation) for one in found.sources] == [(70, 14), (35, 14)]
    assert (found.chances, found.n_draws) == (None, 105)
    np.testing.assert_array_equal(found.class_counts, [15] * 7)
    np.testing.assert_allclose(drawn_weights(found), 1, atol=1e-6)
    recipe = recipe_of({"source": a}, {"source": b})
    assert load_validation_faces(recipe).sha256 == found.validation.sha256


def test_a_face_of_a_heavier_source_counts_more(a: Path, b: Path) -> None:
    found = load({"source": a, "weight": 0.5}, {"source": b, "weight": 2})
    weights = drawn_weights(found)
    np.testing.assert_allclose(weights[:70], weights[0], rtol=1e-6)
    np.testing.assert_allclose(weights[70:], 4 * weights[0], rtol=1e-6)
    assert weights[0] == pytest.approx(1 / 2)  # (70 w + 35 * 4 w) / 105 = 1


def test_weights_of_one_source_alone_change_nothing(a: Path) -> None:
    np.testing.assert_allclose(drawn_weights(load({"source": a, "weight": 7})), 1, rtol=1e-6)


def test_a_source_may_be_drawn_more_often_or_in_part(a: Path, b: Path) -> None:
    found = load({"source": a, "repeat": 0.5}, {"source": b, "repeat": 3, "weight": 2})
    assert found.n_draws == 35 + 105
    assert found.chances is not None
    assert found.chances.dtype == np.float32
    np.testing.assert_allclose(found.chances, [0.5] * 70 + [3] * 35)
    # 5 + 15 of each class an epoch.
    np.testing.assert_array_equal(found.class_counts, [20] * 7)
    weights = drawn_weights(found)
    np.testing.assert_allclose(weights[70:], 2 * weights[0], rtol=1e-6)
    assert weights[0] == pytest.approx(140 / (35 + 2 * 105))


def uneven(seed: int, n_happy: int, n_sad: int) -> list[FaceSample]:
    """Faces of two classes alone."""
    emotions = [Emotion.HAPPY] * n_happy + [Emotion.SAD] * n_sad
    made = [
        replace(one, emotion=emotion)
        for one, emotion in zip(faces(len(emotions), Split.TRAIN, seed=seed), emotions, strict=True)
    ]
    held_out = [replace(one, split=Split.VALIDATION) for one in made[-1:]]
    return [*made, *held_out]


@pytest.mark.parametrize(("sampling", "power"), [("uniform", 1), ("sqrt", 0.5), ("balanced", 0)])
def test_classes_are_balanced_over_all_sources_together(
    tmp_path: Path, sampling: str, power: float
) -> None:
    first = write(tmp_path / "a.parquet", uneven(1, n_happy=60, n_sad=10))
    second = write(tmp_path / "b.parquet", uneven(2, n_happy=5, n_sad=10))
    found = load(
        {"source": first},
        {"source": second, "repeat": 2},
        classes=["happy", "sad"],
        sampling=sampling,
    )
    drawn = np.array([60 + 2 * 5, 10 + 2 * 10])
    np.testing.assert_array_equal(found.class_counts[[3, 4]], drawn)
    assert found.n_draws == drawn.sum()
    chances = found.chances
    assert chances is not None
    of_class = [chances[found.training.labels == label].sum() for label in (3, 4)]
    expected = drawn**power / (drawn**power).sum()
    np.testing.assert_allclose(np.array(of_class) / chances.sum(), expected, rtol=1e-5)
    # Within a class a source keeps its part: 10 of 70 happy faces that are drawn are its.
    happy = chances[found.training.labels == Emotion.HAPPY.index]
    assert happy[60:].sum() / happy.sum() == pytest.approx(10 / 70)
    drawn_weights(found)


def test_every_source_has_its_own_smoothing(a: Path, b: Path) -> None:
    found = load(
        {"source": a}, {"source": b, "label_smoothing": 0.35}, loss={"label_smoothing": 0.07}
    )
    rows = np.arange(105)
    right = found.targets[rows, found.training.labels]
    np.testing.assert_allclose(right, [0.93 + 0.01] * 70 + [0.65 + 0.05] * 35, atol=1e-6)
    np.testing.assert_allclose(found.targets.sum(axis=1), 1, atol=1e-6)
    plain = load({"source": a, "label_smoothing": 0}, loss={"label_smoothing": 0.5})
    np.testing.assert_allclose(plain.targets, np.eye(7)[plain.training.labels], atol=1e-6)


def test_smoothing_goes_to_the_classes_told_apart(a: Path) -> None:
    found = load({"source": a, "label_smoothing": 0.2}, classes=["happy", "sad"])
    assert set(found.training.labels) == {3, 4}
    expected = np.zeros((2, 7))
    expected[0, [3, 4]], expected[1, [3, 4]] = (0.9, 0.1), (0.1, 0.9)
    np.testing.assert_allclose(found.targets, expected[found.training.labels - 3], atol=1e-6)


def test_soft_targets_are_shared_out_among_the_classes_told_apart(b: Path) -> None:
    found = load({"source": b, "target": "soft", "repeat": 2}, classes=["happy", "sad"])
    np.testing.assert_allclose(found.targets, np.eye(7)[found.training.labels], atol=1e-6)
    whole = load({"source": b, "target": "soft", "repeat": 2}, classes=["happy", "neutral"])
    happy = whole.targets[whole.training.labels == Emotion.HAPPY.index]
    np.testing.assert_allclose(happy[:, [3, 6]], [[0.6, 0.4]] * 5, atol=1e-6)


def test_only_faces_with_a_multi_target_are_a_choice(a: Path, b: Path) -> None:
    found = load({"source": a}, {"source": b, "target": "multi"}, loss={"label_smoothing": 0.1})
    assert found.is_choice.tolist() == [False] * 70 + [True] * 35
    highest = (found.targets == found.targets.max(axis=1, keepdims=True)).sum(axis=1)
    # Six raters see the class and four neutral: both will do.
    is_neutral = found.training.labels[70:] == Emotion.NEUTRAL.index
    np.testing.assert_array_equal(highest[70:], np.where(is_neutral, 1, 2))
    assert (highest[:70] == 1).all()


def test_votes_are_zeros_where_a_source_has_none(a: Path, b: Path) -> None:
    found = load({"source": a}, {"source": b}, loss={"vote_weight": 1.0})
    assert found.training.votes is not None
    assert found.validation.votes is not None
    np.testing.assert_array_equal(found.training.votes.sum(axis=1), [0] * 70 + [10] * 35)
    np.testing.assert_array_equal(found.validation.votes.sum(axis=1), [0] * 14 + [10] * 14)
    with pytest.raises(
        ConfigError, match=r"vote_weight is 1.0, but .*a\.parquet.*a\.parquet has n"
    ):
        load({"source": a}, {"source": a}, loss={"vote_weight": 1.0})


def test_a_target_without_votes_names_its_source(a: Path, b: Path) -> None:
    with pytest.raises(DatasetError, match=r"^a \(.*a\.parquet\): the target soft requires"):
        load({"source": a, "target": "soft"}, {"source": b, "target": "soft"})


def rewritten(path: Path, samples: Sequence[FaceSample]) -> FaceSample:
    """Adds faces to learn from to a source that `both_splits(1)` made; gives a face of its own."""
    own = both_splits(1)
    write(path, [*own, *(replace(one, split=Split.TRAIN) for one in samples)])
    return own[0]


@pytest.mark.parametrize("split", [Split.VALIDATION, Split.TEST])
def test_what_another_source_holds_out_is_not_learnt_from(
    a: Path, tmp_path: Path, split: Split
) -> None:
    held_out = faces(3, split, seed=77)
    second = write(tmp_path / "b.parquet", [*both_splits(2, n_training=35), *held_out])
    # Copies of two of them, one of these with another label.
    rewritten(a, [held_out[0], replace(held_out[1], emotion=Emotion.SAD)])
    found = load({"source": a, "drop": ["duplicates"]}, {"source": second})
    assert found.sources[0].n_dropped == {"duplicates": 0, "leaks_across_sources": 2}
    assert found.sources[1].n_dropped == {"leaks_across_sources": 0}
    assert [one.n_training for one in found.sources] == [70, 35]
    assert found.n_dropped == {"duplicates": 0, "leaks_across_sources": 2}
    assert not pixels(found.training) & {one.image.tobytes() for one in held_out[:2]}


def pixels(found: FaceSet) -> set[bytes]:
    return {image.tobytes() for image in found.images}


def test_a_leak_within_a_source_is_its_own_affair(a: Path, b: Path) -> None:
    copied = both_splits(1)[70]
    assert copied.split is Split.VALIDATION
    rewritten(a, [copied])
    assert load({"source": a}, {"source": b}).sources[0].n_training == 71
    found = load({"source": a, "drop": ["leaks"]}, {"source": b})
    assert found.sources[0].n_dropped == {"leaks": 1, "leaks_across_sources": 0}
    # Alone, there is no other source.
    assert load({"source": a}).sources[0].n_dropped == {}


def test_what_one_source_holds_out_is_held_out_for_all(a: Path, tmp_path: Path) -> None:
    once = [replace(one, split=None) for one in both_splits(1)[:70]]
    copy = write(tmp_path / "b.parquet", once)
    found = load({"source": a}, {"source": copy, "hold_out": 0.3})
    second = found.sources[1]
    assert second.n_training + second.n_validation == 70
    assert found.sources[0].n_dropped == {"leaks_across_sources": second.n_validation}
    assert not pixels(found.training) & pixels(found.validation)


def test_leaks_across_may_be_refused(a: Path, b: Path) -> None:
    rewritten(a, [replace(both_splits(2, n_training=35)[35], split=Split.TRAIN)])
    with pytest.raises(DatasetError, match=r"^a \(.*: 1 training faces are in .*another source"):
        load({"source": a, "refuse": ["leaks"]}, {"source": b})


def test_the_split_of_another_source_may_validate(a: Path, b: Path, tmp_path: Path) -> None:
    training = write(tmp_path / "t.parquet", faces(35, Split.TRAIN, seed=9))
    found = load({"source": a}, {"source": training, "validation": b, "crop": 0.5})
    assert [one.n_validation for one in found.sources] == [14, 14]
    assert str(b) in found.validation.locations[-1]
    own = load({"source": a}, {"source": training, "validation": b})
    assert (own.training.images[:70] == found.training.images[:70]).all()
    assert (own.training.images[70:] != found.training.images[70:]).any()


def test_people_are_held_out_beside_other_sources(a: Path, tmp_path: Path) -> None:
    people = of_people(faces(70, Split.TRAIN, seed=3), 10)
    path = write(tmp_path / "p.parquet", people)
    recipe = recipe_of({"source": a}, {"source": path, "hold_out": 0.3})
    found = load_training_faces(recipe)
    second = found.sources[1]
    assert second.n_training + second.n_validation == 70
    assert second.n_validation % 7 == 0 < second.n_validation
    assert load_validation_faces(recipe).sha256 == found.validation.sha256


def test_published_data_sets_train_together(tmp_path: Path) -> None:
    splits = (Split.TRAIN, Split.TEST)
    raf = write_raf_db(tmp_path / "raf", draw_samples(raf_db.SHEET, splits, per_class=6))
    scenes = write_expw(tmp_path / "expw", draw_samples(expw.SHEET, (None,), per_class=6, seed=1))
    public = (Split.TRAIN, Split.VALIDATION)
    net = write_affectnet_annotations(
        tmp_path / "net", draw_samples(affectnet.SHEET, public, per_class=4, seed=2)
    )
    (raf / "basic/Image/aligned/train_00002_aligned.jpg").write_bytes(b"no image")
    (scenes / "image/origin/drawn_faces_4.jpg").unlink()
    sections = (
        {"source": raf, "hold_out": 0.3, "damaged": "skip"},
        {"source": scenes, "hold_out": 0.3, "damaged": "skip"},
        {"source": net},
    )
    found = load(*sections)
    counts = [one.n_training + one.n_validation for one in found.sources]
    assert counts == [41, 40, 56]
    assert [one.n_damaged for one in found.sources] == [1, 2, 0]
    first, second, third = found.sources
    assert "train_00002_aligned.jpg" in first.damaged[0]
    assert all("the image" in message and "is missing" in message for message in second.damaged)
    left_out = dict.fromkeys(("contempt", "none", "uncertain", "no face"), 8)
    assert third.n_left_out == left_out
    assert first.n_left_out == second.n_left_out == {}
    with pytest.raises(DatasetError, match=r"drawn_faces_4\.jpg is missing"):
        load(sections[0], {**sections[1], "damaged": "refuse"})


def test_a_source_may_lack_a_class_that_another_has(a: Path, tmp_path: Path) -> None:
    happy_and_sad = write(tmp_path / "two.parquet", uneven(4, n_happy=20, n_sad=20))
    assert len(load({"source": a}, {"source": happy_and_sad}).training) == 110
    alone = {"source": happy_and_sad}
    with pytest.raises(ConfigError, match=r"two\.parquet has no training face of angry, disgust"):
        load(alone, classes=["angry", "disgust", "happy"])


def test_a_source_may_have_no_face_of_the_classes_told_apart(a: Path, tmp_path: Path) -> None:
    happy_and_sad = write(tmp_path / "two.parquet", uneven(4, n_happy=20, n_sad=20))
    found = load({"source": happy_and_sad}, {"source": a}, classes=["angry", "fear"])
    assert [(one.n_training, one.n_validation) for one in found.sources] == [(0, 0), (20, 4)]
    np.testing.assert_allclose(drawn_weights(found), 1, atol=1e-6)


def test_a_part_of_an_epoch_must_fill_a_batch(a: Path) -> None:
    assert load({"source": a, "repeat": 0.25}).n_draws == 18
    with pytest.raises(
        ConfigError, match="batch_size is 16, but an epoch has only 14 training faces"
    ):
        load({"source": a, "repeat": 0.2})


def test_what_was_assumed_of_a_source_stays_with_it(a: Path, tmp_path: Path) -> None:
    for index, face in enumerate(both_splits(3)):
        file = tmp_path / "b" / str(face.split) / str(face.emotion.index) / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(cv2.imencode(".png", face.image)[1].tobytes())
    found = load({"source": a}, {"source": tmp_path / "b"})
    assert found.sources[0].warnings == ()
    [warning] = found.sources[1].warnings
    assert "the class folders 0, 1, 2, 3, 4, 5, 6 are numbers, read in FER2013's order" in warning
