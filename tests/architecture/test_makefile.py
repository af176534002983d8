"""The Makefile names what exists, and runs each script where its imports are installed."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# Installed for development only.
NOT_BASE = {
    "captum",
    "lightning",
    "onnx",
    "pandas",
    "seaborn",
    "skimage",
    "sklearn",
    "timm",
    "torch",
}
USER_SCRIPTS = sorted(set(re.findall(r"\$\(USER_ENV\)/bin/python (docs/\S+\.py)", MAKEFILE)))


def imports_of(script: Path) -> set[str]:
    """The top-level modules that a script and the scripts beside it import."""
    found = set()
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            sibling = script.with_name(f"{name}.py")
            found |= imports_of(sibling) if sibling.exists() else {name.partition(".")[0]}
    return found


def test_scripts_that_are_named_exist() -> None:
    text = MAKEFILE.replace("$(BENCH)/", "docs/benchmarks/")
    scripts = re.findall(r"(?:docs|tests)/[\w/]+\.py", text)
    assert len(scripts) > 15
    for script in scripts:
        assert (ROOT / script).is_file(), script


@pytest.mark.parametrize("script", USER_SCRIPTS)
def test_scripts_of_the_user_environment_need_only_the_base_install(script: str) -> None:
    assert not imports_of(ROOT / script) & NOT_BASE


def test_imports_are_found_beside_a_script_too() -> None:
    assert "skimage" in imports_of(ROOT / "docs/benchmarks/peers.py")


@pytest.mark.parametrize("caller", [".github/workflows/ci.yml", ".ci/run"])
def test_callers_use_targets_that_exist(caller: str) -> None:
    targets = re.findall(r"\bmake (\w+)$", (ROOT / caller).read_text("utf-8"), re.MULTILINE)
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target
