"""The client in JavaScript, with a server that answers from memory."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.javascript_runtime import FOLDER, needs_node, run_node

MODULE = Path(__file__).parents[3] / "src/emolens/server/static/emolens.js"


@needs_node
@pytest.mark.parametrize("script", sorted(path.name for path in FOLDER.glob("*.test.mjs")))
def test_it_passes_its_own_tests(script: str, tmp_path: Path) -> None:
    done = run_node(script, cwd=tmp_path, options=["--test-reporter=tap"])
    assert done.returncode == 0, done.stdout
    assert "# skipped 0" in done.stdout
    assert "# tests 0" not in done.stdout


@pytest.mark.skipif(shutil.which("tsc") is None, reason="TypeScript's compiler is not installed")
def test_its_types_are_right(tmp_path: Path) -> None:
    options = ["--allowJs", "--checkJs", "--noEmit", "--strict", "--target", "es2022"]
    options += ["--lib", "es2022,dom,dom.iterable", "--typeRoots", str(tmp_path)]
    done = subprocess.run(["tsc", *options, MODULE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_has_no_dependencies_and_no_addresses() -> None:
    text = MODULE.read_text(encoding="utf-8")
    code = [line for line in text.splitlines() if not line.lstrip().startswith(("*", "/*", "//"))]
    assert not any(line.startswith("import ") or "import(" in line for line in code)
    assert not any("http://" in line.replace("must be http://", "") for line in code)
