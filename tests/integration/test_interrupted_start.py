"""Ctrl-C at any moment of a command's start and work."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emolens.media.sample import sample_image

# Until the interpreter has loaded the first module of emolens, the answer is its own: it says where
# in its start it was, or nothing, and dies of the signal.
BEGIN = """import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = "emolens"
import emolens.cli.main as main
os.write(1, b"ready\\n")
main.run()
"""


def interrupt(arguments: list[str], after_s: float, cwd: Path) -> tuple[int, str]:
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN, *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5])
def test_ctrl_c_is_one_line_at_any_moment(after_s: float, tmp_path: Path) -> None:
    for number in range(300):
        os.symlink(sample_image(), tmp_path / f"{number}.png")
    code, said = interrupt(["image", ".", "--annotated", "seen"], after_s, tmp_path)
    assert (code, said) == (130, "interrupted\n")
    written = (tmp_path / "seen").iterdir() if (tmp_path / "seen").exists() else []
    assert all(path.suffix == ".png" for path in written)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["doctor"],
        ["video", "none.mp4"],
        ["evaluate", "--data", "none"],
        ["train", "none.toml"],
        ["models", "list"],
    ],
)
def test_so_it_is_in_every_command(arguments: list[str], tmp_path: Path) -> None:
    assert interrupt(arguments, 0.02, tmp_path) == (130, "interrupted\n")


def test_a_module_that_is_being_loaded_is_no_matter(tmp_path: Path) -> None:
    # The signal comes while the first modules are loaded, before anything else is set up.
    code = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "emolens.cli.interruption":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
import emolens.cli.main
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
