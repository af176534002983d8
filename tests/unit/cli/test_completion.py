import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emolens.cli.completion import Shell, words_to_complete
from emolens.cli.program import COMMANDS, GROUPS
from tests.unit.cli.test_main import emolens_command

pytestmark = pytest.mark.slow


def completed(line: str) -> list[str]:
    """What bash is offered for the last word of a line."""
    words = line.split(" ")
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'emolens';"
         "from emolens.cli.main import run; run()"],
        env={**os.environ, "_EMOLENS_COMPLETE": "complete_bash", "COMP_WORDS": line,
             "COMP_CWORD": str(len(words) - 1)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_commands_are_completed() -> None:
    assert completed("emolens ") == [*COMMANDS, *GROUPS]
    assert completed("emolens ima") == ["image"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("emolens image --ta", ["--table", "--tags"]),
        ("emolens image a.jpg --jsonl - --at", ["--at-least"]),
        ("emolens video --sum", ["--summary"]),
        ("emolens data au", ["audit"]),
        ("emolens data audit --cl", ["--clean"]),
        ("emolens completion po", ["powershell"]),
        ("emolens image 'half", []),
    ],
)
def test_options_of_commands_that_are_loaded_on_request_are_completed(
    line: str, offered: list[str]
) -> None:
    assert completed(line) == offered


@pytest.mark.parametrize("shell", Shell)
def test_every_shell_has_a_script(shell: Shell) -> None:
    done = emolens_command("completion", shell.value)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_EMOLENS_COMPLETE" in done.stdout
    assert "emolens" in done.stdout


def test_another_shell_is_refused() -> None:
    done = emolens_command("completion", "tcsh")
    assert done.returncode == 1
    assert "'tcsh' is not one of" in " ".join(done.stderr.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_works_in_bash(tmp_path: Path) -> None:
    program = tmp_path / "emolens"
    program.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c \'import sys; sys.argv[0] = "emolens";'
        'from emolens.cli.main import run; run()\' "$@"\n'
    )
    program.chmod(0o755)
    script = (
        'eval "$(emolens completion bash)"; COMP_WORDS=(emolens image --tab); COMP_CWORD=2;'
        '_emolens_completion emolens; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "--table\n"


def test_a_usual_start_completes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", "emolens image")
    assert words_to_complete() == []
    monkeypatch.setenv("_EMOLENS_COMPLETE", "complete_bash")
    assert words_to_complete() == ["image"]
