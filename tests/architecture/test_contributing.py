"""The tutorial of CONTRIBUTING.md works as written."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from emolens.core.emotion import Emotion
from emolens.core.errors import DatasetError
from emolens.datasets.reading import ReadingReport
from emolens.testing.layouts.samples import draw_samples
from tests.scripts import load_script

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
READER, WRITER, ENTRY = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def module_of(code: str, name: str, folder: Path) -> ModuleType:
    path = folder / f"{name}.py"
    path.write_text(code, encoding="utf-8")
    return load_script(path)


def test_the_reader_of_the_tutorial_reads_its_layout(tmp_path: Path) -> None:
    reader = module_of(READER, "smiles_reader", tmp_path)
    writer = module_of(WRITER, "smiles_layout", tmp_path)
    samples = draw_samples(reader.SHEET, (None,), per_class=2)
    source = writer.write_smiles(tmp_path / "smiles", samples)
    assert reader.is_smiles(source)
    assert not reader.is_smiles(tmp_path)

    report = ReadingReport(skip_damaged=True)
    faces = list(reader.iter_smiles(source, report=report))
    expected = [sample for sample in samples if sample.emotion is not None]
    assert [face.emotion for face in faces] == [sample.emotion for sample in expected]
    assert {face.emotion for face in faces} == set(Emotion)
    assert all((a.image == b.image).all() for a, b in zip(faces, expected, strict=True))
    assert report.left_out == {"wink": 2}

    (source / "images/0001.png").unlink()
    with pytest.raises(DatasetError, match=r"row 1: the image .*0001\.png is missing"):
        next(reader.iter_smiles(source))


def test_the_entry_of_the_tutorial_is_like_the_others() -> None:
    contract = (ROOT / "tests/contract/test_published_formats.py").read_text(encoding="utf-8")
    assert "in_text(" in ENTRY
    assert '"jaffe": Layout(SourceFormat.JAFFE, write_jaffe, ' in contract


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "README.md"]
)
def test_links_of_the_front_pages_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_places_that_are_named_exist() -> None:
    table = TEXT[TEXT.index("| I want to") : TEXT.index("A contract test runs")]
    for name in re.findall(r"`([a-z_]+/[a-z_/]+\.(?:py|html))`", table):
        assert (ROOT / "src/emolens" / name).exists() or (ROOT / name).exists(), name
