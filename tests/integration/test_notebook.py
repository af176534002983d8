"""The notebook runs from its first cell to its last, and is kept without outputs."""

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from emolens.jobs.recipes import copy_recipe

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "tutorial.ipynb"


def read(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]  # it has no types


def test_the_notebook_shows_nobody() -> None:
    code = [cell for cell in read(NOTEBOOK).cells if cell.cell_type == "code"]
    assert len(code) > 10
    assert not any(cell.outputs or cell.execution_count for cell in code)


# Clients and kernels leave sockets to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.timeout(900)
def test_the_notebook_runs_in_any_folder_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Drawn faces, whatever this machine has.
    monkeypatch.delenv("EMOLENS_DATA", raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    temporary, folder = tmp_path / "temporary", tmp_path / "mine"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    notebook = read(copy_recipe("tutorial", folder).written[0])
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=600, resources=resources).execute()
    outputs = [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]
    printed = "".join(output.get("text", "") for output in outputs)
    assert "1 face in 512x512 px" in printed
    assert "phase 1, epoch 10/10: training loss" in printed
    assert "trained on soft, measured on majority: " in printed
    assert "seconds per label {'happy'" in printed
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 10
    last = outputs[-1]["data"]["text/plain"]
    assert "Skipped: " in last or "The camera is off." in last
    assert [path.name for path in folder.iterdir()] == ["tutorial.ipynb"]
    assert not list(temporary.glob("emolens-*"))
