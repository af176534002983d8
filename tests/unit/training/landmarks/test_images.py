from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.core.errors import DatasetError, InputError
from emolens.datasets.faces import Split
from emolens.training.landmarks.images import IMAGE_COLUMN, load_backgrounds, load_images
from emolens.training.landmarks.recipe import ImagesSection


def encoded(height: int, width: int, level: int) -> bytes:
    return cv2.imencode(".png", np.full((height, width), level, np.uint8))[1].tobytes()


def test_reads_a_labelled_source(generated_data: Path) -> None:
    section = ImagesSection(source=generated_data, split=Split.VALIDATION)
    images = load_images(section)
    assert len(images) == 140
    assert {image.shape for image in images} == {(48, 48)}


def test_reads_a_column_of_images_and_makes_them_square(tmp_path: Path) -> None:
    path = tmp_path / "more.parquet"
    rows = [encoded(20, 20, 7), encoded(10, 30, 9)]
    pq.write_table(pa.table({IMAGE_COLUMN: rows, "weak_label": ["a", "b"]}), path)
    first, second = load_images(ImagesSection(source=path))
    assert first.shape == (20, 20)
    assert second.shape == (30, 30)
    assert (second == 9).all()


@pytest.mark.parametrize("values", [[None], []])
def test_says_what_is_wrong_with_a_column(tmp_path: Path, values: list[object]) -> None:
    path = tmp_path / "more.parquet"
    pq.write_table(pa.table({IMAGE_COLUMN: pa.array(values, pa.binary())}), path)
    with pytest.raises(DatasetError, match=r"row 1: .* must be|holds no images"):
        load_images(ImagesSection(source=path))


def test_says_that_a_file_is_no_parquet(tmp_path: Path) -> None:
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="damaged Parquet file"):
        load_images(ImagesSection(source=path))


def test_backgrounds_follow_from_the_seed() -> None:
    first, again, other = (load_backgrounds(None, 32, seed) for seed in (0, 0, 1))
    assert first.shape[1:] == (32, 32)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    # They are as different as images are.
    assert np.median(first.std(axis=(1, 2))) > 10


def test_a_folder_adds_its_images(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(64, 64, 200))
    with_folder, without = load_backgrounds(tmp_path, 32, 0), load_backgrounds(None, 32, 0)
    n_flat = (with_folder.std(axis=(1, 2)) == 0).sum()
    assert n_flat > (without.std(axis=(1, 2)) == 0).sum() + 50


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without images"):
        load_backgrounds(tmp_path, 32, 0)
