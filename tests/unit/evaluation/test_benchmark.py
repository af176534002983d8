from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.classification import OnnxEmotionClassifier
from emolens.core.errors import DatasetError
from emolens.datasets.faces import DetectedFace, FaceSample, Split, Wanted
from emolens.datasets.loading import iter_faces, load_faces
from emolens.datasets.readers.fer2013_parquet import to_table
from emolens.datasets.targets import Target
from emolens.evaluation.benchmark import Benchmark, evaluate_model, read_benchmark
from emolens.evaluation.leaks import Leaks
from emolens.imaging.crop import resize_gray_square

pytestmark = pytest.mark.slow


def test_training_rows_come_from_the_source_itself_or_from_elsewhere(
    generated_data: Path, tmp_path: Path
) -> None:
    own = read_benchmark(generated_data, Split.VALIDATION, sizes_px=[16])
    assert own.training_source == generated_data
    assert own.training is not None
    n_rows = len(load_faces(generated_data, Split.TRAIN))
    assert len(own.training) == n_rows
    of_rows = read_benchmark(generated_data, Split.TRAIN, sizes_px=[16])
    assert (of_rows.training, of_rows.training_source) == (None, None)
    held_out = tmp_path / "held-out.parquet"
    pq.write_table(pq.read_table(generated_data).slice(280), held_out)
    assert read_benchmark(held_out, Split.VALIDATION, sizes_px=[16]).training is None
    elsewhere = read_benchmark(held_out, Split.VALIDATION, sizes_px=[16], training=generated_data)
    assert elsewhere.training_source == generated_data
    assert elsewhere.training is not None
    assert len(elsewhere.training) == n_rows


def test_the_split_held_out_is_taken_where_nobody_chose_one(
    generated_data: Path, tmp_path: Path
) -> None:
    for has_leaks in (True, False):
        chosen = read_benchmark(generated_data, sizes_px=[16, 20], has_leaks=has_leaks)
        assert chosen.split is Split.VALIDATION
        assert (chosen.training is not None) == has_leaks
        expected = load_faces(generated_data, Split.VALIDATION, size_px=20)
        assert chosen.by_size[20].sha256 == expected.sha256
        assert chosen.by_size[48].locations == expected.locations
    rows_only = tmp_path / "rows.parquet"
    pq.write_table(pq.read_table(generated_data).slice(0, 280), rows_only)
    for has_leaks in (True, False):
        chosen = read_benchmark(rows_only, sizes_px=[16], has_leaks=has_leaks)
        assert (chosen.split, chosen.training) == (Split.TRAIN, None)
        assert chosen.by_size[16].images.shape == (280, 16, 16)


def test_a_data_set_is_opened_once(generated_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[Path, object]] = []

    def counted(source: Path, split: Wanted = None, **options: Any) -> Iterator[FaceSample]:
        opened.append((source, split))
        return iter_faces(source, split, **options)

    monkeypatch.setattr("emolens.datasets.loading.iter_faces", counted)
    benchmark = read_benchmark(generated_data, Split.VALIDATION, sizes_px=[16, 20, 48])
    evaluate_model(OnnxEmotionClassifier.load("labels-small"), benchmark)
    both = frozenset({Split.VALIDATION, Split.TRAIN})
    assert opened == [(generated_data, both)]
    opened.clear()
    # Where nobody chose a split, it is looked into before, and not read.
    read_benchmark(generated_data, sizes_px=[48])
    assert opened == [(generated_data, Split.VALIDATION), (generated_data, both)]


def test_other_splits_are_not_looked_at(generated_data: Path, tmp_path: Path) -> None:
    table = pq.read_table(generated_data)
    damaged = table.slice(0, 3).to_pydict()
    damaged["usage"], damaged["image"] = ["PrivateTest"] * 3, [b"no image"] * 3
    path = tmp_path / "damaged.parquet"
    pq.write_table(pa.concat_tables([pa.table(damaged, table.schema), table]), path)
    for split in (None, Split.VALIDATION):
        assert len(read_benchmark(path, split, sizes_px=[48]).by_size[48]) == 140
    with pytest.raises(DatasetError, match="row 1"):
        read_benchmark(path, Split.TEST, sizes_px=[48])


def test_a_split_that_is_not_there_is_refused_with_those_that_are(generated_data: Path) -> None:
    with pytest.raises(DatasetError, match=r"no faces of split test; found"):
        read_benchmark(generated_data, Split.TEST, sizes_px=[16])


def test_a_model_is_measured_with_one_view_with_ten_and_beside_another(
    tmp_path: Path, gray_faces: npt.NDArray[np.uint8]
) -> None:
    images = [cv2.imencode(".png", face)[1].tobytes() for face in gray_faces[:14]]
    table = pa.table({"usage": ["PublicTest"] * 14, "emotion": list(range(7)) * 2, "image": images})
    pq.write_table(table, tmp_path / "faces.parquet")
    benchmark = read_benchmark(tmp_path / "faces.parquet", Split.VALIDATION, sizes_px=[48])
    model, rival = (
        OnnxEmotionClassifier.load("labels-small"),
        OnnxEmotionClassifier.load("everyday"),
    )
    plain = evaluate_model(model, benchmark)
    assert plain.before_temperature is not None
    assert (plain.one_view, plain.rival, plain.leak_free) == (None, None, None)
    # Temperature changes no order.
    assert plain.before_temperature.accuracy == plain.metrics.accuracy
    whole = evaluate_model(model, benchmark, tta=True, rival=rival)
    assert whole.before_temperature is None
    assert whole.one_view is not None
    assert whole.one_view.to_dict() == plain.metrics.to_dict()
    assert whole.comparison is not None
    assert whole.rival is not None
    assert whole.comparison.accuracy_difference == pytest.approx(
        whole.rival.accuracy - whole.metrics.accuracy
    )


@pytest.fixture
def rated(generated_data: Path, tmp_path: Path) -> Path:
    """Fourteen validation faces, all labelled as angry; raters see what is there, or no face."""
    samples = list(iter_faces(generated_data, Split.VALIDATION))[:14]
    no_face = (0,) * 9 + (10,)
    labelled = [replace(one, emotion=samples[0].emotion) for one in samples]
    labelled[13] = replace(labelled[13], votes=no_face)
    pq.write_table(to_table(labelled), tmp_path / "rated.parquet")
    return tmp_path / "rated.parquet"


def test_what_raters_saw_may_be_what_is_right(rated: Path, generated_data: Path) -> None:
    by_label = read_benchmark(rated, Split.VALIDATION, sizes_px=[16])
    assert by_label.target is Target.LABEL
    assert len(by_label.by_size[16]) == 14
    assert len(set(by_label.by_size[16].labels)) == 1
    benchmark = read_benchmark(rated, Split.VALIDATION, sizes_px=[16, 48], target=Target.MAJORITY)
    classes = [sample.emotion.index for sample in iter_faces(generated_data, Split.VALIDATION)][:13]
    assert benchmark.by_size[16].labels.tolist() == classes
    # A face without target is left out of everything.
    leaks = benchmark.leaks()
    assert leaks.groups.shape == (13,)
    found = evaluate_model(OnnxEmotionClassifier.load("labels-small"), benchmark)
    assert found.metrics.n == 13
    assert found.predictions.labels.tolist() == classes


def test_targets_need_votes(rated: Path, tmp_path: Path) -> None:
    table = pq.read_table(rated).select(["usage", "emotion", "image"])
    pq.write_table(table, tmp_path / "plain.parquet")
    plain = tmp_path / "plain.parquet"
    with pytest.raises(DatasetError, match="the target majority requires FER.* votes"):
        read_benchmark(plain, Split.VALIDATION, sizes_px=[48], target=Target.MAJORITY)


def test_copies_that_are_known_are_not_looked_for_again(
    rated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = read_benchmark(rated, Split.VALIDATION, sizes_px=[48])
    seen = np.arange(14) < 4
    known = Leaks(np.repeat(np.arange(7), 2), seen, seen)

    def refuse(*_: object) -> Leaks:
        raise AssertionError

    monkeypatch.setattr("emolens.evaluation.benchmark.find_leaks", refuse)
    found = evaluate_model(OnnxEmotionClassifier.load("labels-small"), benchmark, leaks=known)
    assert found.n_groups == 7
    assert found.leak_free is not None
    assert (found.leak_free.n_exact, found.leak_free.n_near) == (4, 4)
    with pytest.raises(AssertionError):
        evaluate_model(OnnxEmotionClassifier.load("labels-small"), benchmark)


def framed(sample: FaceSample) -> Callable[[int], FaceSample]:
    """A framer that finds a face in two of three images, and crops it to its middle."""
    number = int(sample.location.rpartition(" ")[2])
    detected = DetectedFace(1 if number % 3 else 0)
    image = np.ascontiguousarray(sample.image[4:-4, 4:-4]) if number % 3 else sample.image

    def at(size_px: int) -> FaceSample:
        return replace(sample, image=resize_gray_square(image, size_px), detected=detected)

    return at


def test_images_without_a_face_count_but_are_not_classified(generated_data: Path) -> None:
    model, rival = map(OnnxEmotionClassifier.load, ("labels-small", "everyday"))
    sizes = [one.input_spec.size_px for one in (model, rival)]
    benchmark = read_benchmark(generated_data, Split.VALIDATION, sizes_px=sizes, framer=framed)
    images = benchmark.faces(model)
    assert images.detected is not None
    has_face = np.array([one.n_faces > 0 for one in images.detected])
    assert 0 < has_face.sum() < len(images)
    # The training rows of the same source are framed too; duplicates would be missed otherwise.
    assert benchmark.training is not None
    assert benchmark.training.detected is not None
    found = evaluate_model(model, benchmark, rival=rival)
    assert found.metrics.n == has_face.sum()
    expected = [sample for sample, has in zip(images.locations, has_face, strict=True) if has]
    assert list(found.predictions.ids) == expected
    assert found.rival is not None
    assert found.rival.n == found.metrics.n
    assert found.detection is not None
    assert found.detection.n_images == len(images)
    assert found.detection.n_no_face == (~has_face).sum()
    n_right = found.predictions.hits.sum()
    assert found.detection.all_images.accuracy == n_right / len(images)
    assert found.to_dict()["detection"] == found.detection.to_dict()


def test_training_rows_of_another_source_are_crops(generated_data: Path, tmp_path: Path) -> None:
    rows = [replace(one, split=Split.VALIDATION) for one in iter_faces(generated_data)][:14]
    pq.write_table(to_table(rows), tmp_path / "own.parquet")
    benchmark = read_benchmark(
        tmp_path / "own.parquet", sizes_px=[48], training=generated_data, framer=framed
    )
    assert benchmark.training is not None
    assert benchmark.training.detected is None


def test_a_source_without_any_face_is_an_error_that_says_what_to_do(generated_data: Path) -> None:
    def nothing(sample: FaceSample) -> Callable[[int], FaceSample]:
        return lambda _size_px: replace(sample, detected=DetectedFace(0))

    with pytest.raises(DatasetError, match="no face was detected in any of 140 images.*--detect"):
        read_benchmark(generated_data, Split.VALIDATION, sizes_px=[48], framer=nothing)


def test_groups_follow_the_faces_that_are_evaluated(rated: Path) -> None:
    table = pq.read_table(rated)
    values = pa.array(["old", "young", None, "young"] * 3 + ["old", "left out"])
    pq.write_table(table.append_column("age", values), rated)
    benchmark = read_benchmark(
        rated, Split.VALIDATION, sizes_px=[48], target=Target.MAJORITY, group="Age"
    )
    found = evaluate_model(OnnxEmotionClassifier.load("labels-small"), benchmark)
    assert found.by_group is not None
    sizes = {group.name: group.n_images for group in found.by_group.groups}
    assert sizes == {"young": 6, "old": 4, "(none)": 3}
    assert found.to_dict()["by_group"] == found.by_group.to_dict()
    with pytest.raises(DatasetError, match="expected one column 'sex'"):
        read_benchmark(rated, Split.VALIDATION, sizes_px=[48], group="sex")


@pytest.mark.parametrize(
    ("split", "folders", "text"),
    [
        (None, (), None),
        (Split.VALIDATION, (), "validation"),
        (Split.VALIDATION, ("validation",), "validation"),
        (Split.VALIDATION, ("val",), "validation (folder val)"),
        (Split.TEST, ("a", "b"), "test (folder a, b)"),
    ],
)
def test_a_split_is_named_with_its_folder(
    split: Split | None, folders: tuple[str, ...], text: str | None
) -> None:
    assert Benchmark(Path("mine"), split, split_folders=folders).split_text == text


def test_class_folders_are_read_with_the_names_of_their_splits(tmp_path: Path) -> None:
    for folder in ("train/happy", "val/happy"):
        (tmp_path / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / folder / "1.png"), np.eye(48, dtype=np.uint8) * 200)
    benchmark = read_benchmark(tmp_path, sizes_px=[48])
    assert benchmark.split_text == "validation (folder val)"
