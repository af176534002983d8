import sys
import types

import pytest

from emolens.core import libraries
from emolens.core.errors import BrokenLibraryError, EmolensError, InputError
from emolens.core.libraries import LIBRARIES, Library, broken_libraries, explaining_imports


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "_first_errors", {})


def fail_to_import(error: Exception) -> str:
    with pytest.raises(BrokenLibraryError) as told, explaining_imports():
        raise error
    assert told.value.__cause__ is error
    return str(told.value)


def test_all_that_is_needed_can_be_loaded_here() -> None:
    assert broken_libraries() == []
    assert len({library.module for library in LIBRARIES}) == len(LIBRARIES)


def test_a_missing_part_of_the_system_comes_with_what_brings_it() -> None:
    reason = "libGL.so.1: cannot open shared object file: No such file or directory"
    said = fail_to_import(ImportError(reason, name="cv2"))
    assert said == (
        f"the library cv2 cannot be loaded: {reason}. Run: apt-get install libgl1 libglib2.0-0 "
        "(Debian, Ubuntu). Or install OpenCV without windows: pip uninstall --yes opencv-python; "
        "pip install --force-reinstall opencv-python-headless"
    )
    said = fail_to_import(
        ImportError("libz.so: cannot open shared object file", name="PIL._imaging")
    )
    assert "the library PIL cannot be loaded" in said
    assert said.endswith("file. Install the system package that contains this file.")


@pytest.mark.parametrize(
    ("module", "package"),
    [("scipy.special", "scipy"), ("PIL", "pillow"), ("unheard_of", "unheard_of")],
)
def test_a_missing_library_is_named_as_pip_calls_it(module: str, package: str) -> None:
    said = fail_to_import(ModuleNotFoundError(f"No module named {module!r}", name=module))
    assert said.endswith(f". Run: pip install --force-reinstall {package}")


def test_the_library_is_found_where_the_error_does_not_name_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert "the library jinja2 cannot be loaded: blocked" in fail_to_import(ImportError("blocked"))
    # Libraries that do not fit together fail in any way.
    assert "jinja2" in fail_to_import(AttributeError("_ARRAY_API not found"))


def test_long_texts_are_brought_to_one_short_line() -> None:
    said = fail_to_import(ImportError("Advice:\n\n" + "  read this\n" * 99, name="numpy"))
    assert "Advice: read this read this" in said
    assert "\n" not in said
    assert len(said) < 350


def test_the_first_error_is_the_one_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "LIBRARIES", [Library("one", "one-lib", "one.part")])
    monkeypatch.setattr(libraries, "import_module", _recursion)
    said = fail_to_import(ImportError("no such file"))
    assert said == (
        "the library one cannot be loaded: no such file. Run: pip install --force-reinstall one-lib"
    )
    assert fail_to_import(ImportError("something else", name="one")) == said
    assert list(map(str, broken_libraries())) == [said]


def test_a_library_that_only_lacks_another_one_is_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("one", "two", "three")
    monkeypatch.setattr(libraries, "LIBRARIES", [Library(name, name, name) for name in names])
    lacking = {"one": "one.inner", "two": "one", "three": "four"}
    monkeypatch.setattr(libraries, "import_module", lambda name: _missing(lacking[name]))
    told = list(map(str, broken_libraries()))
    assert [text.split()[2] for text in told] == ["one", "three"]


def _missing(name: str) -> types.ModuleType:
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _recursion(name: str) -> types.ModuleType:
    raise ImportError(f"recursion is detected during loading of {name}")


@pytest.mark.parametrize(
    "error",
    [
        InputError("no such image"),
        ValueError("a fault of ours"),
        ImportError("cannot import name 'gone' from 'emolens.core'", name="emolens.core"),
        ModuleNotFoundError("No module named 'emolens.gone'", name="emolens.gone"),
    ],
)
def test_what_is_not_about_a_library_stays_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as told, explaining_imports():
        raise error
    assert told.value is error


def test_it_can_be_caught_as_what_it_is() -> None:
    assert issubclass(BrokenLibraryError, EmolensError)
    assert issubclass(BrokenLibraryError, ImportError)
