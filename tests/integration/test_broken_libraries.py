"""What is said where a library is missing or lacks a part of the system, as in slim containers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emolens.runtime.catalogue import DEFAULT_EMOTION_MODEL

NO_LIBGL = "libGL.so.1: cannot open shared object file: No such file or directory"
NO_LIBGTHREAD = "libgthread-2.0.so.0: cannot open shared object file: No such file or directory"
# As in OpenCV, a second try fails in another way than the first.
RAISES = """import sys
message = "recursion is detected" if hasattr(sys, "tried_{module}") else {message!r}
sys.tried_{module} = True
raise ImportError(message)
"""
BLOCKS = """import sys
sys.modules[{module!r}] = None
"""


def environment(folder: Path, module: str, message: str | None) -> dict[str, str]:
    """An environment in which a module raises a message when imported, or is missing."""
    if message is None:
        (folder / "sitecustomize.py").write_text(BLOCKS.format(module=module))
    else:
        (folder / module).mkdir()
        source = RAISES.format(module=module, message=message)
        (folder / module / "__init__.py").write_text(source)
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


def run(code: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *code], env=env, capture_output=True, text=True, check=False, timeout=120
    )


CASES = [
    ("cv2", NO_LIBGL, "apt-get install libgl1 libglib2.0-0"),
    ("cv2", NO_LIBGTHREAD, "opencv-python-headless"),
    ("cv2", None, "pip install --force-reinstall opencv-python"),
    ("av", "DLL load failed while importing _core", "pip install --force-reinstall av"),
    ("av", None, "pip install --force-reinstall av"),
    ("PIL", "cannot import name '_imaging'", "pip install --force-reinstall pillow"),
    ("onnxruntime", NO_LIBGL, "Install the system package"),
    ("onnxruntime", None, "pip install --force-reinstall onnxruntime"),
]


@pytest.mark.parametrize(("module", "message", "cure"), CASES)
def test_a_command_says_in_one_line_what_is_missing_and_what_helps(
    tmp_path: Path, module: str, message: str | None, cure: str
) -> None:
    done = run(["-m", "emolens", "video", "clip.mp4"], environment(tmp_path, module, message))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: the library {module} cannot be loaded: {message or ''}")
    assert cure in line


@pytest.mark.parametrize(("module", "message"), [("cv2", NO_LIBGL), ("av", None)])
def test_version_help_and_doctor_work_all_the_same(
    tmp_path: Path, module: str, message: str | None
) -> None:
    env = environment(tmp_path, module, message)
    for arguments, expected in ((["--version"], "emolens 0"), (["--help"], "Report versions")):
        done = run(["-m", "emolens", *arguments], env)
        assert (done.returncode, done.stderr) == (0, "")
        assert expected in done.stdout
    done = run(["-m", "emolens", "doctor", "--json", "-"], env)
    assert done.returncode == 2
    assert f"error: the library {module} cannot be loaded: {message or ''}" in done.stderr
    assert "Traceback" not in done.stderr
    findings = json.loads(done.stdout)
    assert findings["inference device"] == "CPUExecutionProvider"
    assert findings["ffmpeg in PyAV"].startswith("unknown")
    assert findings[f"model {DEFAULT_EMOTION_MODEL}"].startswith("OK, SHA-256 ")


def test_in_python_using_emolens_raises_an_error_of_emolens(tmp_path: Path) -> None:
    code = """
import emolens
assert emolens.Emotion.HAPPY.label == "happy"
said = []
for name in ("analyze", "ImageAnalyzer", "stream", "StreamSettings", "analyze"):
    try:
        getattr(emolens, name)
    except emolens.EmolensError as error:
        assert isinstance(error, ImportError)
        assert isinstance(error, emolens.BrokenLibraryError)
        said.append(str(error))
try:
    from emolens import StreamAnalyzer
except ImportError as error:
    said.append(str(error))
assert len(said) == 6
assert len(set(said)) == 1
assert "apt-get install libgl1" in said[0]
"""
    done = run(["-c", code], environment(tmp_path, "cv2", NO_LIBGL))
    assert (done.returncode, done.stderr) == (0, "")
