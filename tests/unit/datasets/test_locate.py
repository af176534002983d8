from pathlib import Path

import pytest

from emolens.core.errors import DatasetError
from emolens.datasets.loading import load_faces
from emolens.datasets.locate import DATA_FOLDER, locate


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sets/fer2013").mkdir(parents=True)
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path / "sets"))
    return tmp_path


def test_a_name_is_resolved_below_the_data_folder(folder: Path) -> None:
    assert locate(Path("fer2013")) == folder / "sets/fer2013"


def test_a_path_that_exists_takes_precedence(folder: Path) -> None:
    (folder / "fer2013").mkdir()
    assert locate(Path("fer2013")) == Path("fer2013")
    assert locate(folder / "sets") == folder / "sets"


def test_a_name_that_exists_nowhere_stays(folder: Path) -> None:
    assert locate(Path("raf-db")) == Path("raf-db")
    assert locate(folder / "raf-db") == folder / "raf-db"


def test_without_the_variable_a_path_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATA_FOLDER)
    assert locate(Path("fer2013")) == Path("fer2013")


def test_a_missing_source_names_the_variable(folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"^raf-db: no such file or folder\. Set EMOLENS_DATA"):
        load_faces(Path("raf-db"))


def test_readers_use_the_data_folder(folder: Path) -> None:
    row = "3," + " ".join(["0"] * 2304) + ",Training\n"
    (folder / "sets/fer2013/fer2013.csv").write_text("emotion,pixels,Usage\n" + row)
    faces = load_faces(Path("fer2013"))
    assert faces.locations[0].startswith(str(folder / "sets/fer2013/fer2013.csv"))
