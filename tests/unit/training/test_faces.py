from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emolens.core.errors import ConfigError, DatasetError
from emolens.datasets.clean_file import (
    CleanFile,
    CleanReason,
    CleanRow,
    CleanSource,
    content_sha256,
    row_keys,
)
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.training.faces import load_training_faces
from tests.recipes import small_recipe


@pytest.fixture
def without_votes(generated_data: Path, tmp_path: Path) -> Path:
    table = pq.read_table(generated_data).select(["usage", "emotion", "image"])
    pq.write_table(table, tmp_path / "plain.parquet")
    return tmp_path / "plain.parquet"


def test_only_the_classes_told_apart_are_read(generated_data: Path) -> None:
    recipe = small_recipe(
        generated_data, data={"source": generated_data, "classes": ["happy", "sad"]}
    )
    faces = load_training_faces(recipe)
    assert len(faces.training) == 80
    assert set(faces.training.labels) == set(faces.validation.labels) == {3, 4}


def test_a_conflict_with_a_class_left_out_is_a_conflict(
    generated_data: Path, tmp_path: Path
) -> None:
    table = pq.read_table(generated_data)
    twin = table.slice(3, 1).set_column(1, "emotion", pa.array([6]))  # a happy face, as neutral
    pq.write_table(pa.concat_tables([table, twin]), tmp_path / "twins.parquet")
    data = {
        "source": tmp_path / "twins.parquet",
        "classes": ["happy", "sad"],
        "drop": ["conflicts"],
    }
    faces = load_training_faces(small_recipe(generated_data, data=data))
    assert len(faces.training) == 79
    assert faces.n_dropped == {"conflicts": 2}


def test_faces_are_kept_at_the_side_asked_for(generated_data: Path) -> None:
    recipe = small_recipe(generated_data, data={"source": generated_data, "size_px": 24})
    faces = load_training_faces(recipe)
    assert faces.training.images.shape[1:] == faces.validation.images.shape[1:] == (24, 24)


def test_a_class_without_faces_is_named_with_what_to_write(
    generated_data: Path, tmp_path: Path
) -> None:
    table = pq.read_table(generated_data)
    some = table.filter(pa.compute.not_equal(table["emotion"], 1))
    pq.write_table(some, tmp_path / "some.parquet")
    with pytest.raises(ConfigError, match=r"no training face of disgust.*faces.classes = \['angry"):
        load_training_faces(small_recipe(tmp_path / "some.parquet"))


def clean_file_of(source: Path, path: Path, *rows: int) -> Path:
    """A file that leaves out some rows of the training split of a source."""
    keys = row_keys(load_faces(source, Split.TRAIN))
    listed = [
        CleanRow(
            sha256=keys[row][0],
            label=keys[row][1],
            occurrence=keys[row][2],
            location=f"row {row + 1}",
            reasons=(CleanReason.DUPLICATE,),
        )
        for row in rows
    ]
    of_source = CleanSource(
        source="made elsewhere",
        n_training=len(keys),
        training_sha256=content_sha256(keys),
        rows=tuple(listed),
    )
    path.write_text(CleanFile(sources=(of_source,)).model_dump_json())
    return path


@pytest.mark.parametrize("size_px", [None, 24])
def test_listed_rows_are_left_out_at_any_side(
    generated_data: Path, tmp_path: Path, size_px: int | None
) -> None:
    clean = clean_file_of(generated_data, tmp_path / "clean.json", 0, 7, 279)
    data = {"source": generated_data, "clean": clean, "size_px": size_px, "drop": ["duplicates"]}
    faces = load_training_faces(small_recipe(generated_data, data=data))
    places = [int(location.rpartition("row ")[2]) for location in faces.training.locations]
    assert places == [place for place in range(1, 281) if place not in {1, 8, 280}]
    assert faces.n_dropped == {"clean": 3, "duplicates": 0}
    assert len(faces.validation) == 140


@pytest.mark.parametrize("hold_out", [False, True])
def test_listed_rows_are_known_by_whole_images_though_the_middle_is_used(
    generated_data: Path, tmp_path: Path, *, hold_out: bool
) -> None:
    source = generated_data
    if hold_out:
        table = pq.read_table(generated_data)
        source = tmp_path / "training.parquet"
        pq.write_table(table.slice(0, 280), source)
    clean = clean_file_of(source, tmp_path / "clean.json", 0, 7, 279)
    data = {"source": source, "clean": clean, "crop": 0.5, "hold_out": 0.2 * hold_out}
    faces = load_training_faces(small_recipe(source, data=data))
    assert faces.n_dropped == {"clean": 3}
    places = {int(location.rpartition("row ")[2]) for location in faces.training.locations}
    assert not places & {1, 8, 280}
    if not hold_out:
        assert len(places) == 277


def test_a_list_for_other_data_is_refused(generated_data: Path, tmp_path: Path) -> None:
    clean = clean_file_of(generated_data, tmp_path / "clean.json", 0)
    table = pq.read_table(generated_data)
    pq.write_table(table.slice(1), tmp_path / "fewer.parquet")
    data = {"source": tmp_path / "fewer.parquet", "clean": clean}
    with pytest.raises(DatasetError, match="clean.json: belongs to .* not to these 279 rows"):
        load_training_faces(small_recipe(generated_data, data=data))


def test_a_list_that_is_missing_is_named(generated_data: Path, tmp_path: Path) -> None:
    data = {"source": generated_data, "clean": tmp_path / "none.json"}
    with pytest.raises(DatasetError, match="none.json: cannot be read"):
        load_training_faces(small_recipe(generated_data, data=data))


def test_fewer_faces_than_a_batch_are_refused(generated_data: Path) -> None:
    with pytest.raises(ConfigError, match="only 280 training faces"):
        load_training_faces(small_recipe(generated_data, batch_size=512))


def test_votes_that_are_missing_are_named(without_votes: Path) -> None:
    with pytest.raises(ConfigError, match="loss.vote_weight is 0.5, but .* has no FER"):
        load_training_faces(small_recipe(without_votes, loss={"vote_weight": 0.5}))
    with pytest.raises(DatasetError, match="not_a_face"):
        load_training_faces(
            small_recipe(without_votes, data={"source": without_votes, "drop": ["not_a_face"]})
        )


def test_an_empty_split_is_named(generated_data: Path, tmp_path: Path) -> None:
    table = pq.read_table(generated_data)
    training = table.filter(pa.compute.equal(table["usage"], "Training"))
    pq.write_table(training, tmp_path / "training.parquet")
    with pytest.raises(DatasetError, match="no faces of split validation; found 280 of split"):
        load_training_faces(small_recipe(tmp_path / "training.parquet"))


def test_an_unknown_class_folder_is_named(tmp_path: Path, generated_data: Path) -> None:
    for split in ("train", "val"):
        for label in ("happy", "smug"):
            folder = tmp_path / split / label
            folder.mkdir(parents=True)
            image = pq.read_table(generated_data)["image"][0].as_py()
            (folder / "a.png").write_bytes(image)
    with pytest.raises(DatasetError, match="smug"):
        load_training_faces(small_recipe(tmp_path))
