from pathlib import Path

import pytest

from emolens.core.errors import ModelError
from emolens.runtime.catalogue import DEFAULT_EMOTION_MODEL, find_model
from emolens.runtime.model_file import load_emotion_model, seal, verify_seal

BLANK = b'rest "sha256": "' + b"0" * 64 + b'" of a file'


@pytest.fixture(scope="module")
def shipped() -> bytes:
    return find_model("default", "emotion").read()


def test_sealed_bytes_verify() -> None:
    verify_seal(seal(BLANK), name="file")


@pytest.mark.parametrize("position", [0, 20, -1])
def test_any_changed_byte_breaks_the_seal(position: int) -> None:
    sealed = bytearray(seal(BLANK))
    sealed[position] ^= 1
    with pytest.raises(ModelError, match=r"SHA-256 of the file|not an emolens model"):
        verify_seal(bytes(sealed), name="file")


def test_sealing_twice_is_refused() -> None:
    with pytest.raises(ModelError, match="already has a digest"):
        seal(seal(BLANK))


def test_shipped_model_loads_by_name_and_by_path(shipped: bytes, tmp_path: Path) -> None:
    path = tmp_path / "copy.onnx"
    path.write_bytes(shipped)
    by_name, by_path = load_emotion_model("default"), load_emotion_model(path)
    assert by_name.sha256 == by_path.sha256
    assert by_name.manifest == by_path.manifest
    assert by_name.manifest.input.size_px == 48


def test_an_altered_model_is_refused_before_it_is_loaded(shipped: bytes, tmp_path: Path) -> None:
    path = tmp_path / "altered.onnx"
    middle = len(shipped) // 2
    path.write_bytes(shipped[:middle] + bytes([shipped[middle] ^ 1]) + shipped[middle + 1 :])
    with pytest.raises(ModelError, match="the SHA-256 of the file is"):
        load_emotion_model(path)


@pytest.mark.parametrize("content", [b"", b"text", b"\x80\x04pickle"])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not an emolens model"):
        load_emotion_model(path)


def test_a_sealed_file_that_is_no_onnx_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sealed.onnx"
    path.write_bytes(seal(BLANK))
    with pytest.raises(ModelError, match="not a valid ONNX model"):
        load_emotion_model(path)


def test_missing_file_and_unknown_name_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        load_emotion_model(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match=f"allowed: .*{DEFAULT_EMOTION_MODEL}.*, default"):
        load_emotion_model("huge")
