import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from emolens.core.emotion import LABELS
from emolens.core.errors import DatasetError
from emolens.datasets.faces import Split
from emolens.datasets.loading import load_faces
from emolens.datasets.summary import summarize

FER2013 = Path(__file__).resolve().parents[3].parent / "shared" / "fer2013"


def put_picture(path: Path, *shape: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(len(str(path))).integers(0, 256, shape).astype(np.uint8)
    path.write_bytes(bytes(cv2.imencode(".png", image)[1]))


def test_faces_are_counted_by_split_and_class(tmp_path: Path) -> None:
    put_picture(tmp_path / "train" / "sad" / "a.png", 48, 48)
    put_picture(tmp_path / "train" / "sad" / "b.png", 30, 60)
    put_picture(tmp_path / "test" / "happy" / "a.png", 100, 40)

    summary = summarize(tmp_path)

    assert summary.format_name == "class folders"
    assert summary.n_faces == 3
    assert list(summary.counts) == ["Training", "PrivateTest"]
    assert summary.counts["Training"] == {**dict.fromkeys(LABELS, 0), "sad": 2}
    assert summary.counts["PrivateTest"] == {**dict.fromkeys(LABELS, 0), "happy": 1}
    assert summary.min_size_wh == (40, 30)
    assert summary.max_size_wh == (60, 100)
    for split in (Split.TRAINING, Split.PRIVATE_TEST):
        assert summary.sha256[split] == load_faces(tmp_path, split).sha256


def test_faces_without_split_count_as_unknown(tmp_path: Path) -> None:
    put_picture(tmp_path / "sad" / "a.png", 48, 48)

    summary = summarize(tmp_path)

    assert list(summary.counts) == ["unknown"]
    assert summary.sha256["unknown"] == load_faces(tmp_path).sha256


def test_the_summary_becomes_json(tmp_path: Path) -> None:
    put_picture(tmp_path / "sad" / "a.png", 48, 50)

    values = json.loads(json.dumps(summarize(tmp_path).to_dict()))

    assert values["source"] == str(tmp_path)
    assert values["format"] == "class folders"
    assert values["n_faces"] == 1
    assert values["counts"]["unknown"]["sad"] == 1
    assert values["min_size_wh"] == values["max_size_wh"] == [50, 48]
    assert len(values["sha256"]["unknown"]) == 64


def test_a_source_without_faces_gives_zeros(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("emotion,pixels,Usage\n")

    summary = summarize(path)

    assert summary.n_faces == 0
    assert summary.counts == {}
    assert summary.min_size_wh == summary.max_size_wh == (0, 0)


def test_no_data_set_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="accepted are"):
        summarize(tmp_path)


@pytest.mark.skipif(not FER2013.is_dir(), reason="FER2013 is not beside the repository")
def test_the_real_data_set_has_its_published_counts() -> None:
    summary = summarize(FER2013)

    training, public_test = summary.counts["Training"], summary.counts["PublicTest"]
    assert list(training.values()) == [3995, 436, 4097, 7215, 4830, 3171, 4965]
    assert list(public_test.values()) == [467, 56, 496, 895, 653, 415, 607]
    assert (sum(training.values()), sum(public_test.values())) == (28_709, 3_589)
    assert summary.min_size_wh == summary.max_size_wh == (48, 48)
