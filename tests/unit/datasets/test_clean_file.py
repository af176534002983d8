import json
from pathlib import Path

import numpy as np
import pytest

from emolens.core.errors import DatasetError
from emolens.datasets.clean_file import (
    CleanFile,
    CleanReason,
    CleanRow,
    CleanSource,
    content_sha256,
    read_clean_file,
    row_keys,
    rows_left_out,
)
from emolens.datasets.faces import FaceSet
from tests.drawings import drawn_face


def face_set(seeds: list[int], labels: list[int]) -> FaceSet:
    images = np.stack([drawn_face(seed) for seed in seeds])
    return FaceSet(images, np.array(labels, np.int64), tuple(map(str, range(len(seeds)))))


FACES = face_set([1, 2, 1, 1, 3], [0, 1, 0, 4, 6])


def clean_file(path: Path, *rows: int, faces: FaceSet = FACES) -> Path:
    """A file that leaves out some rows of `FACES`."""
    keys = row_keys(faces)
    listed = CleanSource(
        source="faces",
        n_training=len(faces),
        training_sha256=content_sha256(keys),
        rows=tuple(
            CleanRow(
                sha256=keys[row][0],
                label=keys[row][1],
                occurrence=keys[row][2],
                location=f"row {row + 1}",
                reasons=(CleanReason.BLANK,),
            )
            for row in rows
        ),
    )
    path.write_text(CleanFile(sources=(listed,)).model_dump_json())
    return path


def test_a_row_is_known_by_pixels_label_and_occurrence() -> None:
    keys = row_keys(FACES)
    assert [occurrence for _, _, occurrence in keys] == [1, 1, 2, 1, 1]
    assert keys[0][:2] == keys[2][:2]
    assert keys[0][0] == keys[3][0]
    assert len(set(keys)) == len(keys)


def test_the_digest_of_rows_does_not_depend_on_their_order() -> None:
    shuffled = FACES.take(np.array([4, 2, 0, 3, 1]))
    assert content_sha256(row_keys(FACES)) == content_sha256(row_keys(shuffled))
    relabelled = face_set([1, 2, 1, 1, 3], [0, 1, 0, 4, 5])
    assert content_sha256(row_keys(FACES)) != content_sha256(row_keys(relabelled))


def test_listed_rows_are_found(tmp_path: Path) -> None:
    path = clean_file(tmp_path / "clean.json", 4, 2)
    assert rows_left_out(path, FACES).tolist() == [2, 4]
    assert rows_left_out(clean_file(path), FACES).tolist() == []


def test_they_are_found_in_any_order(tmp_path: Path) -> None:
    path = clean_file(tmp_path / "clean.json", 1, 2)
    order = np.array([3, 2, 1, 0, 4])
    left_out = rows_left_out(path, FACES.take(order))
    # One of the two rows of the same content goes, whichever comes second.
    assert left_out.tolist() == [2, 3]


def test_the_source_is_chosen_by_its_content(tmp_path: Path) -> None:
    others = face_set([7, 8], [0, 0])
    first = read_clean_file(clean_file(tmp_path / "a.json", 0, faces=others))
    second = read_clean_file(clean_file(tmp_path / "b.json", 3))
    both = CleanFile(sources=(*first.sources, *second.sources))
    path = tmp_path / "both.json"
    path.write_text(both.model_dump_json())
    assert rows_left_out(path, FACES).tolist() == [3]
    assert rows_left_out(path, others).tolist() == [0]


def test_a_file_for_other_data_is_refused(tmp_path: Path) -> None:
    path = clean_file(tmp_path / "clean.json", 0)
    fewer = FACES.take(np.arange(4))
    with pytest.raises(
        DatasetError, match=r"clean.json: belongs to .* faces \(5 rows\), not to these 4 rows"
    ):
        rows_left_out(path, fewer)


def test_a_row_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = clean_file(tmp_path / "clean.json", 0)
    record = json.loads(path.read_text())
    record["sources"][0]["rows"][0]["occurrence"] = 9
    path.write_text(json.dumps(record))
    with pytest.raises(DatasetError, match=r"clean.json: lists row 1, occurrence 9"):
        rows_left_out(path, FACES)


def test_leaving_nothing_is_refused(tmp_path: Path) -> None:
    path = clean_file(tmp_path / "clean.json", *range(5))
    with pytest.raises(DatasetError, match="lists all .* training rows, so none is left"):
        rows_left_out(path, FACES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "colour: Extra inputs"),
        ({"format": "emolens clean 2"}, "format: Input should be 'emolens clean 1'"),
        ({"size_px": 64}, "size_px"),
        ({"sources": [{}]}, "sources.0.source: Field required; .* and 1 more"),
        ({"sources": 3}, "sources: Input should be a valid"),
        ({"rules": {"ugly": "no"}}, "rules.ugly"),
    ],
)
def test_another_file_is_refused_with_what_is_wrong(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    path = clean_file(tmp_path / "clean.json", 0)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DatasetError, match=f"clean.json: not a list of rows.*{message}"):
        read_clean_file(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_file_that_is_no_json_object_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clean.json"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="clean.json: not a list of rows.*data audit"):
        read_clean_file(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="none.json: cannot be read: No such file"):
        read_clean_file(tmp_path / "none.json")
