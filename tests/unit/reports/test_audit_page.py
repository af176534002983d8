import re
from dataclasses import replace
from pathlib import Path

import pytest

from emolens.curation.audit import audit
from emolens.curation.audited_faces import read_audited
from emolens.reports import audit_page as page_module
from emolens.reports.audit_page import audit_page
from tests.audit_data import ROWS, Row, write_rows
from tests.drawings import drawn_face
from tests.made import MADE, runs_nothing


def page_of(path: Path, rows: tuple[Row, ...] = ROWS, *, with_votes: bool = True) -> str:
    found = audit(read_audited(write_rows(path, rows, with_votes=with_votes)))
    return audit_page(found, made=MADE)


def test_the_page_has_numbers_plots_and_lists(tmp_path: Path) -> None:
    page = page_of(tmp_path / "faces.parquet")
    assert "2 of 3 faces, 1 with an exact duplicate" in page
    assert page.count("<svg ") == 4
    assert "<code>faces.parquet: row 15</code>" in page
    assert "1 blank image<" in page
    assert "emolens 1.2.3" in page


def test_the_page_asks_nothing_of_any_server_and_shows_no_image(tmp_path: Path) -> None:
    page = page_of(tmp_path / "faces.parquet")
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "<img" not in page
    assert runs_nothing(page)


def test_names_are_escaped(tmp_path: Path) -> None:
    page = page_of(tmp_path / "<b>.parquet")
    assert "<b>" not in page
    assert "<h1>Audit of &lt;b&gt;.parquet</h1>" in page


def test_the_page_has_no_folder_of_its_author(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path / "faces.parquet")
    monkeypatch.setenv("EMOLENS_DATA", str(tmp_path))
    for source in (tmp_path / "faces.parquet", Path("faces.parquet")):
        found = audit(read_audited(source))
        warned = replace(found.audited.faces, warnings=(f"{tmp_path / 'faces.parquet'}: odd",))
        found = replace(found, audited=replace(found.audited, faces=warned))
        page = audit_page(found, made=MADE)
        assert "row 15" in page
        assert "faces.parquet: odd" in page
        assert str(tmp_path) not in page


def test_classes_without_faces_are_named_in_one_line(tmp_path: Path) -> None:
    page = page_of(tmp_path / "faces.parquet")
    assert "<p>No faces: angry, disgust, fear, surprise.</p>" in page
    assert page.count("disgust") == 1


def test_little_data_makes_a_page_too(tmp_path: Path) -> None:
    page = page_of(tmp_path / "faces.parquet", (Row(drawn_face(0)),), with_votes=False)
    assert "1 faces." in page
    assert "no FER+ votes" in page
    assert page.count("<svg ") == 1


def test_long_lists_are_cut_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "_N_LISTED", 1)
    page = page_of(tmp_path / "faces.parquet")
    assert "The first 1 of 2. The file of" in page
    assert "row 15" not in page
