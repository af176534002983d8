"""`emolens completion`: completion of commands and options in a shell."""

import os
import shlex
import sys
from enum import StrEnum
from typing import Annotated, Final

import typer

PROGRAM: Final = "emolens"
# What the scripts of typer set: the shell, and the line so far. Bash has its own variable.
_VARIABLE: Final = "_EMOLENS_COMPLETE"
_LINES: Final = ("_TYPER_COMPLETE_ARGS", "COMP_WORDS")


class Shell(StrEnum):
    """A shell with completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


def completion(
    shell: Annotated[Shell, typer.Argument(help="Your shell.", metavar="SHELL")],
) -> None:
    """Print the script that completes commands and options in a shell.

    SHELL is bash, zsh, fish or powershell. The command writes no file. To enable completion, add a
    line to the start file of the shell:

    eval "$(emolens completion bash)" in ~/.bashrc, eval "$(emolens completion zsh)" in ~/.zshrc,
    emolens completion fish | source in ~/.config/fish/config.fish
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # re-exported

    script = get_completion_script(prog_name=PROGRAM, complete_var=_VARIABLE, shell=shell.value)
    sys.stdout.write(f"{script}\n")


def words_to_complete() -> list[str]:
    """Return the arguments of the line that a shell wants completed; empty for a usual start."""
    if _VARIABLE not in os.environ:
        return []
    from typer.completion import completion_init  # type: ignore[attr-defined]  # re-exported

    completion_init()
    line = next((os.environ[name] for name in _LINES if os.environ.get(name)), "")
    try:
        return shlex.split(line)[1:]
    except ValueError:  # an open quotation mark
        return line.split()[1:]
