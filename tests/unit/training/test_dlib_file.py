from pathlib import Path

import numpy as np
import pytest

from emolens.core.errors import ConfigError
from emolens.training.dlib_file import CONVOLUTIONS, read_dlib_face_resnet
from tests.unit.training.dlib_files import face_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "face.dat"


def test_all_layers_are_read(path: Path) -> None:
    path.write_bytes(face_file())
    weights = read_dlib_face_resnet(path)
    assert len(weights) == 4 * 29 + 1
    for index, name in enumerate(CONVOLUTIONS):
        assert weights[f"{name}.weight"].shape == (2, 1, 1, 1)
        assert weights[f"{name}.weight"].ravel().tolist() == [index, index + 1]
        assert weights[f"{name}.bias"].tolist() == [index + 2, index + 3]
        assert weights[f"{name}.gamma"].tolist() == [1.5, -2.0]
        assert weights[f"{name}.beta"].tolist() == [0.25, 0.0]
    assert weights["embedding.weight"].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert all(array.dtype == np.float32 for array in weights.values())


@pytest.mark.parametrize("n_convolutions", [1, 28, 30])
def test_another_network_is_refused(path: Path, n_convolutions: int) -> None:
    path.write_bytes(face_file(n_convolutions))
    with pytest.raises(ConfigError, match="29 convolutions"):
        read_dlib_face_resnet(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xd8\xff\xe0 an image", id="an image"),
        pytest.param(bytes(1000), id="zeros"),
        pytest.param(b"\x08" * 1000, id="large numbers"),
    ],
)
def test_another_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="is not dlib's face-recognition ResNet"):
        read_dlib_face_resnet(path)


def test_a_missing_file_is_said_to_be_missing(path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_dlib_face_resnet(path)


def test_a_damaged_file_never_gives_weights_that_are_no_numbers(path: Path) -> None:
    whole = face_file()
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        place = int(rng.integers(len(whole)))
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(damaged[: int(rng.integers(place, len(whole))) + 1]))
        try:
            weights = read_dlib_face_resnet(path)
        except ConfigError:
            continue
        assert all(np.isfinite(array).all() for array in weights.values())
