"""Telemetry is off, and nothing else changes; each checked in a fresh interpreter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

VARIABLE = "ORT_DISABLE_TELEMETRY"
# Makes sure that the variable is there when ONNX Runtime is imported, which is when it is read.
SEEN = f"""
import importlib.abc, os, sys
seen = []
class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "onnxruntime":
            seen.append(os.environ.get("{VARIABLE}"))
sys.meta_path.insert(0, Watch())
before = dict(os.environ)
"""
ALONE = """
changed = {name for name in before | os.environ if before.get(name) != os.environ.get(name)}
# OpenCV's own, see emolens.__init__.
assert changed <= {"LD_LIBRARY_PATH", "QT_QPA_FONTDIR", "QT_QPA_PLATFORM_PLUGIN_PATH"}, changed
"""


def run(code: str, home: Path, value: str | None = None) -> str:
    """Run code with an empty home and, as on a user's machine, nothing that marks a test."""
    environment = {
        name: of
        for name, of in os.environ.items()
        if name not in {"CI", "GITHUB_ACTIONS", "XDG_CACHE_HOME", VARIABLE}
    }
    environment |= {"HOME": str(home)} | ({} if value is None else {VARIABLE: value})
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("value", [None, "", "0", "1", "yes"])
def test_telemetry_is_off_and_the_environment_as_before(value: str | None, tmp_path: Path) -> None:
    # An empty value and 0 would leave telemetry on.
    code = f"{SEEN}\nimport emolens.runtime.session\n{ALONE}\nprint(seen)"
    assert run(code, tmp_path, value) == "['1']"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "module",
    [
        "emolens.detection",
        "emolens.pipeline.stream",
        "emolens.runtime.quantization",
    ],
)
def test_whatever_is_imported_first(module: str, tmp_path: Path) -> None:
    assert run(f"{SEEN}\nimport {module}\nprint(seen)", tmp_path) == "['1']"


def test_the_environment_is_put_back_where_the_import_fails(tmp_path: Path) -> None:
    code = f"""
import os, sys
sys.modules["onnxruntime"] = None
try:
    import emolens.runtime.ort
except ImportError:
    print(os.environ.get("{VARIABLE}"))
"""
    assert run(code, tmp_path) == "None"


def test_only_an_import_before_ours_is_out_of_reach(tmp_path: Path) -> None:
    ask = "from emolens.runtime.ort import telemetry_state; print(telemetry_state())"
    assert run(ask, tmp_path) == "off"
    # The variable keeps this test itself quiet.
    late = run(f"import onnxruntime; {ask}", tmp_path, "1")
    assert "imported before emolens" in late
    assert f"{VARIABLE}=1" in late
