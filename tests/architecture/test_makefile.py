"""The Makefile names what exists, and runs each script where its imports are installed."""

import ast
import os
import re
import subprocess
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


class CpuTorch:
    """`.ci/cpu-torch` with programs that record how they are called."""

    def __init__(self, folder: Path, fails: str) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.calls.touch()
        self.write("python", f'echo "$*" >> {self.calls}\n[[ "$*" != {fails} ]]')
        self.write("nvidia-smi", "exit 1")

    def write(self, name: str, commands: str) -> None:
        program = self.folder / name
        program.write_text(f"#!/bin/bash\n{commands}\n")
        program.chmod(0o755)

    def run(self) -> tuple[str, list[str]]:
        """Run it; return what it prints and the commands of Python."""
        done = subprocess.run(
            [ROOT / ".ci/cpu-torch", self.folder / "python"],
            capture_output=True,
            text=True,
            check=True,
            env={"PATH": f"{self.folder}:{os.environ['PATH']}"},
        )
        return done.stdout + done.stderr, self.calls.read_text().splitlines()


def test_the_development_environment_asks_for_torch_without_cuda_first() -> None:
    steps = MAKEFILE.partition("$(DEV_ENV)/installed: pyproject")[2]
    assert 0 < steps.index(".ci/cpu-torch") < steps.index("--editable '.[dev]'")


def test_torch_without_cuda_has_the_versions_of_the_constraints(tmp_path: Path) -> None:
    printed, calls = CpuTorch(tmp_path, fails="nothing").run()
    assert printed == ""
    assert len(calls) == 3
    assert calls[1].startswith("-m uv pip install")
    assert calls[1].endswith("--torch-backend cpu --constraint constraints.txt torch torchvision")


@pytest.mark.parametrize("fails", ["*' uv'", "'-m uv '*", "*'import torchvision'"])
def test_what_cannot_be_had_or_does_not_fit_is_left_to_pip(tmp_path: Path, fails: str) -> None:
    printed, calls = CpuTorch(tmp_path, fails).run()
    assert len(printed.splitlines()) == 1
    assert "pip installs the one with CUDA" in printed
    assert calls[-1].startswith("-m pip uninstall")
    assert calls[-1].endswith("torch torchvision")


def test_a_device_with_a_gpu_gets_the_ordinary_torch(tmp_path: Path) -> None:
    attempt = CpuTorch(tmp_path, fails="nothing")
    attempt.write("nvidia-smi", "exit 0")
    assert attempt.run() == ("", [])
