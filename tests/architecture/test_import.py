"""What `import emolens` may and may not do, each checked in a fresh interpreter."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

HEAVY = (
    "torch",
    "fastapi",
    "typer",
    "ray",
    "lightning",
    "timm",
    "sklearn",
    "pandas",
    "matplotlib",
    "cv2",
)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_loads_nothing_heavy() -> None:
    code = f"import sys, emolens; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert run(code) == "[]"


def test_import_uses_no_network_and_leaves_the_environment_alone() -> None:
    code = """
import os, socket, sys
def refuse(*args, **kwargs): raise AssertionError("network used on import")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
before = dict(os.environ)
import emolens
assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())
"""
    run(code)


def test_public_names_are_sorted_and_exist() -> None:
    code = """
import emolens
constants = [n for n in emolens.__all__ if n.isupper()]
classes = [n for n in emolens.__all__ if not n.isupper() and n[0].isupper()]
functions = [n for n in emolens.__all__ if n[0].islower()]
assert emolens.__all__ == sorted(constants) + sorted(classes) + sorted(functions)
assert all(hasattr(emolens, n) for n in emolens.__all__)
"""
    run(code)


def imported(path: Path) -> list[str]:
    """What a file imports, in its order; imports inside functions last."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = [*tree.body, *(node for node in ast.walk(tree) if node not in tree.body)]
    names: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.append(node.module or "")
    return names


@pytest.mark.parametrize(
    ("packages", "gate", "folders"),
    [
        (("onnxruntime",), "emolens.runtime.ort", ("src", "docs", "notebooks")),
        (("trackers", "supervision"), "emolens.tracking.library", ("src",)),
    ],
)
def test_what_is_not_silent_by_itself_is_imported_behind_one_module(
    packages: tuple[str, ...], gate: str, folders: tuple[str, ...]
) -> None:
    """Elsewhere a part of such a package is imported after the module that silences it."""
    gate_file = ROOT / "src" / Path(*gate.split(".")).with_suffix(".py")
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        if path == gate_file:
            continue
        names = imported(path)
        loud = [names.index(name) for name in names if name.split(".")[0] in packages]
        assert not loud or (gate in names and names.index(gate) < min(loud)), path
    assert set(packages) <= {name.split(".")[0] for name in imported(gate_file)}


# One script for all: a fresh process for each module, forked before anything is loaded.
_ORDER = """
import importlib, os, sys
wrong = []
for module in {modules!r}:
    if not os.fork():
        importlib.import_module(module)
        names = list(sys.modules)
        is_right = "av" not in names or names.index("cv2") < names.index("av")
        os._exit(0 if is_right else 1)
    if os.wait()[1]:
        wrong.append(module)
print(wrong)
"""


def test_opencv_is_loaded_before_pyav_whichever_module_comes_first() -> None:
    """In the other order OpenCV's windows hang on Linux (ADR 0010)."""
    modules = [
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        for package in ("imaging", "media", "tracking", "pipeline", "testing")
        for path in sorted((ROOT / "src/emolens" / package).glob("*.py"))
        if path.stem != "__init__"
    ]
    assert "emolens.media.upright" in modules
    assert run(_ORDER.format(modules=modules)) == "[]"
